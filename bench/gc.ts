/**
 * What collecting costs, in a store of 10,000 layers and in a small one: it is to grow with what goes, and not with what stays.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { type LayerRecord, Store } from "../src/store/mod.ts";
import { fsVerityDigest, Inode, S_IFDIR, S_IFREG, writeErofs } from "../src/tree/mod.ts";
import { median } from "../src/strategy/bench/statistics.ts";
import { LoopFs, type LoopKind } from "../test/support/loopfs.ts";
import { enterImage } from "./generated.ts";
import { table } from "./table.ts";
import { has, run } from "./tool.ts";

/** Layers of the images that go; nothing goes first. */
const STEPS = [0, 1, 10, 100] as const;
/** Objects that a layer brings, and those of other layers that it shares. */
const OWN = 100;
const SHARED = 10;
/** Layers of an image that stays. */
const PER_IMAGE = 10;

/** Layers of the stores, those of images that go among them. */
const STORES = [1_000, 10_000] as const;

/** What a collection cost. */
interface Cost {
  readonly milliseconds: readonly number[];
  /** System calls of the whole process; 0 without strace(1). */
  readonly calls: number;
}

/** Measures on a fresh filesystem of a kind, and prints a table. */
export async function benchGc(lamina: string, kind: LoopKind, rounds: number): Promise<void> {
  const columns: Cost[][] = [];
  for (const layers of STORES) {
    // ext4 has an inode for 16 KiB, if not told.
    await using fs = await LoopFs.make(kind, 24 * 1024, {
      mkfs: kind === "ext4" ? ["-i", "8192"] : [],
    });
    const root = `${fs.path}/store`;
    const start = performance.now();
    const victims = fill(root, layers, rounds + 1);
    run("sync", ["-f", root]);
    console.log(
      `${layers.toLocaleString("en")} layers made in ${
        ((performance.now() - start) / 1000).toFixed(0)
      } s`,
    );
    columns.push(measure(lamina, root, victims, rounds));
  }
  console.log(gcTable(kind, columns));
}

/** Fills a store. Returns the names of images that are to go: for each step, one for each run. */
function fill(root: string, layers: number, runs: number): string[][] {
  const store = Store.open(root, { create: true });
  using _shared = store.shared();
  const maker = new Maker(store);
  const victims = STEPS.map((count) => count === 0 ? 0 : count * runs).reduce((a, b) => a + b);
  for (let image = 0; maker.layers < layers - victims; image++) {
    maker.image(`stays-${image}`, PER_IMAGE);
  }
  return STEPS.map((count) =>
    Array.from({ length: count === 0 ? 0 : runs }, (_, run) => {
      const name = `goes-${count}-${run}`;
      maker.image(name, count);
      return name;
    })
  );
}

/** Makes layers of files of a hundred bytes, with real digests, as an ingest leaves them, but not durable one by one. */
class Maker {
  layers = 0;
  readonly #store: Store;
  /** Files of the first layer, which all others have too: as hard links, since their metadata is the same. */
  readonly #common = new Map<string, Inode>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** An image of so many layers that no other image has, with a name. */
  image(name: string, count: number): void {
    const store = this.#store;
    const diffIds = Array.from({ length: count }, () => this.#layer());
    store.names.set(name, enterImage(store, diffIds, name).digest);
  }

  #layer(): string {
    const { layout } = this.#store;
    const number = this.layers++;
    const diffId = `sha256:${createHash("sha256").update(`layer ${number}`).digest("hex")}`;
    const place = layout.layer(diffId);
    Deno.mkdirSync(`${place}/fs`, { recursive: true });
    const root = new Inode(S_IFDIR | 0o755);
    for (const [name, file] of this.#common) {
      root.children!.set(name, file);
      Deno.linkSync(`${layout.objects}/${file.payload}`, `${place}/fs/${name}`);
    }
    for (let n = 0; n < OWN; n++) {
      const name = `file-${number}-${n}`;
      const bytes = new TextEncoder().encode(name.padEnd(100, "."));
      const file = new Inode(S_IFREG | 0o644);
      file.size = bytes.length;
      file.setObject(fsVerityDigest(bytes));
      root.children!.set(name, file);
      Deno.writeFileSync(`${place}/fs/${name}`, bytes);
      Deno.linkSync(`${place}/fs/${name}`, `${layout.objects}/${file.payload}`);
      if (number === 0 && n < SHARED) this.#common.set(name, file);
    }
    Deno.writeFileSync(`${place}/index.erofs`, writeErofs(root, { format: "v1" }));
    const record: LayerRecord = {
      diffId,
      entries: root.children!.size + 1,
      tarBytes: 0,
      fileBytes: 100 * root.children!.size,
      sharedBytes: 0,
      metacopies: 0,
    };
    Deno.writeTextFileSync(`${place}/layer.json`, JSON.stringify(record));
    return diffId;
  }
}

/** Removes what goes, image by image, and times the collection after each; counts system calls in a last run. */
function measure(
  lamina: string,
  root: string,
  victims: readonly (readonly string[])[],
  rounds: number,
): Cost[] {
  const store = Store.open(root);
  const costs = STEPS.map((_, step) => ({ step, milliseconds: [] as number[], calls: 0 }));
  const collect = ["--root", root, "--quiet", "gc"];
  for (let round = 0; round <= rounds; round++) {
    for (const cost of costs) {
      const name = victims[cost.step][round];
      if (name !== undefined) store.names.remove(name);
      run("sync", ["-f", root]);
      if (round < rounds) {
        const start = performance.now();
        run(lamina, collect);
        cost.milliseconds.push(performance.now() - start);
      } else if (has("strace")) {
        cost.calls = countCalls([lamina, ...collect]);
      }
    }
  }
  return costs;
}

/** System calls of a program, in all its threads. */
function countCalls(command: readonly string[]): number {
  const file = Deno.makeTempFileSync();
  try {
    run("strace", ["-f", "-c", "-o", file, ...command]);
    const total = Deno.readTextFileSync(file).split("\n").find((line) => line.endsWith(" total"));
    // % time, seconds, usecs/call, calls, and errors where there are any
    return Number(total?.trim().split(/\s+/)[3]);
  } finally {
    Deno.removeSync(file);
  }
}

function gcTable(kind: LoopKind, columns: readonly (readonly Cost[])[]): string {
  const number = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 0 });
  const heads = STORES.flatMap((layers) =>
    ["ms", "system calls"].map((what) =>
      `${what}, ${number(layers)} layers, ${number(layers * OWN)} objects`
    )
  );
  const rows = STEPS.map((layers, step) => [
    `${layers} layers`,
    ...columns.flatMap((costs) => [
      number(median(costs[step].milliseconds)),
      number(costs[step].calls),
    ]),
  ]);
  return [
    `### lamina gc on ${kind}`,
    "",
    ...table(["an image goes, of", ...heads], rows),
    "",
  ].join("\n");
}
