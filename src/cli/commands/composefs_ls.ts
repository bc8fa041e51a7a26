/**
 * `lamina composefs ls`.
 *
 * @module
 */

import { escapeBytes, listTree, readErofs, treeObjects } from "../../tree/mod.ts";
import { defineCommand } from "../spec.ts";
import { readTreeImage } from "../trees.ts";

export default defineCommand({
  description:
    "Prints what composefs-info ls, objects and missing-objects print: a line for each entry, with the target of a " +
    "symbolic link after `->` and the object that holds a file's content after `@`; or the objects, each once. Bytes that " +
    "are not printable are escaped.",
  arguments: [{
    name: "IMAGE",
    complete: "image",
    summary: "an image of the store, or a file with a composefs image",
  }],
  flags: [
    { name: "objects", summary: "the objects that the image needs, not its entries" },
    {
      name: "missing-from",
      value: "DIR",
      complete: "directory",
      summary: "only the objects that this directory has not",
    },
  ],
  examples: [
    { command: "lamina composefs ls debian:12", says: "what is in an image" },
    {
      command: "lamina composefs ls app.erofs --missing-from /var/lib/lamina/objects",
      says: "what a directory of objects lacks",
    },
  ],
}, async (context, { args, flags }) => {
  const root = readErofs(await readTreeImage(context, args.image));
  const directory = flags["missing-from"];
  const asked = flags.objects || directory !== undefined;
  const lines = asked
    ? treeObjects(root).filter((object) => directory === undefined || !has(directory, object))
      .map((object) => escapeBytes(object))
    : listTree(root);
  return {
    document: { image: args.image, [asked ? "objects" : "entries"]: lines },
    text: () => lines.map((line) => `${line}\n`).join(""),
    brief: lines,
  };
});

/** Whether there is an object, whose path is one of bytes. */
function has(directory: string, object: string): boolean {
  const path = new TextDecoder().decode(Uint8Array.from(object, (c) => c.charCodeAt(0)));
  try {
    Deno.statSync(`${directory}/${path}`);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
