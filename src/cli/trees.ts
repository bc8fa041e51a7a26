/**
 * `IMAGE|FILE`: the tree of a stored image, or of an EROFS image in a file.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import type { Context } from "./context.ts";
import { readInput } from "./streams.ts";

/**
 * The bytes of the composefs image that is meant. A path (with `/` at its start or after dots) or a name that ends in
 * `.erofs` is a file, `-` is stdin; all else is an image of the store.
 *
 * @throws {LaminaError} `not-found`.
 */
export async function readTreeImage(context: Context, reference: string): Promise<Uint8Array> {
  if (/^(-$|\.{0,2}\/)|\.(erofs|cfs)$/.test(reference)) return await readInput(reference);
  const store = await context.store();
  const image = store.images.find(reference);
  const file = store.layout.tree(image.tree.digest);
  try {
    return await Deno.readFile(file);
  } catch (cause) {
    throw new LaminaError("not-found", `reading the tree of ${reference}: ${file} is missing`, {
      cause,
      hint: "Pull the image again.",
    });
  }
}
