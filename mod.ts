/**
 * lamina as a library: store the layers of OCI images once, compose root filesystems out of them.
 *
 * ```ts
 * import { compose, loadPlugins, pull, release, Store } from "@lamina/lamina";
 *
 * const store = Store.open("/var/lib/lamina", { create: true });
 * const { image } = await pull(store, "oci:/srv/images:app");
 * const { loaded: plugins } = await loadPlugins();
 * const { id } = await compose(store, image, "/srv/vm1", { plugins });
 * await release(store, id, { plugins });
 * ```
 *
 * Errors that a caller can act on are {@link LaminaError}s. Run as a program, this module is the command line.
 *
 * @module
 */

export { type ErrorKind, LaminaError } from "./src/error.ts";
export { VERSION } from "./src/version.ts";
export { parsePlatform, parseReference, type Platform, type Reference } from "./src/oci/mod.ts";
export {
  pull,
  type PulledLayer,
  type PullEvent,
  type PullOptions,
  type PullResult,
} from "./src/oci/pull.ts";
export {
  type CompositionRecord,
  type ImageLayer,
  type ImageRecord,
  type LayerRecord,
  Store,
  type TreeRecord,
} from "./src/store/mod.ts";
export { compose, type ComposeOptions, type ComposeResult } from "./src/strategy/compose.ts";
export {
  type FailedPlugin,
  type LoadedPlugin,
  loadPlugins,
  type Plugins,
} from "./src/strategy/loader.ts";
export { probe, type ProbeOptions, type ProbeReport } from "./src/strategy/probe.ts";
export {
  release,
  releaseAll,
  type ReleaseOptions,
  type ReleaseResult,
} from "./src/strategy/release.ts";
export {
  formatDump,
  fsVerityDigest,
  Inode,
  mergeLayers,
  parseDump,
  readErofs,
  writeErofs,
} from "./src/tree/mod.ts";

if (import.meta.main) {
  const { main } = await import("./src/cli/main.ts");
  Deno.exit(await main(Deno.args));
}
