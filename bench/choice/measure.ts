/**
 * What compositions take: first ones of new processes, as each run of the program has them.
 *
 * @module
 */

import type { ImageRecord, Store } from "../../src/store/mod.ts";
import { Composer, type Origin } from "../../src/strategy/bench/composer.ts";
import { requestOf } from "../../src/strategy/bench/judge.ts";
import { rotate } from "../../src/strategy/bench/rounds.ts";
import type { Form } from "../../src/strategy/bench/shape.ts";
import { Workbench } from "../../src/strategy/bench/workbench.ts";
import { type Counts, mismatch } from "../../src/strategy/choice.ts";
import { countsOf, dataLayers } from "../../src/strategy/compose.ts";
import { isKept } from "../../src/strategy/keep.ts";
import type { LoadedPlugin } from "../../src/strategy/loader.ts";
import { probe, type ProbeReport } from "../../src/strategy/probe.ts";
import { hundredths } from "../../src/strategy/stopwatch.ts";

/** An image as far as costs go. */
export interface ImageFacts {
  readonly name: string;
  readonly counts: Counts;
  /** See {@link probe!Place.data}. */
  readonly data: boolean;
}

/** What one strategy took under one form. */
export interface Times {
  readonly strategy: string;
  readonly form: Form;
  /** Milliseconds of reading the tree and of the strategy's work, without waiting for a processor, one a round. */
  readonly milliseconds: readonly number[];
  /** Milliseconds of the first composition of all, where it made what the strategy keeps of the tree. */
  readonly making: number | undefined;
}

/** An image on a filesystem. */
export interface MeasuredCase {
  readonly filesystem: string;
  readonly image: ImageFacts;
  readonly times: readonly Times[];
}

const WRITABLE = ["etc"];

/**
 * Forms of compositions that are made in ways of their own. Directories are the same for readers and writers, and are measured once,
 * under the first form that their strategy allows.
 */
export const FORMS: readonly Form[] = [
  { access: "rw", isolation: "full", writable: [] },
  { access: "ro", isolation: "full", writable: [] },
  { access: "rw", isolation: "full", writable: WRITABLE },
];

/** The forms under which a strategy is measured. */
function formsFor({ traits }: ProbeReport, counts: Counts): Form[] {
  const able = FORMS.filter((form) => mismatch(traits, requestOf(form), counts) === undefined);
  // What is listed as writable makes a difference only to those that share inodes; reading only, only to them and to mounts.
  if (traits.isolation === "shared") return able;
  const forms = able.filter(({ writable }) => writable.length === 0);
  return traits.result === "mount" ? forms : forms.slice(0, 1);
}

/** The facts of an image. */
function factsOf(store: Store, name: string, image: ImageRecord): ImageFacts {
  return { name, counts: countsOf(store, image), data: dataLayers(store, image) > 0 };
}

interface Contestant {
  readonly plugin: LoadedPlugin;
  readonly form: Form;
  readonly quick: boolean;
  readonly milliseconds: number[];
  making?: number;
}

/** How often each is measured: mounts and snapshots take milliseconds, and differ by fewer. */
const ROUNDS = { quick: 16, walks: 8 } as const;

/** Measures one image by all strategies that work, in turn. */
export async function measureCase(
  origin: Origin,
  plugins: readonly LoadedPlugin[],
  place: { readonly path: string; readonly filesystem: string },
  name: string,
  image: ImageRecord,
): Promise<MeasuredCase> {
  const { store } = origin;
  const facts = factsOf(store, name, image);
  await using bench = await Workbench.make(store, plugins, [place.path]);
  const site = {
    target: bench.directory(0),
    access: "rw",
    upper: undefined,
    data: facts.data,
  } as const;
  const reports = (await probe(store, site, plugins)).filter(({ verdict }) => verdict.works);
  const contestants: Contestant[] = reports.flatMap((report) =>
    formsFor(report, facts.counts).map((form) => ({
      plugin: report.plugin,
      form,
      quick: report.traits.result === "mount" || report.traits.keeps !== undefined,
      milliseconds: [],
    }))
  );
  const once = async ({ plugin, form }: Contestant) => {
    await using composer = await Composer.start(origin, plugin);
    const order = { image: image.digest, target: bench.target(0), form, learn: false };
    const { id, timings, waited } = await composer.compose(order);
    await composer.release(id);
    return hundredths(timings.tree + timings.work - waited);
  };
  for (const one of contestants) {
    const { traits } = reports.find(({ plugin }) => plugin === one.plugin)!;
    if (isKept(store, image.tree.digest, one.plugin.name, traits)) continue;
    one.making = await once(one);
  }
  for (let round = 0; round < ROUNDS.quick; round++) {
    for (const one of rotate(contestants, round)) {
      if (round < ROUNDS.walks || one.quick) one.milliseconds.push(await once(one));
    }
  }
  const times = contestants.map(({ plugin, form, milliseconds, making }) => ({
    strategy: plugin.name,
    form,
    milliseconds,
    making,
  }));
  return { filesystem: place.filesystem, image: facts, times };
}
