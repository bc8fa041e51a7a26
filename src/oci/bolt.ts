/**
 * Reading bbolt databases (go.etcd.io/bbolt): a B+ tree of buckets in one file of pages. All numbers are in the byte order of the machine
 * that wrote them, little-endian here.
 *
 * The database is read without its lock, which a running program keeps. Writers never change a page that the last committed state needs, so
 * a copy is whole if that state was the last one before and after it was made.
 *
 * @module
 */

import { LaminaError } from "../error.ts";

// Page header: id u64, flags u16, elements u16, further pages u32.
const PAGE_HEADER = 16;
const BRANCH = 0x01;
const LEAF = 0x02;
// A meta page: magic u32, version u32, page size u32, flags u32, root bucket (16), freelist u64, high water u64, transaction u64, checksum u64.
const MAGIC = 0xed0cdaed;
const VERSION = 2;
const META_CHECKED = 56;
/** Size of an element of a branch or a leaf, and of a bucket's header. */
const ELEMENT = 16;
/** Sizes of a page that there are: those of the machine that wrote it, or what it was told. */
const MIN_PAGE = 512;
const MAX_PAGE = 1 << 20;
/** Of a leaf's element: its value is a bucket. */
const IS_BUCKET = 1;
/** Levels of pages; a tree of 2⁶⁴ bytes has fewer. */
const MAX_DEPTH = 40;
/** Times that a database may change while it is copied. */
const ATTEMPTS = 20;

/** A bucket: values and further buckets by key. */
export interface Bucket {
  /** Values by key, in order. */
  values(): Map<string, Uint8Array>;
  /** Buckets by key, in order. */
  buckets(): Map<string, Bucket>;
}

/**
 * Reads a database whole.
 *
 * @param limit Most bytes that it may have.
 * @throws {LaminaError} `invalid` where it is none, or damaged.
 */
export function readBolt(path: string, limit = 1 << 30): Bucket {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { size } = Deno.statSync(path);
    if (size > limit) throw damaged(path, `it has ${size} bytes, more than ${limit}`);
    const bytes = Deno.readFileSync(path);
    const meta = lastMeta(bytes);
    if (meta === undefined) throw damaged(path, "it is no database of bbolt");
    const start = new Uint8Array(2 * meta.pageSize);
    using file = Deno.openSync(path);
    file.readSync(start);
    if (lastMeta(start)?.transaction !== meta.transaction) continue;
    return new PagedBucket(new Pages(path, bytes, meta.pageSize), meta.root, undefined);
  }
  throw new LaminaError("failed", `reading ${path}: it changes all the time`, {
    hint: "Try again when the program that it belongs to has less to do.",
  });
}

function damaged(path: string, why: string): LaminaError {
  return new LaminaError("invalid", `reading ${path}: ${why}`, {
    hint: "It is damaged, or a newer format than is known here: name images by their digests.",
  });
}

interface Meta {
  readonly pageSize: number;
  readonly root: number;
  readonly transaction: bigint;
}

/** The last state that was committed whole: there are two meta pages, written in turn. */
function lastMeta(bytes: Uint8Array): Meta | undefined {
  const first = readMeta(bytes, 0);
  // Where the first one is torn, its size of a page may be too.
  const sizes = first === undefined ? [4096, 16384, 65536] : [first.pageSize];
  const second = sizes.map((size) => readMeta(bytes, size)).find((meta) => meta !== undefined);
  if (first === undefined || second === undefined) return first ?? second;
  return first.transaction > second.transaction ? first : second;
}

function readMeta(bytes: Uint8Array, at: number): Meta | undefined {
  const start = at + PAGE_HEADER;
  if (start + META_CHECKED + 8 > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, META_CHECKED + 8);
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) !== VERSION) return undefined;
  // FNV-1a of 64 bits.
  let hash = 0xcbf29ce484222325n;
  for (let i = 0; i < META_CHECKED; i++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(view.getUint8(i))) * 0x100000001b3n);
  }
  if (hash !== view.getBigUint64(META_CHECKED, true)) return undefined;
  const pageSize = view.getUint32(8, true);
  if (pageSize < MIN_PAGE || pageSize > MAX_PAGE) return undefined;
  return {
    pageSize,
    root: Number(view.getBigUint64(16, true)),
    transaction: view.getBigUint64(48, true),
  };
}

/** The pages of a database. */
class Pages {
  readonly #path: string;
  readonly #bytes: Uint8Array;
  readonly #pageSize: number;

  constructor(path: string, bytes: Uint8Array, pageSize: number) {
    this.#path = path;
    this.#bytes = bytes;
    this.#pageSize = pageSize;
  }

  /** A page with those that belong to it. */
  page(id: number): Uint8Array {
    const start = id * this.#pageSize;
    if (start + this.#pageSize > this.#bytes.length) throw this.damaged();
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, PAGE_HEADER);
    const pages = view.getUint32(12, true) + 1;
    return this.#bytes.subarray(start, start + pages * this.#pageSize);
  }

  damaged(): LaminaError {
    return damaged(this.#path, "a page is not what it should be");
  }
}

class PagedBucket implements Bucket {
  readonly #pages: Pages;
  readonly #root: number;
  readonly #inline: Uint8Array | undefined;

  /** @param inline The one page of a small bucket, which is within its parent's. */
  constructor(pages: Pages, root: number, inline: Uint8Array | undefined) {
    this.#pages = pages;
    this.#root = root;
    this.#inline = inline;
  }

  values(): Map<string, Uint8Array> {
    const found = new Map<string, Uint8Array>();
    this.#each((key, value, flags) => {
      if ((flags & IS_BUCKET) === 0) found.set(key, value);
    });
    return found;
  }

  buckets(): Map<string, Bucket> {
    const found = new Map<string, Bucket>();
    this.#each((key, value, flags) => {
      if ((flags & IS_BUCKET) === 0) return;
      if (value.length < ELEMENT) throw this.#pages.damaged();
      const root = Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0, true));
      const inline = root === 0 ? value.subarray(ELEMENT) : undefined;
      found.set(key, new PagedBucket(this.#pages, root, inline));
    });
    return found;
  }

  #each(visit: (key: string, value: Uint8Array, flags: number) => void): void {
    const seen = new Set<number>();
    const walk = (page: Uint8Array, depth: number): void => {
      if (depth > MAX_DEPTH || page.length < PAGE_HEADER) throw this.#pages.damaged();
      const view = new DataView(page.buffer, page.byteOffset, page.length);
      const type = view.getUint16(8, true);
      let left = page.length;
      // No two pieces share bytes, so together they have no more than the page.
      const piece = (at: number, length: number) => {
        left -= length;
        if (at + length > page.length || left < 0) throw this.#pages.damaged();
        return page.subarray(at, at + length);
      };
      for (let i = view.getUint16(10, true), at = PAGE_HEADER; i > 0; i--, at += ELEMENT) {
        piece(at, ELEMENT);
        if (type === LEAF) {
          const [flags, offset, keySize, valueSize] = [0, 4, 8, 12].map((field) =>
            view.getUint32(at + field, true)
          );
          const key = piece(at + offset, keySize);
          visit(new TextDecoder().decode(key), piece(at + offset + keySize, valueSize), flags);
        } else if (type === BRANCH) {
          const child = Number(view.getBigUint64(at + 8, true));
          if (seen.has(child)) throw this.#pages.damaged();
          seen.add(child);
          walk(this.#pages.page(child), depth + 1);
        } else throw this.#pages.damaged();
      }
    };
    walk(this.#inline ?? this.#pages.page(this.#root), 0);
  }
}
