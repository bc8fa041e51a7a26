/**
 * All that the compiled program has: the command line, the built-in plugins, which the loader knows by their URLs, and what other threads run.
 *
 * @module
 */

export { main } from "../cli/main.ts";

/** The modules of the built-in plugins, by name. */
export const plugins: Readonly<Record<string, () => Promise<unknown>>> = {
  overlay: () => import("../../plugins/overlay.ts"),
  composefs: () => import("../../plugins/composefs.ts"),
  "btrfs-snapshot": () => import("../../plugins/btrfs-snapshot.ts"),
  reflink: () => import("../../plugins/reflink.ts"),
  hardlink: () => import("../../plugins/hardlink.ts"),
  copy: () => import("../../plugins/copy.ts"),
};

/** The modules of other threads, by the names of their files. */
export const workers: Readonly<Record<string, () => Promise<unknown>>> = {
  inflate_worker: () => import("../layer/inflate_worker.ts"),
  unpack_worker: () => import("../layer/unpack_worker.ts"),
  check_worker: () => import("../store/fsck/check_worker.ts"),
  trial_worker: () => import("../strategy/loading/trial_worker.ts"),
  worker: () => import("../strategy/materialize/worker.ts"),
};
