/**
 * go-microvm: its extraction of an image into its cache, and its CloneDir, by the program that go_microvm.go is, named by
 * $LAMINA_BENCH_GO_MICROVM.
 *
 * @module
 */

import type { Ground, Subject } from "../ground.ts";
import type { Case } from "../interleave.ts";
import { named, needing, run } from "../tool.ts";
import type { Unpacker } from "../unpacker.ts";

const PROGRAM = named("LAMINA_BENCH_GO_MICROVM", "lamina-bench-go-microvm");

/** Extracts into an empty cache: each layer, then the root filesystem out of them. */
export function goMicrovmExtract({ layout, image }: Subject): Unpacker {
  return {
    name: "go-microvm image.Pull",
    ...needing(PROGRAM),
    run: (on) => void run(PROGRAM, ["extract", layout, image, `${on}/cache`]),
  };
}

/** Clones the unpacked image. */
export function goMicrovmClone(ground: Ground): Case {
  return {
    name: "go-microvm rootfs.CloneDir",
    ...needing(PROGRAM),
    prepare: () => ground.target(),
    run: (target) => ({
      inside: Number(run(PROGRAM, ["clone", ground.flat, `${target}`])),
    }),
  };
}
