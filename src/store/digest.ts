/**
 * Digests as the store's file names are made of them.
 *
 * @module
 */

import { LaminaError } from "../error.ts";

/** Hex digits of each algorithm that the OCI image specification registers (descriptor.md, "Registered algorithms"). */
const HEX_LENGTH: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

/** A digest in its two parts, both safe as a file name. */
export interface DigestParts {
  /** `sha256` or `sha512`. */
  readonly algorithm: string;
  /** Lower-case hex digits, as many as the algorithm has. */
  readonly hex: string;
}

/**
 * Splits a digest such as `sha256:…`. This is the only way by which a digest becomes a path, so nothing but the registered
 * algorithms' own spelling passes.
 *
 * @throws {LaminaError} `invalid` when it is not one.
 */
export function splitDigest(digest: string): DigestParts {
  const colon = digest.indexOf(":");
  const algorithm = digest.slice(0, Math.max(colon, 0));
  const hex = digest.slice(colon + 1);
  const length = Object.hasOwn(HEX_LENGTH, algorithm) ? HEX_LENGTH[algorithm] : undefined;
  if (hex.length !== length || !/^[0-9a-f]+$/.test(hex)) {
    throw new LaminaError("invalid", `not a digest: ${JSON.stringify(digest.slice(0, 200))}`, {
      hint: "A digest is sha256: and 64 lower-case hex digits, or sha512: and 128.",
    });
  }
  return { algorithm, hex };
}
