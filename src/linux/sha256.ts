/**
 * SHA-256 of many small blocks, as a Merkle tree needs it.
 *
 * One call of node:crypto for each 4 KiB block reaches 1,000 MB/s, libcrypto's EVP functions 1,650 MB/s, so these are used
 * where the library is there.
 *
 * @module
 */

import { openOptional } from "./library.ts";

/** Files of OpenSSL's library, the newest first. */
export const LIBCRYPTO: readonly string[] = ["libcrypto.so.3", "libcrypto.so.1.1"];

const EVP = {
  EVP_MD_CTX_new: { parameters: [], result: "pointer" },
  EVP_sha256: { parameters: [], result: "pointer" },
  EVP_DigestInit_ex: { parameters: ["pointer", "pointer", "pointer"], result: "i32" },
  EVP_DigestUpdate: { parameters: ["pointer", "buffer", "usize"], result: "i32" },
  EVP_DigestFinal_ex: { parameters: ["pointer", "buffer", "pointer"], result: "i32" },
} as const;

/** A digest of one block: writes 32 bytes to `out` at `offset`. */
type Hash = (block: Uint8Array, out: Uint8Array, offset: number) => void;

/** One for the thread, made at first use: a digest is finished before the next begins. */
let shared: { readonly hash: Hash; readonly library: string } | undefined;

/** One-shot SHA-256 by the fastest library that is there. */
export class BlockSha256 {
  readonly #hash: Hash;
  /** What computes: `libcrypto.so.3`, `libcrypto.so.1.1` or `node:crypto`. */
  readonly library: string;

  /**
   * Makes a hasher; costs some milliseconds the first time in a thread.
   *
   * @param portable Use node:crypto whatever else is there.
   */
  constructor(portable = false) {
    const { hash, library } = portable ? byNode() : shared ??= byLibcrypto() ?? byNode();
    this.#hash = hash;
    this.library = library;
  }

  /** Writes the SHA-256 digest of `block` (any length) to `out` at `outOffset`: 32 bytes. */
  hash(block: Uint8Array, out: Uint8Array, outOffset: number): void {
    this.#hash(block, out, outOffset);
  }
}

/**
 * node:crypto without an import: loading any `node:` module adds 25 ms to the start under `deno run`, and mostly none is
 * needed. The cast is because not every version of Deno knows the type of `process`.
 */
function nodeCrypto(): typeof import("node:crypto") {
  const { process } = globalThis as unknown as {
    process: { getBuiltinModule(id: "node:crypto"): typeof import("node:crypto") };
  };
  return process.getBuiltinModule("node:crypto");
}

function byNode(): { hash: Hash; library: string } {
  const { createHash } = nodeCrypto();
  const hash: Hash = (block, out, offset) => {
    out.set(createHash("sha256").update(block).digest(), offset);
  };
  return { hash, library: "node:crypto" };
}

function byLibcrypto(): { hash: Hash; library: string } | undefined {
  const found = openOptional(LIBCRYPTO, EVP);
  const hash = found && evp(found.symbols);
  return hash && { hash, library: found.file };
}

/** Undefined where the library refuses, as one that may not do SHA-256. */
function evp(libcrypto: Deno.DynamicLibrary<typeof EVP>["symbols"]): Hash | undefined {
  const { EVP_DigestInit_ex: init, EVP_DigestUpdate: update, EVP_DigestFinal_ex: final } =
    libcrypto;
  const context = libcrypto.EVP_MD_CTX_new();
  const ok = context !== null && init(context, libcrypto.EVP_sha256(), null) === 1;
  if (!ok) return undefined;
  const digest = new Uint8Array(32);
  return (block, out, offset) => {
    // With no type given it is the one before: OpenSSL 3 looks a given one up each time.
    const done = init(context, null, null) === 1 &&
      update(context, block as Uint8Array<ArrayBuffer>, BigInt(block.length)) === 1 &&
      final(context, digest, null) === 1;
    if (!done) throw new Error("libcrypto failed to compute a SHA-256 digest");
    out.set(digest, offset);
  };
}
