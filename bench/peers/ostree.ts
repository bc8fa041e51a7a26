/**
 * ostree: a tree committed into a repository, and checked out of it (ostree-checkout(1)).
 *
 * @module
 */

import type { Ground } from "../ground.ts";
import type { Case } from "../interleave.ts";
import { needing, run } from "../tool.ts";

const BRANCH = "bench";

/**
 * Checks the image out of a repository on the same filesystem.
 *
 * @param mode The repository's: `bare` keeps owners and modes in the files, `bare-user` in an attribute.
 */
export function ostreeCheckout(
  ground: Ground,
  mode: "bare" | "bare-user",
  ...options: string[]
): Case {
  const repository = () => ground.made(`ostree-${mode}`, (path) => commit(ground.flat, path, mode));
  return {
    name: ["ostree checkout", ...options].join(" "),
    ...needing("ostree"),
    prepare: () => {
      repository();
      return ground.target();
    },
    run: (target) => {
      run("ostree", ["checkout", `--repo=${repository()}`, ...options, BRANCH, `${target}`]);
    },
  };
}

function commit(tree: string, repository: string, mode: string): void {
  run("ostree", ["init", `--repo=${repository}`, `--mode=${mode}`]);
  const to = [`--repo=${repository}`, `--branch=${BRANCH}`];
  run("ostree", ["commit", ...to, `--tree=dir=${tree}`]);
}
