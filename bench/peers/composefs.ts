/**
 * composefs: the C tools (mkcomposefs, mount.composefs), and composefs-rs' cfsctl, named by $LAMINA_BENCH_CFSCTL.
 *
 * @module
 */

import type { Ground, Subject } from "../ground.ts";
import type { Case } from "../interleave.ts";
import { named, needing, run } from "../tool.ts";
import type { Unpacker } from "../unpacker.ts";

/** The program of composefs-rs. */
export const CFSCTL = named("LAMINA_BENCH_CFSCTL", "cfsctl");

/** Mounts the tree of lamina's store, which is an image of theirs, read-only over its objects. */
export function mountComposefs(ground: Ground, tree: string, objects: string): Case {
  return {
    name: "mount.composefs (ro)",
    ...needing("mount.composefs"),
    prepare: () => ground.mountpoint(),
    run: (target) => void run("mount.composefs", ["-o", `basedir=${objects}`, tree, `${target}`]),
    settle: (target) => void run("umount", [`${target}`]),
  };
}

/** Pulls into a new repository, without fs-verity. */
export function cfsctlPull(subject: Subject): Unpacker {
  return {
    name: "cfsctl oci pull (composefs-rs)",
    ...needing(CFSCTL, "skopeo"),
    run: (on) => pullInto(subject, `${on}/repository`),
  };
}

function pullInto({ layout, image }: Subject, repository: string): void {
  run(CFSCTL, ["init", "--insecure", "--algorithm", "fsverity-sha256-12", repository]);
  run(CFSCTL, ["--repo", repository, "oci", "pull", `oci:${layout}:${image}`, image]);
}

/** Mounts the image read-only out of a repository. */
export function cfsctlMount(ground: Ground): Case {
  const { subject } = ground;
  const repository = () => ground.made("repository", (path) => pullInto(subject, path));
  return {
    name: "cfsctl oci mount (ro, composefs-rs)",
    ...needing(CFSCTL, "skopeo"),
    prepare: () => {
      repository();
      return ground.mountpoint();
    },
    run: (target) =>
      void run(CFSCTL, ["--repo", repository(), "oci", "mount", subject.image, `${target}`]),
    settle: (target) => void run("umount", [`${target}`]),
  };
}
