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

export * from "./src/error.ts";
export * from "./src/version.ts";
export * from "./src/tree/mod.ts";
export * from "./src/limits.ts";
export * from "./src/layer/mod.ts";
export * from "./src/oci/mod.ts";
export * from "./src/oci/import.ts";
export * from "./src/oci/obtain.ts";
export * from "./src/oci/pull.ts";
export * from "./src/store/mod.ts";
export * from "./src/strategy/mod.ts";

if (import.meta.main) {
  const { main } = await import("./src/cli/main.ts");
  Deno.exit(await main(Deno.args));
}
