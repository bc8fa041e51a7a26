/**
 * Images as `images` and `inspect` show them.
 *
 * @module
 */

import type { ImageRecord, Store } from "../store/mod.ts";

/** An image with what is known of it beside its record. */
export interface ShownImage extends ImageRecord {
  /** Its names, in order. */
  readonly names: readonly string[];
  /** When it was built, as its config says; null where it does not. */
  readonly created: string | null;
  /** When it was last pulled or composed, RFC 3339. */
  readonly lastUsed: string;
  /** The `Labels` of its config. */
  readonly labels: Readonly<Record<string, string>>;
}

/** What lamina reads of a config: config.md of the image specification. */
export interface ImageConfig {
  readonly created?: string;
  readonly config?: {
    readonly Entrypoint?: readonly string[] | null;
    readonly Cmd?: readonly string[] | null;
    readonly Env?: readonly string[] | null;
    readonly WorkingDir?: string;
    readonly User?: string;
    readonly Labels?: Readonly<Record<string, string>> | null;
  };
}

/** An image's config as it was pulled: valid JSON, checked then. */
export function configOf(store: Store, digest: string): ImageConfig {
  return JSON.parse(new TextDecoder().decode(store.images.config(digest)));
}

/** Adds to an image what its record does not say. */
export function shown(store: Store, image: ImageRecord, names: readonly string[] = []): ShownImage {
  const { created, config } = configOf(store, image.digest);
  return {
    names: names.toSorted(),
    ...image,
    created: created ?? null,
    lastUsed: (store.images.lastUsed(image.digest) ?? new Date(image.pulled)).toISOString(),
    labels: config?.Labels ?? {},
  };
}

/** All images of a store, the latest pulled first. */
export function shownImages(store: Store): ShownImage[] {
  const names = store.names.byDigest();
  return store.images.list().map((image) => shown(store, image, names.get(image.digest)));
}
