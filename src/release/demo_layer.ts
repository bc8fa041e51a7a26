/**
 * Writes one layer of a demo image: entries go into a tar archive (by the library modern-tar), through hash and compressor, into a blob of an OCI layout.
 * Everything streams; what is in memory at once is some megabytes.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import { createTarPacker } from "modern-tar";
import type { HostEntry } from "./demo_files.ts";

/** Bytes that are read from a file at once. */
const CHUNK = 1 << 20;

/** A layer in a layout. */
export interface WrittenLayer {
  /** Of the blob. */
  readonly mediaType: string;
  /** Digest of the compressed blob. */
  readonly digest: string;
  /** Bytes of the compressed blob. */
  readonly size: number;
  /** Digest of the uncompressed archive. */
  readonly diffId: string;
  /** Regular files. */
  readonly files: number;
  /** Bytes of their content. */
  readonly bytes: number;
}

/** Metadata of an entry; what is left out is root's, ordinary, and of the demo's own date. */
export interface Metadata {
  /** Permission bits; default: 0755 for directories, 0777 for symbolic links, 0644. */
  readonly mode?: number;
  /** Default: 0. */
  readonly uid?: number;
  /** Default: 0. */
  readonly gid?: number;
  /** Default: 2024-01-01. */
  readonly mtime?: Date;
}

const MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar";
const EPOCH = new Date("2024-01-01T00:00:00Z");

/** A layer that is being written. */
export class LayerWriter {
  readonly #blobs: string;
  readonly #compression: "gzip" | "zstd";
  readonly #temporary: string;
  readonly #tar = createTarPacker();
  readonly #diffHash = createHash("sha256");
  readonly #blobHash = createHash("sha256");
  readonly #done: Promise<void>;
  #size = 0;
  #files = 0;
  #bytes = 0;

  /**
   * @param blobs The directory `blobs/sha256` of a layout.
   * @param compression How the blob is compressed, at the fastest level.
   */
  constructor(blobs: string, compression: "gzip" | "zstd") {
    this.#blobs = blobs;
    this.#compression = compression;
    this.#temporary = `${blobs}/.${crypto.randomUUID()}`;
    this.#done = this.#drain();
    // Seen by whoever waits for finish(); until then a failure is also seen by the entry that is written next.
    this.#done.catch((error) => this.#tar.controller.error(error));
  }

  /** A directory; its name has no slash at the end. */
  async directory(name: string, metadata: Metadata = {}): Promise<void> {
    await this.#add({ ...header(`${name}/`, metadata, 0o755), type: "directory", size: 0 });
  }

  /** A symbolic link. */
  async symlink(name: string, target: string, metadata: Metadata = {}): Promise<void> {
    await this.#add({
      ...header(name, metadata, 0o777),
      type: "symlink",
      linkname: target,
      size: 0,
    });
  }

  /** A second name for a file of this layer, or of one below. */
  async hardlink(name: string, target: string, metadata: Metadata = {}): Promise<void> {
    await this.#add({ ...header(name, metadata, 0o644), type: "link", linkname: target, size: 0 });
  }

  /** A regular file with this content. */
  async file(name: string, content: Uint8Array | string, metadata: Metadata = {}): Promise<void> {
    const body = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await this.#add({ ...header(name, metadata, 0o644), type: "file", size: body.length }, [body]);
    this.#files++;
    this.#bytes += body.length;
  }

  /** The mark that a path of the layers below is gone. */
  async whiteout(path: string): Promise<void> {
    const slash = path.lastIndexOf("/") + 1;
    await this.file(`${path.slice(0, slash)}.wh.${path.slice(slash)}`, "");
  }

  /** The mark that hides what the layers below have in a directory. */
  async opaque(directory: string): Promise<void> {
    await this.file(`${directory}/.wh..wh..opq`, "");
  }

  /**
   * An entry of this host, at the same path.
   *
   * @returns false, with nothing written, when it cannot be read.
   */
  async host(entry: HostEntry): Promise<boolean> {
    const { info, path } = entry;
    const name = path.slice(1);
    const metadata: Metadata = {
      mode: (info.mode ?? 0o644) & 0o7777,
      uid: info.uid ?? 0,
      gid: info.gid ?? 0,
      mtime: info.mtime ?? EPOCH,
    };
    if (info.isDirectory) await this.directory(name, metadata);
    else if (info.isSymlink) await this.symlink(name, entry.target, metadata);
    else if (entry.firstName !== undefined) {
      await this.hardlink(name, entry.firstName.slice(1), metadata);
    } else return await this.#hostFile(name, path, metadata);
    return true;
  }

  /** Ends the archive, and gives the blob its name. */
  async finish(): Promise<WrittenLayer> {
    this.#tar.controller.finalize();
    await this.#done;
    const hex = this.#blobHash.digest("hex");
    await Deno.rename(this.#temporary, `${this.#blobs}/${hex}`);
    return {
      mediaType: `${MEDIA_TYPE}+${this.#compression}`,
      digest: `sha256:${hex}`,
      size: this.#size,
      diffId: `sha256:${this.#diffHash.digest("hex")}`,
      files: this.#files,
      bytes: this.#bytes,
    };
  }

  async #hostFile(name: string, path: string, metadata: Metadata): Promise<boolean> {
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path);
    } catch {
      return false;
    }
    using source = file;
    const size = source.statSync().size;
    await this.#add(
      { ...header(name, metadata, 0o644), type: "file", size },
      readExactly(source, size),
    );
    this.#files++;
    this.#bytes += size;
    return true;
  }

  async #add(
    entry: Parameters<ReturnType<typeof createTarPacker>["controller"]["add"]>[0],
    body: Iterable<Uint8Array> = [],
  ): Promise<void> {
    const writer = this.#tar.controller.add(entry).getWriter();
    for (const chunk of body) if (chunk.length > 0) await writer.write(chunk);
    await writer.close();
  }

  async #drain(): Promise<void> {
    const compressor = this.#compression === "gzip"
      ? createGzip({ level: 1, chunkSize: CHUNK })
      : createZstdCompress({
        chunkSize: CHUNK,
        params: { [constants.ZSTD_c_compressionLevel]: 1 },
      });
    using out = Deno.openSync(this.#temporary, { write: true, createNew: true });
    await pipeline(Readable.from(this.#hashed()), compressor, async (compressed) => {
      for await (const chunk of compressed as AsyncIterable<Uint8Array>) {
        this.#blobHash.update(chunk);
        this.#size += chunk.length;
        for (let at = 0; at < chunk.length;) at += out.writeSync(chunk.subarray(at));
      }
    });
  }

  /** The archive in pieces of about a MiB: the compressors are slow with small ones. */
  async *#hashed(): AsyncGenerator<Uint8Array> {
    let piece = new Uint8Array(CHUNK);
    let filled = 0;
    for await (const chunk of this.#tar.readable) {
      this.#diffHash.update(chunk);
      for (let at = 0; at < chunk.length;) {
        const length = Math.min(chunk.length - at, CHUNK - filled);
        piece.set(chunk.subarray(at, at + length), filled);
        at += length;
        filled += length;
        if (filled < CHUNK) continue;
        yield piece;
        piece = new Uint8Array(CHUNK);
        filled = 0;
      }
    }
    if (filled > 0) yield piece.subarray(0, filled);
  }
}

function header(name: string, { mode, uid = 0, gid = 0, mtime = EPOCH }: Metadata, usual: number) {
  return { name, mode: mode ?? usual, uid, gid, mtime };
}

/** Just `size` bytes of a file, whatever happens to it meanwhile: cut off, or filled with zeros. */
function* readExactly(file: Deno.FsFile, size: number): Generator<Uint8Array> {
  for (let left = size; left > 0;) {
    const chunk = new Uint8Array(Math.min(left, CHUNK));
    const read = file.readSync(chunk);
    yield read === null ? chunk : chunk.subarray(0, read);
    left -= read ?? chunk.length;
  }
}
