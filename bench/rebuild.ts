/**
 * What making the tree of a rebuilt image takes, whose uppermost layer alone is new: merged of all layers, or of the base's stored tree and
 * the new layer. Each measurement in a process of its own, as a pull is one.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { Store } from "../src/store/mod.ts";
import { median } from "../src/strategy/bench/statistics.ts";
import {
  countTree,
  encodeOrigins,
  fsVerityDigest,
  mergeLayers,
  readErofs,
  writeErofs,
} from "../src/tree/mod.ts";
import { TempDir } from "../test/support/temp.ts";
import { generate } from "./generated.ts";
import { table } from "./table.ts";
import { run } from "./tool.ts";

/** Entries of the base and layers that they are in. */
const BASES = [[13_000, 1], [13_000, 10], [100_000, 1], [100_000, 10]] as const;
/** Entries of the new layer. */
const OWN = 50;
const WAYS = ["all layers", "base's tree + layer"] as const;
const PHASES = ["read", "merge", "write", "digest", "origins"] as const;

/** Milliseconds of each phase. */
type Phases = Record<(typeof PHASES)[number], number>;

function baseTree(directory: string): string {
  return `${directory}/base.erofs`;
}

function makeStore(directory: string, base: number, baseLayers: number): void {
  const store = Store.open(directory, { create: true });
  using _shared = store.shared();
  const [image] = generate(store, { name: "rebuild", images: 1, base, baseLayers, own: OWN });
  const trees = image.layers.slice(0, -1).map(({ diffId }) => store.layers.tree(diffId));
  Deno.writeFileSync(baseTree(directory), writeErofs(mergeLayers(trees).root, { format: "v1" }));
}

/** Makes the tree, in this process. */
function makeTree(directory: string, way: string): Phases {
  const store = Store.open(directory);
  const { layers } = store.images.list()[0];
  const times = [performance.now()];
  const timed = <T>(value: T): T => (times.push(performance.now()), value);
  const trees = timed(
    way === WAYS[0] ? layers.map(({ diffId }) => store.layers.tree(diffId)) : [
      readErofs(Deno.readFileSync(baseTree(directory))),
      store.layers.tree(layers.at(-1)!.diffId),
    ],
  );
  const { root } = timed(mergeLayers(trees));
  const image = timed(writeErofs(root, { format: "v1" }));
  timed(fsVerityDigest(image));
  timed([countTree(root), encodeOrigins(root)]);
  return Object.fromEntries(
    PHASES.map((phase, index) => [phase, times[index + 1] - times[index]]),
  ) as Phases;
}

/** Measures all bases, and prints a table. */
export function benchRebuild(rounds: number): void {
  const here = fromFileUrl(import.meta.url);
  const rows = BASES.flatMap(([base, layers]) => {
    using temp = new TempDir();
    const directory = `${temp.path}/store`;
    makeStore(directory, base, layers);
    const runs = WAYS.map((): Phases[] => []);
    for (let round = 0; round < rounds; round++) {
      WAYS.forEach((way, index) => {
        runs[index].push(JSON.parse(run(Deno.execPath(), ["run", "-A", here, directory, way])));
      });
    }
    return WAYS.map((way, index) => {
      const all = runs[index].map((phases) => PHASES.reduce((sum, one) => sum + phases[one], 0));
      const cells = PHASES.map((phase) => median(runs[index].map((phases) => phases[phase])));
      const name = `${base.toLocaleString("en")} in ${layers}`;
      return [name, way, ...[...cells, median(all)].map((ms) => ms.toFixed(0))];
    });
  });
  console.log([
    `### the tree of a rebuilt image: ms, medians of ${rounds}`,
    "",
    ...table(["base", "merged of", ...PHASES, "all"], rows, 2),
    "",
  ].join("\n"));
}

if (import.meta.main) console.log(JSON.stringify(makeTree(Deno.args[0], Deno.args[1])));
