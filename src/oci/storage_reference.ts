/**
 * References to images in a containers/storage store (podman, buildah, skopeo, CRI-O), as containers-transports(5) writes them:
 * `containers-storage:[[STORE]]{NAME[:TAG]|@ID}`, the store as `[DRIVER@ROOT+RUNROOT:OPTIONS]`, of which only `ROOT` is needed.
 *
 * @module
 */

/** An image in a containers/storage store, or with neither name nor id all of them. */
export interface StorageReference {
  /** Tells the kinds of references apart. */
  readonly transport: "containers-storage";
  /** The store's directory; undefined: the user's default one. */
  readonly root?: string;
  /** The storage driver; undefined: the one that the store has images of. */
  readonly driver?: string;
  /** One of the image's names, in whatever form {@link fullName} takes. */
  readonly name?: string;
  /** The image's id, or the beginning of it. */
  readonly id?: string;
}

/**
 * Parses what stands behind `containers-storage:`.
 *
 * @returns The reference, or what is wrong with it.
 */
export function parseStorage(details: string): StorageReference | string {
  const transport = "containers-storage";
  let store: { root?: string; driver?: string } = {};
  let rest = details;
  if (details.startsWith("[")) {
    const end = details.indexOf("]");
    if (end < 0) return "the [ of the store is not closed by a ]";
    rest = details.slice(end + 1);
    const match = /^(?:([a-z0-9]*)@)?([^+]*?)(?:\+[^+]*?)?(?::[^/]*)?$/.exec(details.slice(1, end));
    if (match === null) return "the store is not written as [DRIVER@ROOT+RUNROOT]";
    const [, driver, root] = match;
    if (root !== "" && !root.startsWith("/")) return `the store ${root} is no absolute path`;
    store = { ...(root === "" ? {} : { root }), ...(driver ? { driver } : {}) };
  }
  const id = /^@([0-9a-f]{3,64})$/.exec(rest) ?? /@([0-9a-f]{64})$/.exec(rest);
  if (id !== null) return { transport, ...store, id: id[1] };
  if (rest.startsWith("@")) return `${rest.slice(1)} is no image id`;
  return { transport, ...store, ...(rest === "" ? {} : { name: rest }) };
}

/** The reference as text. */
export function formatStorage({ root, driver, name, id }: StorageReference): string {
  const store = root === undefined && driver === undefined
    ? ""
    : `[${driver === undefined ? "" : `${driver}@`}${root ?? ""}]`;
  return `containers-storage:${store}${id === undefined ? name ?? "" : `@${id}`}`;
}
