/**
 * A benchmark of strategies on this host: which one composes which image fastest, where.
 *
 * @module
 */

import { readMounts } from "../../linux/mod.ts";
import type { ImageRecord, Store } from "../../store/mod.ts";
import type { Counts } from "../choice.ts";
import { countsOf, dataLayers } from "../compose.ts";
import { identify } from "../filesystem.ts";
import { isKept } from "../keep.ts";
import type { LoadedPlugin } from "../loader.ts";
import { probe, type ProbeReport } from "../probe.ts";
import { estimateOf, formFor, judge, sharedForm, totals } from "./judge.ts";
import { startups, thisMachine } from "./machine.ts";
import { type Arena, atOnce, type Contestant, prepare, turn } from "./meeting.ts";
import { type Pace, runRounds } from "./rounds.ts";
import {
  type AtOnce,
  type Form,
  type Judgement,
  type MeasuredImage,
  type MeasuredPlace,
  type Report,
  REPORT_FORMAT,
  type Result,
  type Sample,
} from "./shape.ts";
import { median, summarize } from "./statistics.ts";
import { Workbench } from "./workbench.ts";

/** An image to compose. */
export interface BenchImage {
  /** The name that it was asked for by. */
  readonly name: string;
  readonly image: ImageRecord;
  /** Whether it was made for the benchmark. */
  readonly generated: boolean;
}

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

/** How often the program is started to time that. */
const STARTS = 5;

/** A strategy with one image at one place, as far as it is measured. */
interface Entry {
  readonly image: BenchImage;
  readonly place: number;
  readonly report: ProbeReport;
  readonly counts: Counts;
  readonly form: Form;
  readonly samples: Sample[];
  readonly atOnce: AtOnce[];
  making: number | undefined;
  reason: string | undefined;
  hint: string | undefined;
}

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
    startup: summarize(startups(program, STARTS)),
    images: images.map(describeImage),
    places: places.map((path) => describePlace(path, store)),
    results: all.flatMap((group) => group.map((entry) => resultOf(entry, places)).sort(byTime)),
    judgements: all.flatMap((group) => judgementsOf(group, options)),
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
        entries.push({ ...entry, samples: [], atOnce: [] });
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
  for (const entry of entries) {
    for (const count of entry.reason === undefined ? options.atOnce : []) {
      const bytes = Math.max(...entry.samples.map((sample) => sample.bytes));
      await attempt(entry, async (contestant) => {
        entry.atOnce.push(await atOnce(arena, contestant, count, bytes, pace.rounds));
      });
    }
  }
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
  const mount = readMounts().find((one) => one.id === id);
  return {
    path,
    filesystem: mount?.type ?? "unknown",
    options: mount === undefined ? "" : `${mount.options},${mount.superOptions}`,
    withStore: identify(store.root).mount === id,
  };
}

function resultOf(entry: Entry, places: readonly string[]): Result {
  const { image, place, report, counts, form, samples, reason, hint } = entry;
  return {
    image: image.name,
    place: places[place],
    strategy: report.name,
    version: report.plugin.version,
    plugin: report.plugin.source.file,
    makes: report.traits.result,
    form,
    reason,
    hint,
    estimate: estimateOf(report, counts, samples),
    making: entry.making,
    total: totals(samples),
    parts: partsOf(samples),
    atOnce: entry.atOnce,
    samples,
  };
}

function partsOf(samples: readonly Sample[]): Result["parts"] {
  const first = samples.filter(({ state }) => state === "first");
  if (first.length === 0) return undefined;
  const of = (part: (sample: Sample) => number) => median(first.map(part));
  return {
    record: of(({ timings }) => timings.record),
    choose: of(({ timings }) => timings.choose),
    tree: of(({ timings }) => timings.tree),
    work: of(({ timings }) => timings.work),
    release: of(({ release }) => release),
  };
}

/** The fastest first, what was not measured last. */
function byTime(a: Result, b: Result): number {
  const [first, second] = [a, b].map(({ total }) => total.first?.median ?? Number.MAX_VALUE);
  return first - second;
}

/** The choices among all strategies and among those that make directories, for the form that was asked for and the shared one. */
function judgementsOf(group: readonly Entry[], options: BenchOptions): Judgement[] {
  if (group.length === 0) return [];
  const [{ image, place, counts }] = group;
  const measured = group.flatMap(({ report, samples, reason }) => {
    const first = reason === undefined ? totals(samples).first : undefined;
    return first === undefined ? [] : [{ candidate: report, first: first.median }];
  });
  const { form } = options;
  const forms = form.isolation === "shared" ? [form] : [form, sharedForm(form)];
  return forms.flatMap((form) =>
    (["any", "directory"] as const).flatMap((makes) => {
      const judged = judge(measured, form, makes, counts);
      return judged === undefined
        ? []
        : [{ image: image.name, place: options.places[place], ...judged }];
    })
  );
}
