/**
 * One contestant, and its turns: compositions that are made, timed and released.
 *
 * @module
 */

import type { ImageRecord } from "../../store/mod.ts";
import type { LoadedPlugin } from "../loader.ts";
import { hundredths } from "../stopwatch.ts";
import { dropCaches } from "./cold.ts";
import { Composer, type Origin } from "./composer.ts";
import type { Form, Sample, State } from "./shape.ts";
import { freeBytes } from "./space.ts";
import type { Workbench } from "./workbench.ts";

/** A strategy that composes one image at one place. */
export interface Contestant {
  readonly plugin: LoadedPlugin;
  readonly image: ImageRecord;
  /** Index of the place. */
  readonly place: number;
  readonly form: Form;
}

/** Where turns are taken. */
export interface Arena extends Origin {
  readonly bench: Workbench;
}

/** A turn: a first composition, a second one in the same process, and with `cold` one more first one after the page cache was dropped. */
export async function turn(
  arena: Arena,
  contestant: Contestant,
  round: number,
  cold: boolean,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  {
    await using composer = await Composer.start(arena, contestant.plugin);
    for (const state of ["first", "again"] as const) {
      samples.push(await once(arena, composer, contestant, round, state));
    }
  }
  if (cold) {
    await using composer = await Composer.start(arena, contestant.plugin);
    dropCaches(arena.store);
    samples.push(await once(arena, composer, contestant, round, "cold"));
  }
  return samples;
}

/** A composition that makes what its strategy keeps of the tree: in milliseconds. It stays in the store, as after any composition. */
export async function prepare(arena: Arena, contestant: Contestant): Promise<number> {
  await using composer = await Composer.start(arena, contestant.plugin);
  return (await once(arena, composer, contestant, 0, "first")).total;
}

async function once(
  { bench, signal }: Arena,
  composer: Composer,
  { image, place, form }: Contestant,
  round: number,
  state: State,
): Promise<Sample> {
  const made = await composer.compose({
    image: image.digest,
    target: bench.target(place),
    form,
    // As a run of the program would. What compiled code or a cold cache makes of it is not what the next run has.
    learn: state === "first",
  });
  const released = await composer.release(made.id);
  signal?.throwIfAborted();
  return {
    round,
    state,
    total: hundredths(made.ended - made.begun),
    timings: made.timings,
    release: hundredths(released.milliseconds),
    bytes: released.bytes,
  };
}

/** Many compositions at once. Milliseconds. */
export interface Crowd {
  /** From the start of the first to the end of the last, divided by how many they are. */
  readonly each: number;
  /** What each of them took. */
  readonly latencies: readonly number[];
}

/** So many compositions at once, by as many new processes. */
export async function crowd(arena: Arena, contestant: Contestant, count: number): Promise<Crowd> {
  const spans = await together(arena, contestant, count);
  const begun = Math.min(...spans.map((span) => span.begun));
  const ended = Math.max(...spans.map((span) => span.ended));
  return {
    each: hundredths((ended - begun) / count),
    latencies: spans.map((span) => span.ended - span.begun),
  };
}

/**
 * Why so many compositions are too many for the disk; undefined if they are not.
 *
 * @param bytes What one of them takes.
 */
export function tooMany(
  { bench }: Arena,
  { place }: Contestant,
  count: number,
  bytes: number,
): string | undefined {
  const free = freeBytes(bench.directory(place));
  if (bytes * count <= free / 2) return undefined;
  const [need, have] = [bytes * count, free].map((n) => `${(n / 1e9).toFixed(1)} GB`);
  return `would take ${need} of ${have} that are free`;
}

async function together(arena: Arena, contestant: Contestant, count: number) {
  const { plugin, image, place, form } = contestant;
  await using processes = new AsyncDisposableStack();
  const starting = Array.from(
    { length: count },
    () => Composer.start(arena, plugin).then((one) => processes.use(one)),
  );
  const composers = await all(starting);
  const made = await all(composers.map((composer) =>
    composer.compose({
      image: image.digest,
      target: arena.bench.target(place),
      form,
      learn: false,
    })
  ));
  await all(made.map(({ id }, index) => composers[index].release(id)));
  arena.signal?.throwIfAborted();
  return made;
}

/** As Promise.all, but waits for all of them also when one fails. */
async function all<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
