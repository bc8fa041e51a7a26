/**
 * What `lamina bench` measures with: the images of the store, or generated ones in stores of their own.
 *
 * @module
 */

import { dirname, resolve } from "@std/path";
import { LaminaError } from "../error.ts";
import type { Store } from "../store/mod.ts";
import { TemporaryStore } from "../strategy/bench/generated.ts";
import { type Recipe, USUAL } from "../strategy/bench/recipe.ts";
import type { BenchImage } from "../strategy/bench/entry.ts";
import { identify } from "../strategy/filesystem.ts";
import type { Context } from "./context.ts";
import { realPath } from "./streams.ts";
import { shortDigest } from "./terminal/names.ts";

/** A store, with the images in it and the places that these are composed in. */
export interface Subject {
  readonly store: Store;
  readonly images: readonly BenchImage[];
  readonly places: readonly string[];
}

/** All that is measured. Generated images are gone when it is disposed of. */
export interface Subjects extends Disposable {
  readonly all: readonly Subject[];
  /** What there is to say about them. */
  readonly notes: readonly string[];
}

/** What was asked for. */
export interface Asked {
  /** Names of images; if none, all. */
  readonly names: readonly string[];
  /** Images to generate instead. */
  readonly recipes: readonly Recipe[];
  /** Directories to compose in; if none, beside the store. */
  readonly places: readonly string[];
}

/**
 * Finds images, or generates some where that is asked for or there are none.
 *
 * @throws {LaminaError} `not-found` for an image or a directory.
 */
export async function findSubjects(context: Context, asked: Asked): Promise<Subjects> {
  const places = [...new Set(asked.places.map((place) => realPath(place, "measuring in")))];
  const notes: string[] = [];
  const { names, recipes } = asked;
  const store = names.length > 0 ? await context.store() : await storeIfThere(context);
  if (recipes.length === 0 && store !== undefined) {
    const images = names.length === 0 ? allImages(store) : names.map((name) => ({
      name,
      image: store.images.find(name),
      generated: false,
    }));
    if (images.length > 0) {
      const at = places.length > 0 ? places : [besideStore(store.root, notes)];
      return { all: [{ store, images, places: at }], notes, [Symbol.dispose]() {} };
    }
  }
  const root = store?.root ?? resolve(await context.storeRoot());
  if (recipes.length === 0) {
    notes.push(`the store ${root} has no images: measured with generated ones`);
  }
  const at = places.length > 0
    ? places
    : [store === undefined ? existing(dirname(root)) : besideStore(root, notes)];
  return await generate(context, recipes.length > 0 ? recipes : USUAL, at, notes);
}

/** In each place a store of its own, so that each filesystem can show what it is good at. */
async function generate(
  context: Context,
  recipes: readonly Recipe[],
  places: readonly string[],
  notes: string[],
): Promise<Subjects> {
  using made = new DisposableStack();
  using progress = await context.progress();
  progress.task("generating images", undefined, "entries");
  const all: Subject[] = [];
  for (const place of places) {
    const { store, images } = made.use(
      await TemporaryStore.make(place, recipes, context.signal),
    );
    all.push({ store, images, places: [place] });
  }
  if (places.length > 1) notes.push("each place has a store of its own");
  const kept = made.move();
  return { all, notes, [Symbol.dispose]: () => kept.dispose() };
}

async function storeIfThere(context: Context): Promise<Store | undefined> {
  try {
    return await context.store();
  } catch (error) {
    if (error instanceof LaminaError && error.kind === "not-found") return undefined;
    throw error;
  }
}

function allImages(store: Store): BenchImage[] {
  const names = store.names.byDigest();
  return store.images.list().map((image) => ({
    name: names.get(image.digest)?.sort()[0] ?? shortDigest(image.digest),
    image,
    generated: false,
  }));
}

/** The directory that the store is in: no target can be in the store itself. */
function besideStore(root: string, notes: string[]): string {
  const place = realPath(dirname(root), "measuring in");
  if (identify(place).mount !== identify(root).mount) {
    notes.push(
      `the store ${root} is a mount of its own; measured beside it: --on names other places`,
    );
  }
  return place;
}

/** The nearest directory that is there. */
function existing(path: string): string {
  try {
    return realPath(path, "measuring in");
  } catch {
    return existing(dirname(path));
  }
}
