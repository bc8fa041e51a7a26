/**
 * Pulling: into an empty store, against other tools that bring an image to a host, and the floor.
 *
 * @module
 */

import { TempDir } from "../test/support/temp.ts";
import type { Subject } from "./ground.ts";
import { readBlobs } from "./images.ts";
import { interleave } from "./interleave.ts";
import { cfsctlPull } from "./peers/composefs.ts";
import { ctrImport } from "./peers/containerd.ts";
import { skopeoCopy, umociUnpack } from "./peers/containers.ts";
import { goMicrovmExtract } from "./peers/go_microvm.ts";
import { PullFloor } from "./pull_floor.ts";
import type { Section } from "./section.ts";
import { run } from "./tool.ts";
import { onFresh, type Unpacker } from "./unpacker.ts";

/** Measures on fresh filesystems of a kind. */
export async function benchPull(
  subject: Subject,
  filesystem: string,
  rounds: number,
): Promise<Section> {
  using scratch = new TempDir();
  const floor = new PullFloor(subject, scratch.path);
  const all = [
    laminaPull(subject),
    floor.unpacker,
    umociUnpack(subject),
    skopeoCopy(subject),
    cfsctlPull(subject),
    ctrImport(subject, scratch.path),
    goMicrovmExtract(subject),
  ];
  // So without a round that does not count.
  await readBlobs(subject.layout);
  const timings = await interleave(all.map((one) => onFresh(filesystem, one)), rounds, 0);
  const { notes } = floor;
  return { topic: "pull", filesystem, image: subject.image, base: all[0].name, timings, notes };
}

function laminaPull({ lamina, layout, image }: Subject): Unpacker {
  return {
    name: "lamina pull",
    run: (on) =>
      void run(lamina, ["--root", `${on}/store`, "--quiet", "pull", `oci:${layout}:${image}`]),
  };
}
