/**
 * The image that a person means, pulled first where that is asked for: the pull policies of podman-run(1).
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import type { ImageRecord, Store } from "../store/mod.ts";
import { parsePlatform } from "./platform.ts";
import type { PullOptions, PullResult } from "./pull.ts";
import { isReference, parseReference, sourceOf } from "./reference.ts";

/**
 * When an image is pulled: `always`; when it is `missing` from the store; `never`; or, where it is there, when the source has a `newer` one,
 * which is another one, and can be reached.
 */
export type PullPolicy = "always" | "missing" | "never" | "newer";

/** All policies. */
export const PULL_POLICIES = [
  "always",
  "missing",
  "never",
  "newer",
] as const satisfies readonly PullPolicy[];

/** An image that is in the store now. */
export interface Obtained {
  /** The image. */
  readonly image: ImageRecord;
  /** What the pull did; undefined where there was none. */
  readonly pulled: PullResult | undefined;
  /** Why it could not be looked for a newer one, with `newer`: the image is the one that the store had. */
  readonly stale: LaminaError | undefined;
}

/**
 * Finds an image in the store and pulls it as the policy says.
 *
 * @param word A name, a digest or the beginning of one, or a reference (`pull`). A name is pulled from where it was pulled from last, for
 * the same platform. What a digest names never changes, so that it is never pulled. A reference means the image that was pulled
 * from it last.
 * @throws {LaminaError} `not-found` where the image is neither there nor to be pulled; as `pull` does, save with `newer`
 * where the image is there.
 */
export async function obtainImage(
  store: Store,
  word: string,
  policy: PullPolicy,
  options: Pick<PullOptions, "limits" | "onProgress" | "signal"> = {},
): Promise<Obtained> {
  const there = isReference(word) && store.names.get(word) === undefined
    ? byReference(store, word)
    : byName(store, word);
  const { image, source } = there;
  const wanted = policy === "always" || policy === "newer" ||
    (policy === "missing" && image === undefined);
  if (image !== undefined && (!wanted || source === undefined)) {
    return { image, pulled: undefined, stale: undefined };
  }
  if (source === undefined || !wanted) {
    throw new LaminaError(
      "not-found",
      `finding image ${word}: it was never pulled to the store ${store.root}`,
      { hint: `Pull it: lamina pull ${word}; or say --pull missing.` },
    );
  }
  try {
    // Loaded when there is something to pull: most compositions need none of it.
    const { pull } = await import("./pull.ts");
    const platform = image?.platform ? parsePlatform(image.platform) : undefined;
    const pulled = await pull(store, source, { ...options, platform, name: there.name });
    return { image: pulled.image, pulled, stale: undefined };
  } catch (error) {
    if (policy !== "newer" || image === undefined || !(error instanceof LaminaError)) throw error;
    return { image, pulled: undefined, stale: error };
  }
}

/** What the store knows of a word. */
interface There {
  readonly image: ImageRecord | undefined;
  /** What to pull it from, if it can be pulled at all. */
  readonly source: string | undefined;
  /** The name that moves; undefined: as `pull` names it. */
  readonly name: string | undefined;
}

function byName(store: Store, word: string): There {
  const image = store.images.find(word);
  if (store.names.get(word) !== image.digest) return { image, source: undefined, name: undefined };
  return { image, source: store.names.source(word) ?? image.source, name: word };
}

/** A name that was pulled from there goes before an image that lost it. */
function byReference(store: Store, word: string): There {
  const source = sourceOf(parseReference(word));
  const images = store.images.list();
  const names = store.names.byDigest();
  for (const image of images) {
    const name = names.get(image.digest)?.find((name) => store.names.source(name) === source);
    if (name !== undefined) return { image, source, name };
  }
  return { image: images.find((image) => image.source === source), source, name: undefined };
}
