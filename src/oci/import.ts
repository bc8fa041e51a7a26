/**
 * Brings the images of another store on this host into ours.
 *
 * @module
 */

import { resolve as absolute } from "@std/path";
import { LaminaError } from "../error.ts";
import { LayerPipeline } from "../layer/mod.ts";
import type { Store } from "../store/mod.ts";
import { CONTAINERD_ROOT } from "./containerd.ts";
import { pull, type PullOptions, type PullResult } from "./pull.ts";
import { formatReference, parseReference } from "./reference.ts";
import { openSource } from "./source.ts";

/** An image that was brought, or why it was not. */
export type Imported =
  | { readonly reference: string; readonly result: PullResult }
  | { readonly reference: string; readonly error: unknown };

/**
 * Brings images, one after the other. One that cannot be brought does not keep the others back.
 *
 * @param from `containers-storage[:[DRIVER@]ROOT]`, `containerd[:ROOT]`, `oci:DIR`, `oci-archive:FILE` or `docker-archive:FILE`.
 * @param names The images, as the source calls them; none: all that it has.
 * @throws {LaminaError} Where there is no such source; the signal's reason when it is aborted.
 */
export async function importImages(
  store: Store,
  from: string,
  names: readonly string[],
  options: Omit<PullOptions, "name"> = {},
): Promise<Imported[]> {
  const source = sourceReference(from);
  const references = names.length > 0
    ? names.map((name) => source.reference(name))
    : await allOf(source.reference(), options);
  const { native } = store;
  await using pipeline = new LayerPipeline({
    native,
    parallel: options.parallel,
    keepThreads: true,
  });
  const imported: Imported[] = [];
  for (const reference of references) {
    options.signal?.throwIfAborted();
    try {
      imported.push({ reference, result: await pull(store, reference, { pipeline, ...options }) });
    } catch (error) {
      options.signal?.throwIfAborted();
      imported.push({ reference, error });
    }
  }
  return imported;
}

async function allOf(reference: string, options: PullOptions): Promise<string[]> {
  const { limits, sharedBlobs } = options;
  using source = await openSource(parseReference(reference), { limits, sharedBlobs });
  // The images of an index have one reference: which one it means is for the host to say.
  return [...new Set((await source.list()).map((image) => image.reference))];
}

/** How the images of a source are named. */
function sourceReference(from: string): { reference(name?: string): string } {
  const colon = from.indexOf(":");
  const transport = colon === -1 ? from : from.slice(0, colon);
  const place = colon === -1 ? "" : from.slice(colon + 1);
  if (transport === "containers-storage") {
    const at = place.indexOf("@");
    const driver = at === -1 ? "" : place.slice(0, at + 1);
    const root = place.slice(at + 1);
    const store = root === "" ? driver : driver + absolute(root);
    const prefix = `${transport}:${store === "" ? "" : `[${store}]`}`;
    const isId = (name: string) => /^[0-9a-f]{12,64}$/.test(name);
    return { reference: (name = "") => `${prefix}${isId(name) ? "@" : ""}${name}` };
  }
  if (from === "containerd") return sourceReference(`${from}:${CONTAINERD_ROOT}`);
  const known = ["oci", "oci-archive", "docker-archive", "containerd"];
  if (!known.includes(transport) || place === "") {
    throw new LaminaError("usage", `importing from ${JSON.stringify(from)}: it is no source`, {
      hint:
        "Write containers-storage, containers-storage:ROOT, containerd, containerd:ROOT, oci:DIR, " +
        "oci-archive:FILE or docker-archive:FILE.",
    });
  }
  return {
    reference: (name) =>
      name === undefined
        ? formatReference(parseReference(from))
        : /^sha(256|512):/.test(name)
        ? `${from}@${name}`
        : `${from}:${name}`,
  };
}
