/**
 * The fs-verity digest: what names content objects and whole images.
 *
 * The data is cut into blocks of 4096 bytes, the last one padded with zeros, and every block hashed; the hashes, 128 to
 * a block, are hashed in the same way until one is left. The digest is the SHA-256 of a 256-byte descriptor that holds
 * this root hash and the size (the kernel's Documentation/filesystems/fsverity.rst; SHA-256, no salt).
 *
 * @module
 */

import { BlockSha256 } from "../linux/sha256.ts";

const BLOCK = 4096;
const HASH = 32;

/** One level of the hash tree: the block of hashes that is being filled. */
class Level {
  readonly block = new Uint8Array(BLOCK);
  /** Bytes of {@link block} in use. */
  used = 0;
  /** Whether a full block has gone up from here. */
  overflowed = false;
}

/** Computes the fs-verity digest of data that comes in pieces of any size. */
export class FsVerityHasher {
  readonly #sha = new BlockSha256();
  readonly #partial = new Uint8Array(BLOCK);
  #used = 0;
  #size = 0;
  readonly #levels: Level[] = [new Level()];
  readonly #descriptor = new Uint8Array(256);
  readonly #descriptorView = new DataView(this.#descriptor.buffer);
  readonly #zeroHashes: Uint8Array[] = [];

  constructor() {
    this.#descriptor[0] = 1; // version
    this.#descriptor[1] = 1; // SHA-256
    this.#descriptor[2] = 12; // log2 of the block size
  }

  /** Adds data. */
  update(chunk: Uint8Array): void {
    this.#size += chunk.length;
    let at = 0;
    if (this.#used > 0) {
      at = Math.min(BLOCK - this.#used, chunk.length);
      this.#partial.set(chunk.subarray(0, at), this.#used);
      this.#used += at;
      if (this.#used < BLOCK) return;
      this.#hash(this.#partial);
      this.#used = 0;
    }
    for (; at + BLOCK <= chunk.length; at += BLOCK) this.#hash(chunk.subarray(at, at + BLOCK));
    if (at < chunk.length) {
      this.#partial.set(chunk.subarray(at), 0);
      this.#used = chunk.length - at;
    }
  }

  /** Adds zeros: holes of sparse files may be huge, so in time that grows only with the logarithm of their length. */
  zeros(length: number): void {
    this.#size += length;
    if (this.#used > 0) {
      const end = Math.min(BLOCK, this.#used + length);
      this.#partial.fill(0, this.#used, end);
      length -= end - this.#used;
      this.#used = end;
      if (end < BLOCK) return;
      this.#hash(this.#partial);
      this.#used = 0;
    }
    this.#addZeroHashes(0, Math.floor(length / BLOCK));
    this.#used = length % BLOCK;
    this.#partial.fill(0, 0, this.#used);
  }

  /** The digest of everything since the last {@link reset}, 32 bytes. Call {@link reset} before more data. */
  digest(): Uint8Array {
    if (this.#used > 0) {
      this.#partial.fill(0, this.#used);
      this.#hash(this.#partial);
      this.#used = 0;
    }
    const descriptor = this.#descriptor;
    const view = this.#descriptorView;
    view.setUint32(8, this.#size >>> 0, true);
    view.setUint32(12, Math.floor(this.#size / 2 ** 32), true);
    if (this.#size > 0) this.#root(descriptor);
    else descriptor.fill(0, 16, 16 + HASH);
    const out = new Uint8Array(HASH);
    this.#sha.hash(descriptor, out, 0);
    return out;
  }

  /** Forgets all data. */
  reset(): void {
    this.#used = 0;
    this.#size = 0;
    for (const level of this.#levels) {
      level.used = 0;
      level.overflowed = false;
    }
  }

  /** Puts the root hash of a non-empty file into the descriptor. */
  #root(descriptor: Uint8Array): void {
    for (let n = 0;; n++) {
      const level = this.#levels[n];
      if (!level.overflowed && level.used === HASH) {
        descriptor.set(level.block.subarray(0, HASH), 16);
        return;
      }
      if (level.used > 0) this.#up(n);
    }
  }

  #hash(block: Uint8Array): void {
    const level = this.#levels[0];
    this.#sha.hash(block, level.block, level.used);
    level.used += HASH;
    if (level.used === BLOCK) this.#up(0);
  }

  /** Adds, to level n, as many hashes of blocks that stand for nothing but zeros. */
  #addZeroHashes(n: number, count: number): void {
    const level = this.#levels[n] ??= new Level();
    while (count > 0) {
      if (level.used === 0 && count >= BLOCK / HASH) {
        const blocks = Math.floor(count / (BLOCK / HASH));
        level.overflowed = true;
        this.#addZeroHashes(n + 1, blocks);
        count -= blocks * (BLOCK / HASH);
        continue;
      }
      level.block.set(this.#zeroHash(n), level.used);
      level.used += HASH;
      count--;
      if (level.used === BLOCK) this.#up(n);
    }
  }

  /** What level n has for a block of zeros, or of such hashes. */
  #zeroHash(n: number): Uint8Array {
    let hash = this.#zeroHashes[n];
    if (hash !== undefined) return hash;
    const block = new Uint8Array(BLOCK);
    if (n > 0) {
      for (let at = 0; at < BLOCK; at += HASH) block.set(this.#zeroHash(n - 1), at);
    }
    hash = new Uint8Array(HASH);
    this.#sha.hash(block, hash, 0);
    return this.#zeroHashes[n] = hash;
  }

  /** Hashes level n's block into level n + 1. */
  #up(n: number): void {
    const level = this.#levels[n];
    const above = this.#levels[n + 1] ??= new Level();
    level.block.fill(0, level.used);
    level.used = 0;
    level.overflowed = true;
    this.#sha.hash(level.block, above.block, above.used);
    above.used += HASH;
    if (above.used === BLOCK) this.#up(n + 1);
  }
}

/** The fs-verity digest (32 bytes) of data that is all there. */
export function fsVerityDigest(data: Uint8Array): Uint8Array {
  const hasher = new FsVerityHasher();
  hasher.update(data);
  return hasher.digest();
}
