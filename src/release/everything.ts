/**
 * What the compiled program's script has: the command line, and the built-in plugins, which the loader knows by their URLs.
 *
 * @module
 */

export { main } from "../cli/main.ts";

/** The modules of the built-in plugins, by name. One that is not here is loaded as a module of its own. */
export const plugins: Readonly<Record<string, () => Promise<unknown>>> = {
  overlay: () => import("../../plugins/overlay.ts"),
  composefs: () => import("../../plugins/composefs.ts"),
  "btrfs-snapshot": () => import("../../plugins/btrfs-snapshot.ts"),
  reflink: () => import("../../plugins/reflink.ts"),
  hardlink: () => import("../../plugins/hardlink.ts"),
  copy: () => import("../../plugins/copy.ts"),
};
