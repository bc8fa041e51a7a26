/**
 * Programs that copy directories: cp(1) and rsync(1), from an unpacked image.
 *
 * @module
 */

import type { Ground } from "../ground.ts";
import type { Case } from "../interleave.ts";
import { needing, run } from "../tool.ts";

/** `cp` with some options. */
export function cp(ground: Ground, ...options: string[]): Case {
  return {
    name: ["cp", ...options].join(" "),
    prepare: () => ground.target(),
    run: (target) => void run("cp", [...options, ground.flat, `${target}`]),
  };
}

/** rsync into hard links to the unpacked image. */
export function rsyncLinks(ground: Ground): Case {
  return rsync(ground, "rsync -a --link-dest", ["--link-dest", `${ground.flat}/`]);
}

/** rsync into copies. */
export function rsyncCopies(ground: Ground): Case {
  return rsync(ground, "rsync -a", []);
}

function rsync(ground: Ground, name: string, options: readonly string[]): Case {
  return {
    name,
    ...needing("rsync"),
    prepare: () => ground.target(),
    // -H and -X: what cp -a keeps too.
    run: (target) =>
      void run("rsync", ["-aHX", "--numeric-ids", ...options, `${ground.flat}/`, `${target}`]),
  };
}
