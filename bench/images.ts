/**
 * The images to measure with: Debian with one or another coding agent on top, made by `agent-images.sh` of real packages.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { dirname, fromFileUrl } from "@std/path";
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

/** Reads all blobs of a layout, so that they come out of the page cache for every contestant. */
export async function readBlobs(layout: string): Promise<void> {
  for (const { name } of Deno.readDirSync(`${layout}/blobs/sha256`)) {
    await Deno.readFile(`${layout}/blobs/sha256/${name}`);
  }
}
