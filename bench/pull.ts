/**
 * Pulling: into an empty store, against umoci's raw unpacking and skopeo's copy into containers-storage.
 *
 * @module
 */

import { interleave } from "./interleave.ts";
import type { Section } from "./report.ts";
import { has, run } from "./tool.ts";

/** Measures on a directory of the filesystem in question; everything made stays below it. */
export async function benchPull(
  lamina: string,
  layout: string,
  image: string,
  on: string,
  rounds: number,
): Promise<Section> {
  const notes: string[] = [];
  const place = (name: string) => (round: number) => `${on}/${name}-${round}`;
  const settle = () => void run("sync", []);
  const cases = [{
    name: "lamina pull",
    prepare: place("store"),
    run: (root: unknown) =>
      void run(lamina, ["--root", `${root}`, "--quiet", "pull", `oci:${layout}:${image}`]),
    settle,
  }];
  if (has("umoci")) {
    cases.push({
      name: "umoci raw unpack",
      prepare: place("umoci"),
      run: (target: unknown) =>
        void run("umoci", ["raw", "unpack", "--image", `${layout}:${image}`, `${target}`]),
      settle,
    });
  } else notes.push("umoci: not installed");
  if (has("skopeo")) {
    cases.push({
      name: "skopeo copy to containers-storage",
      prepare: place("skopeo"),
      run: (root: unknown) =>
        void run("skopeo", [
          "--insecure-policy",
          "copy",
          `oci:${layout}:${image}`,
          `containers-storage:[overlay@${root}/root+${root}/run]bench:${image}`,
        ]),
      settle,
    });
  } else notes.push("skopeo: not installed");
  const timings = await interleave(cases, rounds);
  return { title: `pull ${image}`, timings, base: "lamina pull", notes };
}
