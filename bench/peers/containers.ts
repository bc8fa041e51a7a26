/**
 * Tools around podman: umoci, skopeo, podman itself, fuse-overlayfs.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Ground, Subject } from "../ground.ts";
import type { Case } from "../interleave.ts";
import { needing, run } from "../tool.ts";
import type { Unpacker } from "../unpacker.ts";

/** Unpacks into a directory below the one that it gets. */
export function umociUnpack({ layout, image }: Subject): Unpacker {
  return {
    name: "umoci raw unpack",
    ...needing("umoci"),
    run: (on) => unpack(layout, image, `${on}/flat`),
  };
}

/** Unpacks an image of a layout into a directory, which does not exist. */
export function unpack(layout: string, image: string, target: string): void {
  run("umoci", ["raw", "unpack", "--image", `${layout}:${image}`, target]);
}

/** Copies into a new containers-storage. */
export function skopeoCopy(subject: Subject): Unpacker {
  return {
    name: "skopeo copy to containers-storage",
    ...needing("skopeo"),
    run: (on) => copyToStorage(subject, `${on}/root`, `${on}/run`),
  };
}

/** Copies an image of a layout into containers-storage. */
export function copyToStorage(
  { layout, image }: Pick<Subject, "layout" | "image">,
  root: string,
  runroot: string,
): void {
  const storage = `containers-storage:[overlay@${root}+${runroot}]`;
  run("skopeo", [
    "--insecure-policy",
    "copy",
    `oci:${layout}:${image}`,
    storage + nameOf(image),
  ]);
}

function nameOf(image: string): string {
  return `localhost/bench:${image}`;
}

/** Mounts the image read-only out of containers-storage. */
export function podmanMount(ground: Ground): Case {
  const { subject, path, cleanup } = ground;
  // podman takes none of more than 50 characters; the storage remembers its name.
  const hash = createHash("sha256").update(path).digest("hex").slice(0, 12);
  const runroot = `/tmp/lamina-bench-${hash}`;
  const podman = (...args: string[]) => {
    const root = ground.made("containers", (root) => copyToStorage(subject, root, runroot));
    run("podman", [`--root=${root}`, `--runroot=${runroot}`, "--storage-driver=overlay", ...args]);
  };
  cleanup.defer(() => void run("rm", ["-rf", runroot]));
  return {
    name: "podman image mount (ro)",
    ...needing("podman", "skopeo"),
    prepare: () => podman("image", "exists", nameOf(subject.image)),
    run: () => podman("image", "mount", nameOf(subject.image)),
    settle: () => podman("image", "unmount", "--all"),
  };
}

/**
 * The layers of lamina's store as an overlay, by a program that does nothing else: mount(8), or fuse-overlayfs.
 *
 * @param layers Their directories, lowest first.
 */
export function overlayBy(
  program: "mount" | "fuse-overlayfs",
  ground: Ground,
  layers: readonly string[],
): Case {
  const lower = layers.toReversed().join(":");
  return {
    name: program === "mount" ? "mount -t overlay (rw)" : "fuse-overlayfs (rw)",
    ...needing(program),
    prepare: () => {
      const place = ground.mountpoint();
      for (const name of ["upper", "work", "root"]) Deno.mkdirSync(`${place}/${name}`);
      return place;
    },
    run: (place) => {
      const options = `lowerdir=${lower},upperdir=${place}/upper,workdir=${place}/work`;
      const type = program === "mount" ? ["-t", "overlay", "overlay"] : [];
      run(program, [...type, "-o", options, `${place}/root`]);
    },
    settle: (place) => void run("umount", [`${place}/root`]),
  };
}
