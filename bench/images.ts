/**
 * The images to measure with: Debian with one or another coding agent on top, made by `agent-images.sh` of real packages.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { dirname, fromFileUrl } from "@std/path";
import { writeLayout } from "../src/strategy/bench/generated.ts";
import { entriesOfLayer, type Recipe } from "../src/strategy/bench/recipe.ts";
import { needing, run } from "./tool.ts";

/** An OCI layout with the agent images: `$LAMINA_BENCH_IMAGES`, else one made in .cache/ (some minutes, once). */
export function agentImages(): string {
  const named = Deno.env.get("LAMINA_BENCH_IMAGES");
  const layout = named ?? fromFileUrl(new URL("../.cache/agent-images", import.meta.url));
  if (existsSync(`${layout}/index.json`)) return layout;
  const why = Deno.uid() === 0 ? needing("debootstrap", "umoci", "npm").skip : "not root";
  if (why !== undefined) {
    throw new Error(`the agent images are not at ${layout}, and cannot be made here: ${why}`);
  }
  console.error(`making the agent images in ${layout} (some minutes, once) …`);
  Deno.mkdirSync(dirname(layout), { recursive: true });
  run(fromFileUrl(new URL("agent-images.sh", import.meta.url)), [layout]);
  return layout;
}

/** Writes a generated image into an OCI layout, with a tag; one that an earlier run wrote is used again. */
export async function generatedImage(layout: string, tag: string, recipe: Recipe): Promise<void> {
  if (existsSync(layout)) return;
  const draft = Deno.makeTempDirSync({ dir: dirname(layout), prefix: "layout-" });
  const layers = Array.from({ length: recipe.layers }, (_, n) => () => entriesOfLayer(recipe, n));
  await writeLayout(draft, tag, layers);
  Deno.renameSync(draft, layout);
}

/** Reads all blobs of a layout, so that they come out of the page cache for every contestant. */
export async function readBlobs(layout: string): Promise<void> {
  for (const { name } of Deno.readDirSync(`${layout}/blobs/sha256`)) {
    await Deno.readFile(`${layout}/blobs/sha256/${name}`);
  }
}
