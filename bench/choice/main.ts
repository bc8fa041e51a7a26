/**
 * Whether the choice of a strategy is right: what `auto` takes, and what it expects, beside what every strategy took; for images of many
 * forms, on every filesystem, under every request. Judged twice: by what a probe measured alone, and after one composition by each.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { pull } from "../../src/oci/pull.ts";
import { type ImageRecord, Store } from "../../src/store/mod.ts";
import { type Machine } from "../../src/strategy/bench/shape.ts";
import { thisMachine } from "../../src/strategy/bench/machine.ts";
import { estimate } from "../../src/strategy/choice.ts";
import { type LoadedPlugin, loadPlugins } from "../../src/strategy/loader.ts";
import { Memory } from "../../src/strategy/memory.ts";
import { type Place, probe, type ProbeReport } from "../../src/strategy/probe.ts";
import { run } from "../tool.ts";
import { findFilesystem } from "../filesystem.ts";
import { judgeChoice, judgeEstimates, type Probed, REQUESTS } from "./judge.ts";
import { type ImageFacts, measureCase, type MeasuredCase } from "./measure.ts";
import { estimates, type Judged, misses, summary } from "./report.ts";
import { AGENTS, nameOf, QUICK, WORKLOADS, writeWorkload } from "./workloads.ts";

/** What is asked of the benchmark. */
export interface ChoiceOptions {
  /** Kinds of filesystems. */
  readonly kinds: readonly string[];
  /** Some images only. */
  readonly quick: boolean;
  /** The OCI layout of the agent images; asked for when it is needed. */
  readonly agents: () => string;
  /** A directory with one for each kind, on such a filesystem, to use and to keep; undefined: fresh filesystems. */
  readonly on: string | undefined;
  /** The JSON of an earlier run: its times are judged by the cost model of now, nothing is composed. */
  readonly times: string | undefined;
}

/** What a run found. */
export interface ChoiceReport {
  readonly date: string;
  readonly machine: Machine;
  readonly cases: readonly MeasuredCase[];
  readonly judged: readonly Judged[];
}

/** How often a place is probed afresh: what is measured within some milliseconds is never the same twice. */
const PROBES = 3;

/** The known of {@link Judged}. */
const FRESH = "the probe alone";
const LEARNED = "and one composition by each strategy";

const CHILD = fromFileUrl(new URL("probe_child.ts", import.meta.url));

/**
 * Runs it, and prints Markdown.
 *
 * @param lamina The compiled program: what it takes to load and compile code is a part of what is expected, and not the same from source.
 */
export async function benchChoice(lamina: string, options: ChoiceOptions): Promise<ChoiceReport> {
  const date = new Date().toISOString();
  const machine = thisMachine();
  const earlier: ChoiceReport | undefined = options.times === undefined
    ? undefined
    : JSON.parse(Deno.readTextFileSync(options.times));
  const { loaded: plugins } = await loadPlugins();
  const layouts = earlier === undefined ? new Layouts(options) : undefined;
  const cases: MeasuredCase[] = [];
  const judged: [fresh: Judged, learned: Judged] = [nothing(FRESH), nothing(LEARNED)];
  try {
    for (const kind of options.kinds) {
      const made = await findFilesystem(kind, options.on);
      if (typeof made === "string") {
        console.log(`${kind}: skipped: ${made}\n`);
        continue;
      }
      await using place = made;
      const store = Store.open(`${place.path}/store`, { create: true });
      const own = layouts === undefined
        ? earlier!.cases.filter(({ filesystem }) => filesystem === kind)
        : await measureAll(lamina, store, place.path, kind, plugins, layouts);
      cases.push(...own);
      for (let n = 0; n < PROBES; n++) {
        const found = await judge(store, place.path, plugins, own);
        found.forEach((one, at) => judged[at] = join(judged[at], one));
      }
    }
  } finally {
    layouts?.[Symbol.dispose]();
  }
  console.log(summary(judged));
  for (const one of judged) console.log(`${estimates(one)}\n${misses(one)}`);
  return { date, machine, cases, judged };
}

function nothing(known: string): Judged {
  return { known, verdicts: [], guesses: [] };
}

function join(a: Judged, b: Judged): Judged {
  const { known } = a;
  return {
    known,
    verdicts: [...a.verdicts, ...b.verdicts],
    guesses: [...a.guesses, ...b.guesses],
  };
}

/** OCI layouts of the images, written when they are first asked for. */
class Layouts implements Disposable {
  readonly #options: ChoiceOptions;
  readonly #directory = Deno.makeTempDirSync({ prefix: "lamina-choice-" });
  readonly #written = new Set<string>();

  constructor(options: ChoiceOptions) {
    this.#options = options;
  }

  /** Brings all images into a store. */
  async *enter(store: Store): AsyncGenerator<readonly [name: string, image: ImageRecord]> {
    const { quick } = this.#options;
    for (const workload of quick ? WORKLOADS.slice(0, QUICK) : WORKLOADS) {
      const name = nameOf(workload);
      const layout = `${this.#directory}/${name}`;
      if (!this.#written.has(name)) await writeWorkload(layout, workload);
      this.#written.add(name);
      yield [name, (await pull(store, `oci:${layout}:${name}`)).image];
    }
    for (const name of quick ? AGENTS.slice(1, 2) : AGENTS) {
      yield [name, (await pull(store, `oci:${this.#options.agents()}:${name}`)).image];
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#directory, { recursive: true });
  }
}

async function measureAll(
  lamina: string,
  store: Store,
  path: string,
  filesystem: string,
  plugins: readonly LoadedPlugin[],
  layouts: Layouts,
): Promise<MeasuredCase[]> {
  const origin = { store, program: [lamina], signal: undefined };
  const cases: MeasuredCase[] = [];
  for await (const [name, image] of layouts.enter(store)) {
    const start = performance.now();
    const place = { path, filesystem };
    cases.push(await measureCase(origin, plugins, place, name, image));
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    console.error(`${filesystem}: ${name}: ${seconds} s`);
  }
  return cases;
}

/** Judges what was measured on a filesystem, with a memory that is empty at first, and then knows the first composition of each strategy. */
async function judge(
  store: Store,
  path: string,
  plugins: readonly LoadedPlugin[],
  cases: readonly MeasuredCase[],
): Promise<[fresh: Judged, learned: Judged]> {
  forget(store);
  const fresh = await ask(store, path, plugins, cases);
  const before = judgeAll(FRESH, cases, fresh, false);
  learn(store, cases, fresh);
  const learned = await ask(store, path, plugins, cases);
  return [before, judgeAll(LEARNED, cases.map(withoutFirst), learned, true)];
}

/** The first composition of each is what was learned: it says nothing of what is expected then. */
function withoutFirst(one: MeasuredCase): MeasuredCase {
  const times = one.times.filter(({ milliseconds }) => milliseconds.length > 1)
    .map((own) => ({ ...own, milliseconds: own.milliseconds.slice(1) }));
  return { ...one, times };
}

function judgeAll(
  known: string,
  cases: readonly MeasuredCase[],
  probed: Probed,
  kept: boolean,
): Judged {
  const verdicts = cases.flatMap((one) =>
    REQUESTS.flatMap((asked) =>
      judgeChoice(one, asked, probed(one.image, asked.form.access), kept) ?? []
    )
  );
  return { known, verdicts, guesses: cases.flatMap((one) => judgeEstimates(one, probed)) };
}

function forget(store: Store): void {
  try {
    Deno.removeSync(`${store.layout.cache}/strategies.json`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Probes for every image, by a process of its own where that is not remembered. */
async function ask(
  store: Store,
  target: string,
  plugins: readonly LoadedPlugin[],
  cases: readonly MeasuredCase[],
): Promise<Probed> {
  const placeOf = ({ data }: Pick<ImageFacts, "data">, access: "ro" | "rw"): Place => ({
    target,
    access,
    upper: undefined,
    data,
  });
  const all = cases.flatMap(({ image }) => [placeOf(image, "rw"), placeOf(image, "ro")]);
  const places = [...new Set(all.map((place) => JSON.stringify(place)))];
  run(Deno.execPath(), ["run", "-A", "--no-check", CHILD, store.root, ...places]);
  const found = new Map<string, readonly ProbeReport[]>();
  const key = (name: string, access: string) => `${name} ${access}`;
  for (const { image } of cases) {
    // Of an earlier run no tree is here, but its name is as good a key.
    const probed = { tree: image.name, counts: image.counts };
    for (const access of ["rw", "ro"] as const) {
      const reports = await probe(store, placeOf(image, access), plugins, { image: probed });
      found.set(key(image.name, access), reports);
    }
  }
  return ({ name }, access) => found.get(key(name, access))!;
}

/** Remembers the first composition of each strategy, as composing does. */
function learn(store: Store, cases: readonly MeasuredCase[], probed: Probed): void {
  for (const { image, times } of cases) {
    const known = new Set<string>();
    for (const { strategy, milliseconds } of times) {
      for (const access of ["rw", "ro"] as const) {
        const own = times.find((one) => one.strategy === strategy && one.form.access === access);
        const report = probed(image, access).find(({ name }) => name === strategy)!;
        if (!report.verdict.works || known.has(strategy + access)) continue;
        known.add(strategy + access);
        const [took] = own?.milliseconds ?? milliseconds;
        const expected = estimate(report.verdict.cost, image.counts);
        new Memory(store.layout.cache).rememberTime(report.keys.corrections, took, expected);
      }
    }
  }
}
