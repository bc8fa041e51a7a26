/**
 * The tar-split format: an archive without its files' contents, from which containers/storage (and Docker before it) makes the archive again.
 *
 * One JSON object a line, usually compressed with gzip. `{"type":2,"payload":…}`: bytes of the archive, in base64.
 * `{"type":1,"name":…,"size":…,"payload":…}`: here the content of a file comes; a name that is not UTF-8 is in `name_raw`, in base64; the
 * payload is the content's checksum (CRC-64 ISO, big-endian). (vbatts/tar-split, tar/storage/entry.go.)
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { LaminaError } from "../error.ts";
import { check, Fd, O_RDONLY, pread } from "../linux/mod.ts";
import { detectCompression, makeDecoder } from "./compression.ts";
import type { Output } from "./decoder.ts";

/** Bytes read at a time. */
const CHUNK = 256 * 1024;
/** Longest line: of PAX headers with attributes of many megabytes, in base64. */
const LONGEST = 256 * 1024 * 1024;
/** Largest zstd window, as power of two. */
const WINDOW = 2 ** 27;

/** A place in the archive where a file's content stands. */
export interface SplitFile {
  /** Its name as the archive has it. */
  readonly name: Uint8Array;
  /** Bytes of the content, more than 0. */
  readonly size: number;
  /** CRC-64 of the content, 8 bytes; undefined where it is not said. */
  readonly checksum: Uint8Array | undefined;
}

/** What the parts of an archive are handed to, in their order. */
export interface SplitParts {
  /** Bytes of the archive. */
  bytes(bytes: Uint8Array): void;
  /** The content of a file. */
  file(file: SplitFile): void;
}

/**
 * Reads a tar-split file to its end.
 *
 * @throws {LaminaError} `invalid` where it is not one.
 */
export function readTarSplit(path: string, parts: SplitParts): void {
  using file = Fd.open(path, O_RDONLY);
  const buffer = new Uint8Array(CHUNK);
  const lines = new Lines((line) => handOver(line, parts));
  let decoder: ReturnType<typeof makeDecoder> | undefined;
  for (let at = 0;;) {
    const got = check(pread(file.n, buffer, at), "read", path);
    if (got === 0) break;
    at += got;
    const chunk = buffer.subarray(0, got);
    decoder ??= makeDecoder(detectCompression(chunk), lines, WINDOW);
    undo(() => decoder!.push(chunk));
  }
  if (decoder !== undefined) undo(() => decoder!.end());
  lines.end();
}

/** A decoder's own errors are plain ones. */
function undo(decode: () => void): void {
  try {
    decode();
  } catch (error) {
    if (error instanceof Error && error.constructor === Error) throw damaged(error.message);
    throw error;
  }
}

function handOver(line: Uint8Array, parts: SplitParts): void {
  const entry = parse(line);
  if (entry.type === 2) return parts.bytes(Buffer.from(entry.payload ?? "", "base64"));
  if (entry.type !== 1) throw damaged(`an entry has the type ${shown(entry.type)}`);
  const size = entry.size ?? 0;
  // A hard link or a directory: it has a header, and nothing behind it.
  if (size === 0) return;
  if (!Number.isSafeInteger(size) || size < 0) {
    throw damaged(`an entry has the size ${shown(size)}`);
  }
  const name = entry.name_raw
    ? Buffer.from(entry.name_raw, "base64")
    : Buffer.from(entry.name ?? "");
  if (name.length === 0 || name.includes(0)) throw damaged("the name of an entry is no path");
  const checksum = entry.payload ? Buffer.from(entry.payload, "base64") : undefined;
  parts.file({ name, size, checksum });
}

/** What should be a number. What it is instead may have no form as text. */
function shown(value: unknown): string {
  return typeof value === "number" ? String(value) : typeof value;
}

interface Entry {
  readonly type: number;
  readonly name?: string;
  readonly name_raw?: string;
  readonly size?: number;
  readonly payload?: string | null;
}

function parse(line: Uint8Array): Entry {
  let entry: Entry;
  try {
    entry = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line));
  } catch {
    throw damaged("a line is not JSON");
  }
  const isText = (value: unknown) => value == null || typeof value === "string";
  const whole = typeof entry === "object" && entry !== null && isText(entry.payload) &&
    isText(entry.name) && isText(entry.name_raw) &&
    (entry.type !== 1 || typeof (entry.name ?? entry.name_raw) === "string");
  if (!whole) throw damaged("a line is no entry");
  return entry;
}

function damaged(why: string): LaminaError {
  return new LaminaError("invalid", `its tar-split file is damaged: ${why}`, {
    hint: "Pull the image again into the storage that it is imported from.",
  });
}

/** What a decoder writes, cut into lines. */
class Lines implements Output {
  slot: Uint8Array = new Uint8Array(2 * CHUNK);
  used = 0;
  total = 0;
  readonly #each: (line: Uint8Array) => void;

  constructor(each: (line: Uint8Array) => void) {
    this.#each = each;
  }

  advance(bytes: number): void {
    // What was there before holds no end of a line.
    let search = this.used;
    this.used += bytes;
    this.total += bytes;
    let start = 0;
    for (;;) {
      const end = this.slot.subarray(0, this.used).indexOf(10, search);
      if (end < 0) break;
      this.#each(this.slot.subarray(start, end));
      search = start = end + 1;
    }
    if (start > 0) {
      this.slot.copyWithin(0, start, this.used);
      this.used -= start;
    }
    if (this.used < this.slot.length) return;
    if (this.slot.length >= LONGEST) throw damaged(`a line has more than ${LONGEST} bytes`);
    const larger = new Uint8Array(2 * this.slot.length);
    larger.set(this.slot);
    this.slot = larger;
  }

  end(): void {
    if (this.used > 0) throw damaged("it is cut short");
  }
}
