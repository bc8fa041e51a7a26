/**
 * Where the documents and blobs of an image lie: files in a directory, or byte ranges in an archive.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { LaminaError } from "../error.ts";
import { limitError } from "../limits.ts";
import { splitDigest } from "../store/digest.ts";

/** A range of a file's bytes. */
export interface Extent {
  /** Path of the file. */
  readonly file: string;
  /** Where it starts, in bytes. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** Named byte ranges. */
export interface Files {
  /** What it is, for messages: a path. */
  readonly subject: string;
  /**
   * The content of a name, which is a relative path with `/`; undefined when there is nothing.
   *
   * @throws {LaminaError} `invalid` when there is something that is not a regular file.
   */
  find(name: string): Extent | undefined;
}

/**
 * The files of a directory. Symbolic links are followed, also out of the directory, as skopeo does (layouts that share blobs are made so):
 * all but `oci-layout` and `index.json` is verified by a digest, and no message quotes what a file holds.
 */
export class DirectoryFiles implements Files {
  readonly subject: string;

  /** @param path The directory, which exists. */
  constructor(path: string) {
    this.subject = path;
  }

  /** See {@link Files.find}. */
  find(name: string): Extent | undefined {
    const file = `${this.subject}/${name}`;
    const info = statIfThere(file);
    if (info === undefined) return undefined;
    // Opening a fifo would wait for ever, and a device is not what an image holds.
    if (!info.isFile) {
      throw new LaminaError("invalid", `reading ${file}: it is not a regular file`, {
        hint: "Copy the image again, for instance with skopeo copy.",
      });
    }
    return { file, offset: 0, length: info.size };
  }
}

/** stat(2), or undefined where there is nothing. */
export function statIfThere(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw new LaminaError("failed", `reading ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Reads a whole extent. */
function readExtent(extent: Extent): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(extent.length);
  let filled = 0;
  for (const chunk of chunksOf(extent, bytes)) filled += chunk.length;
  return bytes.subarray(0, filled);
}

/** Bytes at the start of an extent, at most `length`. */
export function readStart(extent: Extent, length: number): Uint8Array<ArrayBuffer> {
  return readExtent({ ...extent, length: Math.min(length, extent.length) });
}

/** Reads an extent piece by piece into `buffer`: onwards while it has room, then from its start again. */
function* chunksOf(extent: Extent, buffer: Uint8Array<ArrayBuffer>): Generator<Uint8Array> {
  try {
    using file = Deno.openSync(extent.file);
    file.seekSync(extent.offset, Deno.SeekMode.Start);
    let left = extent.length;
    let at = 0;
    while (left > 0) {
      if (at === buffer.length) at = 0;
      const read = file.readSync(buffer.subarray(at, Math.min(buffer.length, at + left)));
      if (read === null) {
        throw new LaminaError("invalid", `reading ${extent.file}: it ends ${left} bytes too early`);
      }
      yield buffer.subarray(at, at + read);
      at += read;
      left -= read;
    }
  } catch (cause) {
    if (cause instanceof LaminaError) throw cause;
    throw new LaminaError("failed", `reading ${extent.file}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** The digest `sha256:…` of an extent, read in pieces of 1 MiB. */
export function hashExtent(extent: Extent): string {
  const hash = createHash("sha256");
  for (const chunk of chunksOf(extent, new Uint8Array(1 << 20))) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}

/** The digest of bytes by an algorithm that the OCI image specification registers. */
export function digestOf(bytes: Uint8Array, algorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/**
 * Reads a JSON document whole.
 *
 * @param limit Most bytes that it may have.
 * @throws {LaminaError} `invalid` when it is larger.
 */
export function readDocument(extent: Extent, subject: string, limit: number): Uint8Array {
  if (extent.length > limit) {
    throw limitError(subject, `it has ${extent.length} bytes`, "documentBytes", limit);
  }
  return readExtent(extent);
}

/**
 * Reads a document of which digest and size are known, and verifies both.
 *
 * @throws {LaminaError} `invalid` when it is not what its digest says.
 */
export function readVerified(
  extent: Extent,
  expected: { readonly digest: string; readonly size: number },
  subject: string,
  limit: number,
): Uint8Array {
  if (extent.length !== expected.size) wrongSize(subject, extent.length, expected.size);
  const bytes = readDocument(extent, subject, limit);
  const found = digestOf(bytes, splitDigest(expected.digest).algorithm);
  if (found !== expected.digest) {
    throw new LaminaError("invalid", `${subject}: its content has the digest ${found}`, {
      hint: "The image was damaged or changed after it was made: fetch it again.",
    });
  }
  return bytes;
}

/** The error for a blob that has not the size that its descriptor says. */
export function wrongSize(subject: string, found: number, expected: number): never {
  throw new LaminaError(
    "invalid",
    `${subject}: it has ${found} bytes, its descriptor says ${expected}`,
    {
      hint: "The image was cut short or changed after it was made: fetch it again.",
    },
  );
}
