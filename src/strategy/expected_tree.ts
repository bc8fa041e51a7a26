/**
 * `--digest`: what is composed must be the tree that the caller knows.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import type { ImageRecord, Store, TreeLayout } from "../store/mod.ts";
import { fsVerityDigest, toHex } from "../tree/mod.ts";

/**
 * The digest that is asked for, as records have it: 64 lower-case hex digits. A prefix `sha256:` does not matter.
 *
 * @throws {LaminaError} `usage` for anything else.
 */
export function parseTreeDigest(text: string): string {
  const digest = text.replace(/^sha256:/, "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digest)) return digest;
  throw new LaminaError(
    "usage",
    `--digest ${text}: that is no fs-verity SHA-256 digest, which has 64 hex digits`,
    { hint: "lamina composefs digest IMAGE prints the digest of an image's tree." },
  );
}

/**
 * Hashes an image's tree, as it is on disk now, and compares it with the digest that is asked for, if one is.
 *
 * @throws {LaminaError} `usage`, see {@link parseTreeDigest}, and where another layout than the squashed one is asked for; `invalid` where it is
 * another tree, or the file was changed.
 */
export function checkTreeDigest(
  store: Store,
  image: ImageRecord,
  options: { readonly digest?: string; readonly layout?: TreeLayout },
): void {
  if (options.digest === undefined) return;
  const expected = parseTreeDigest(options.digest);
  const { layout = "squashed" } = options;
  if (layout !== "squashed") {
    throw new LaminaError(
      "usage",
      `composing ${image.digest}: a digest is that of the squashed tree, and --layout ${layout} mounts other images`,
      { hint: "Leave --digest or --layout away." },
    );
  }
  const { digest: recorded } = image.tree;
  if (expected !== recorded) {
    throw new LaminaError(
      "invalid",
      `composing ${image.digest}: its tree has the digest ${recorded}, not ${expected}`,
      {
        hint:
          "The image is not the one that was asked for; lamina composefs digest shows a tree's digest.",
      },
    );
  }
  const { image: bytes, path } = store.trees.load(image);
  const found = toHex(fsVerityDigest(bytes));
  if (found === expected) return;
  throw new LaminaError(
    "invalid",
    `composing ${image.digest}: ${path} has the digest ${found}, not ${expected}: it was changed on disk`,
    { hint: `Remove the file ${path}: it is made again from the layers.` },
  );
}
