/**
 * A place to ingest layers into, and what came of them as text.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { assertEquals, assertRejects } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import type { Limits } from "../../src/limits.ts";
import { type BlobSource, LayerPipeline, type LayerResult } from "../../src/layer/mod.ts";
import { type Inode, major, minor, readErofs } from "../../src/tree/mod.ts";
import { compress, type Compression, sha256 } from "../support/images.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { makeTar, type TarPiece } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";

/** One layer, ingested. */
export interface Ingested {
  readonly result: LayerResult;
  /** Its directory. */
  readonly fs: string;
  /** Its links to objects that it shares; not there where it shares none. */
  readonly links: string;
  /** Its tree, read from its index. */
  readonly root: Inode;
  readonly objects: string;
}

/** How a layer is offered, where that is not as it should be. */
export interface Offer {
  readonly compression?: Compression;
  /** The blob itself, instead of the archive compressed. */
  readonly blob?: Uint8Array;
  /** What differs in the source. */
  readonly source?: Partial<BlobSource>;
}

/** A store's directories without a store, and a pipeline into them. */
export class Workshop implements AsyncDisposable {
  readonly path: string;
  readonly objects: string;
  readonly pipeline: LayerPipeline;
  readonly #temp: TempDir;
  readonly #own: LayerPipeline | undefined;
  /** Blobs do not count as the store's. */
  readonly #blobs = new TempDir();
  #count = 0;

  /** @param where A directory on the filesystem to use; default: the system's temporary one. */
  constructor(
    options: {
      readonly where?: string;
      readonly native?: boolean;
      readonly limits?: Partial<Limits>;
      readonly parallel?: number;
      /** The threads to use, which stay; by default it has its own. */
      readonly pipeline?: LayerPipeline;
    } = {},
  ) {
    this.#temp = new TempDir(options.where);
    this.path = this.#temp.path;
    this.objects = `${this.path}/objects`;
    for (let i = 0; i < 256; i++) {
      Deno.mkdirSync(`${this.objects}/${i.toString(16).padStart(2, "0")}`, { recursive: true });
    }
    const { pipeline } = options;
    this.pipeline = pipeline ??
      (this.#own = new LayerPipeline({ native: true, keepThreads: true, ...options }));
  }

  /** A new staging directory. */
  staging(): string {
    const path = `${this.path}/staging-${this.#count++}`;
    Deno.mkdirSync(path);
    return path;
  }

  /** The source of an archive, whose blob is written to a file. */
  source(archive: Uint8Array, offer: Offer = {}): BlobSource {
    const blob = offer.blob ?? compress(archive, offer.compression ?? "none");
    const file = `${this.#blobs.path}/${this.#count++}`;
    Deno.writeFileSync(file, blob);
    return {
      file,
      offset: 0,
      length: blob.length,
      digest: sha256(blob),
      mediaType: "application/vnd.oci.image.layer.v1.tar",
      diffId: sha256(archive),
      ...offer.source,
    };
  }

  /** Ingests an archive. */
  async ingest(archive: Uint8Array | readonly TarPiece[], offer?: Offer): Promise<Ingested> {
    const bytes = archive instanceof Uint8Array ? archive : makeTar(archive);
    const staging = this.staging();
    const { objects } = this;
    const index = () => Deno.readFileSync(`${staging}/index.erofs`);
    let early: Uint8Array | undefined;
    const result = await this.pipeline.ingest(this.source(bytes, offer), { staging, objects }, {
      onIndexed: () => early = index(),
    });
    assertEquals(early, index(), "the index was there when it was said to be");
    const made = [...Deno.readDirSync(staging)].map(({ name }) => name).sort();
    assertEquals(made.filter((name) => name !== "links"), ["fs", "index.erofs"]);
    const root = readErofs(index());
    return { result, fs: `${staging}/fs`, links: `${staging}/links`, root, objects };
  }

  /**
   * Asserts that an archive is refused, by a message that holds these pieces; returns the error. That no object is left of it
   * is for the caller to assert, who knows what else is under way.
   */
  async refuse(
    archive: Uint8Array | readonly TarPiece[],
    says: readonly string[],
    offer?: Offer,
  ): Promise<LaminaError> {
    const bytes = archive instanceof Uint8Array ? archive : makeTar(archive);
    const source = this.source(bytes, offer);
    const target = { staging: this.staging(), objects: this.objects };
    const onIndexed = () => {
      throw new Error("a layer that is refused was said to be verified");
    };
    const error = await assertRejects(
      () => this.pipeline.ingest(source, target, { onIndexed }),
      LaminaError,
    );
    for (const piece of [source.digest, ...says]) {
      assertEquals(
        error.message.includes(piece),
        true,
        `${JSON.stringify(error.message)} should hold ${JSON.stringify(piece)}`,
      );
    }
    return error;
  }

  /** Names of all objects. */
  objectNames(): string[] {
    const names: string[] = [];
    for (const { name } of Deno.readDirSync(this.objects)) {
      for (const entry of Deno.readDirSync(`${this.objects}/${name}`)) {
        names.push(`${name}/${entry.name}`);
      }
    }
    return names.sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#own?.[Symbol.asyncDispose]();
    this.#temp[Symbol.dispose]();
    this.#blobs[Symbol.dispose]();
  }
}

/** Printable ASCII as it is, all else as \xNN. */
function escape(bytes: string): string {
  return bytes.replace(
    /[^\x21-\x5b\x5d-\x7e]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

/**
 * A layer's tree, a short line for each entry in the order of paths: `dir/`, `file: content`, `link -> target`, `gone whiteout`,
 * `hard = first`, `hard => path in a lower layer`, `dev char 1:3`; directories with `implied` and `opaque`.
 */
export function describe({ root, objects }: Ingested): string[] {
  const lines: [string, string][] = [];
  const names = new Map<Inode, string>();
  for (const [path, inode] of entries(root)) {
    lines.push([path, `${path}${shortLine(path, inode, names, objects)}`]);
  }
  return lines.map(([, line]) => line);
}

function* entries(root: Inode): Generator<[path: string, inode: Inode]> {
  const all: [string, Inode][] = [];
  const walk = (directory: Inode, prefix: string) => {
    for (const [name, inode] of directory.children!) {
      all.push([prefix + name, inode]);
      if (inode.children !== null) walk(inode, `${prefix}${name}/`);
    }
  };
  walk(root, "");
  yield ["", root];
  yield* all.sort(([a], [b]) => a < b ? -1 : 1);
}

function shortLine(
  path: string,
  inode: Inode,
  names: Map<Inode, string>,
  objects: string,
): string {
  const has = (key: string) => inode.xattrs?.has(key) ?? false;
  switch (inode.mode & 0o170000) {
    case 0o040000:
      return `/${has("user.lamina.implied") ? " implied" : ""}${
        has("trusted.overlay.opaque") ? " opaque" : ""
      }`;
    case 0o020000:
      if (inode.rdev === 0) return " whiteout";
      return ` char ${major(inode.rdev)}:${minor(inode.rdev)}`;
    case 0o060000:
      return ` block ${major(inode.rdev)}:${minor(inode.rdev)}`;
  }
  const first = names.get(inode);
  if (first !== undefined) return ` = ${first}`;
  names.set(inode, path);
  if (has("user.lamina.hardlink")) return ` => ${text(inode.xattrs!.get("user.lamina.hardlink")!)}`;
  switch (inode.mode & 0o170000) {
    case 0o120000:
      return ` -> ${inode.target}`;
    case 0o010000:
      return " fifo";
    default:
      return `: ${text(contentOf(inode, objects).subarray(0, 40))}`;
  }
}

/** The content of a regular file, from its inode or the objects. */
export function contentOf(inode: Inode, objects: string): Uint8Array {
  if (inode.content !== null) return inode.content;
  if (inode.payload === "") return new Uint8Array(inode.size);
  return Deno.readFileSync(`${objects}/${inode.payload}`);
}

/** A layer's tree as {@link snapshot} would show its directory on disk. */
function indexSnapshot(
  { root, objects }: Pick<Ingested, "root" | "objects">,
): Map<string, string> {
  const groups = new Map<Inode, string[]>();
  const lines = new Map<string, string[]>();
  for (const [path, inode] of entries(root)) {
    if (inode.xattrs?.has("user.lamina.hardlink")) continue;
    lines.set(path || ".", snapshotLine(inode, objects));
    if (inode.children === null) groups.set(inode, [...groups.get(inode) ?? [], path]);
  }
  for (const [inode, group] of groups) {
    assertEquals(inode.nlink, group.length, `link count of ${group[0]}`);
    if (group.length < 2) continue;
    for (const path of group) lines.get(path)!.push(`link=${escape(group[0])}`);
  }
  return new Map([...lines].map(([path, line]) => [path, line.join(" ")]));
}

function snapshotLine(inode: Inode, objects: string): string[] {
  const types: Record<number, string> = {
    0o010000: "fifo",
    0o020000: "char",
    0o040000: "directory",
    0o060000: "block",
    0o100000: "file",
    0o120000: "symlink",
  };
  const type = types[inode.mode & 0o170000];
  const line = [type];
  if (type !== "symlink") line.push(`mode=${(inode.mode & 0o7777).toString(8)}`);
  line.push(`owner=${inode.uid}:${inode.gid}`);
  if (type === "char" || type === "block") {
    line.push(`rdev=${major(inode.rdev)}:${minor(inode.rdev)}`);
  }
  // A whiteout's time is of no meaning, and not set on disk.
  if (type !== "char" || inode.rdev !== 0) {
    line.push(`mtime=${inode.mtime}.${String(inode.nsec).padStart(9, "0")}`);
  }
  for (const [key, value] of [...inode.xattrs ?? []].sort(([a], [b]) => a < b ? -1 : 1)) {
    if (key !== "user.lamina.implied") line.push(`xattr:${escape(key)}=${escape(text(value))}`);
  }
  if (type === "symlink") line.push(`target=${escape(inode.target)}`);
  if (type === "file") {
    const hash = createHash("sha256").update(contentOf(inode, objects)).digest("hex");
    line.push(`size=${inode.size}`, `sha256=${hash}`);
  }
  return line;
}

/** A snapshot of a layer's directory with the contents of metacopy files, as overlayfs would complete them out of `links/`. */
export function completed(disk: Map<string, string>, links: string): Map<string, string> {
  return new Map([...disk].map(([path, line]) => {
    const redirect = / xattr:trusted\.overlay\.redirect=\/(\S+)/.exec(line);
    if (redirect === null) return [path, line];
    const content = Deno.readFileSync(`${links}/${redirect[1]}`);
    const hash = createHash("sha256").update(content).digest("hex");
    const whole = line.replace(redirect[0], "").replace(" xattr:trusted.overlay.metacopy=", "");
    return [path, whole.replace(/sha256=\S+/, `sha256=${hash}`)];
  }));
}

/** Asserts that a layer's directory on disk, of the native form, is what its index says. */
export function assertDiskMatches(layer: Omit<Ingested, "result">): void {
  const disk = completed(snapshot(layer.fs), layer.links);
  for (const [path, line] of disk) {
    if (line.includes(" rdev=0:0 ")) disk.set(path, line.replace(/ mtime=\S+/, ""));
  }
  assertEquals(diffSnapshots(indexSnapshot(layer), disk), []);
}
