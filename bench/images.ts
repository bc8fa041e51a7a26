/**
 * The images to measure with: Debian with one or another coding agent on top, made by `agent-images.sh` of real packages.
 *
 * @module
 */

import { dirname, fromFileUrl } from "@std/path";
import { has, run } from "./tool.ts";

/** An OCI layout with the agent images: `$LAMINA_BENCH_IMAGES`, else one made in .cache/ (some minutes, once). */
export function agentImages(): string {
  const named = Deno.env.get("LAMINA_BENCH_IMAGES");
  const layout = named ?? fromFileUrl(new URL("../.cache/agent-images", import.meta.url));
  const there = (() => {
    try {
      return Deno.statSync(`${layout}/index.json`).isFile;
    } catch {
      return false;
    }
  })();
  if (there) return layout;
  const missing = ["debootstrap", "umoci", "npm"].filter((program) => !has(program));
  if (Deno.uid() !== 0 || missing.length > 0) {
    throw new Error(
      `the agent images are not at ${layout}, and making them needs root and ${
        ["debootstrap", "umoci", "npm"].join(", ")
      }` +
        (missing.length > 0 ? ` (missing: ${missing.join(", ")})` : ""),
    );
  }
  console.error(`making the agent images in ${layout} (some minutes, once) …`);
  Deno.mkdirSync(dirname(layout), { recursive: true });
  run(fromFileUrl(new URL("agent-images.sh", import.meta.url)), [layout]);
  return layout;
}
