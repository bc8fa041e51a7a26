/**
 * A benchmark of strategies on this host: which one composes which image fastest, where.
 *
 * @module
 */

import { findMount, readMountTable } from "../../linux/mod.ts";
import type { Store } from "../../store/mod.ts";
import { countsOf, dataLayers } from "../compose.ts";
import { identify } from "../filesystem.ts";
import { isKept } from "../keep.ts";
import type { LoadedPlugin } from "../loader.ts";
import { probe } from "../probe.ts";
import type { BenchImage, Entry } from "./entry.ts";
import { formFor } from "./judge.ts";
import { startups, thisMachine } from "./machine.ts";
import { type Arena, type Contestant, crowd, prepare, tooMany, turn } from "./meeting.ts";
import { byTime, judgementsOf, resultOf } from "./results.ts";
import { type Pace, runRounds } from "./rounds.ts";
import {
  type Form,
  type MeasuredImage,
  type MeasuredPlace,
  type Report,
  REPORT_FORMAT,
} from "./shape.ts";
import { summarize } from "./statistics.ts";
import { Workbench } from "./workbench.ts";

/** What is asked of a benchmark. */
export interface BenchOptions {
  /** The strategies that take part. */
  readonly plugins: readonly LoadedPlugin[];
  readonly images: readonly BenchImage[];
  /** Real paths of existing directories. */
  readonly places: readonly string[];
  readonly form: Form;
  readonly pace: Pace;
  /** How many compositions at once, each of these; none by default. */
  readonly atOnce: readonly number[];
  /** Whether to compose also with a page cache that was just dropped. */
  readonly cold: boolean;
  /** This program, with the arguments that stand before its own: it is started to compose. */
  readonly program: readonly string[];
  /** See {@link Report.command}. */
  readonly command: readonly string[];
  readonly notes: readonly string[];
  readonly signal?: AbortSignal;
  /** Called before each turn, with the number of turns that were taken. */
  readonly onTurn?: (turns: number) => void;
}

/** How often the program is started to time that, at most. */
const STARTS = 5;

/**
 * Measures. All that is composed is released again, whatever happens.
 *
 * @throws The signal's reason; a LaminaError where a place cannot be written to.
 */
export async function benchmark(store: Store, options: BenchOptions): Promise<Report> {
  const date = new Date().toISOString();
  const machine = thisMachine();
  const { images, places, plugins, program, signal } = options;
  using _shared = await store.working(signal);
  await using bench = await Workbench.make(store, plugins, places);
  const arena: Arena = { store, bench, program, signal };
  const entries = await list(arena, options);
  await measure(arena, entries, options);
  const all = places.flatMap((_, place) =>
    images.map((image) => entries.filter((one) => one.image === image && one.place === place))
  );
  return {
    format: REPORT_FORMAT,
    date,
    command: options.command,
    machine,
    store: store.root,
    startup: summarize(startups(program, Math.min(STARTS, options.pace.rounds ?? STARTS))),
    images: images.map(describeImage),
    places: places.map((path) => describePlace(path, store)),
    results: all.flatMap((group) => group.map((entry) => resultOf(entry, places)).sort(byTime)),
    judgements: all.flatMap((group) => judgementsOf(group, options.form, places)),
    notes: options.notes,
  };
}

/** Probes everywhere, and says of each strategy under which form it takes part, or why it does not. */
async function list({ store, bench, signal }: Arena, options: BenchOptions): Promise<Entry[]> {
  const { plugins, images, places, form: asked } = options;
  const entries: Entry[] = [];
  for (const place of places.keys()) {
    const target = bench.directory(place);
    for (const image of images) {
      const counts = countsOf(store, image.image);
      const data = dataLayers(store, image.image) > 0;
      const site = { target, access: asked.access, upper: undefined, data };
      const { digest } = image.image.tree;
      const reports = await probe(store, site, plugins, { image: { tree: digest, counts } });
      signal?.throwIfAborted();
      for (const report of reports) {
        const { verdict } = report;
        const { form, obstacle } = formFor(report, asked, counts);
        const reason = verdict.works ? obstacle : `does not work here: ${verdict.reason}`;
        const hint = verdict.works ? undefined : verdict.hint;
        const entry = { image, place, report, counts, form, reason, hint, making: undefined };
        const crowds = options.atOnce.map((count) => ({ count, made: [], skipped: undefined }));
        entries.push({ ...entry, samples: [], crowds });
      }
    }
  }
  return entries;
}

async function measure(arena: Arena, entries: readonly Entry[], options: BenchOptions) {
  const { pace, cold, onTurn, signal } = options;
  let turns = 0;
  const attempt = async (entry: Entry, work: (contestant: Contestant) => Promise<void>) => {
    signal?.throwIfAborted();
    onTurn?.(turns++);
    try {
      await work({
        plugin: entry.report.plugin,
        image: entry.image.image,
        place: entry.place,
        form: entry.form,
      });
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      entry.reason = `failed: ${error instanceof Error ? error.message : error}`;
      return false;
    }
  };
  const { store } = arena;
  for (const entry of entries) {
    const { image: { image }, report: { plugin, traits }, reason } = entry;
    if (reason !== undefined || isKept(store, image.tree.digest, plugin.name, traits)) continue;
    await attempt(entry, async (contestant) => {
      entry.making = await prepare(arena, contestant);
    });
  }
  await runRounds(
    entries.filter(({ reason }) => reason === undefined),
    pace,
    (entry, round) =>
      attempt(entry, async (contestant) => {
        entry.samples.push(...await turn(arena, contestant, round, cold));
      }),
  );
  await runRounds(
    entries.flatMap((entry) =>
      entry.reason === undefined ? entry.crowds.map((crowds) => ({ entry, crowds })) : []
    ),
    pace,
    async ({ entry, crowds }) => {
      if (entry.reason !== undefined) return false;
      const { count, made } = crowds;
      const bytes = Math.max(...entry.samples.map((sample) => sample.bytes));
      const done = await attempt(entry, async (contestant) => {
        crowds.skipped = tooMany(arena, contestant, count, bytes);
        if (crowds.skipped === undefined) made.push(await crowd(arena, contestant, count));
      });
      return done && crowds.skipped === undefined;
    },
  );
}

function describeImage({ name, image, generated }: BenchImage): MeasuredImage {
  const { directories, files, bytes } = image.tree;
  return {
    name,
    digest: image.digest,
    layers: image.layers.length,
    directories,
    files,
    bytes,
    generated,
  };
}

function describePlace(path: string, store: Store): MeasuredPlace {
  const id = identify(path).mount;
  const mount = findMount(readMountTable(), id);
  return {
    path,
    filesystem: mount?.type ?? "unknown",
    options: mount === undefined ? "" : `${mount.options},${mount.superOptions}`,
    withStore: identify(store.root).mount === id,
  };
}
