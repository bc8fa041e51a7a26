/**
 * What it costs to have images: three on one base, a rebuild of the first, and one that was built again with the same content; as flattened
 * copies, in containers-storage, and in a store of lamina's. Bytes as the filesystem counts them.
 *
 * @module
 */

import { Fd, fstatfs, O_DIRECTORY, O_RDONLY, syncfs } from "../src/linux/mod.ts";
import { Store } from "../src/store/mod.ts";
import { median } from "../src/strategy/bench/statistics.ts";
import { type Content, Contents } from "./contents.ts";
import { freshFilesystem, sharesExtents } from "./filesystem.ts";
import { readBlobs } from "./images.ts";
import { copyToStorage, unpack } from "./peers/containers.ts";
import { table } from "./table.ts";
import { needing, run } from "./tool.ts";

/** The images, in the order in which a host gets them; the base that they share comes with the first. */
export const STEPS = ["claude-code", "codex", "opencode", "claude-code-next", "churn"] as const;

/** What one step cost. */
interface Cost {
  /** Bytes that the filesystem has less. */
  readonly bytes: number;
  /** Until all of it is on disk. */
  readonly seconds: number;
}

/** A way to have images. */
interface Contestant {
  readonly name: string;
  /** Why it cannot run here. */
  readonly skip?: string;
  /** Brings an image. */
  store(image: string, on: string): void;
  /** Makes a root filesystem of an image that is there, in each of these ways. */
  readonly roots: Readonly<Record<string, (image: string, on: string) => void>>;
  /** Undoes what would keep the filesystem busy. */
  finish?(on: string): void;
}

/** What a contestant cost on a filesystem: for each step, the costs of all rounds. */
interface Account {
  readonly name: string;
  readonly stored: readonly Cost[][];
  readonly roots: Readonly<Record<string, readonly Cost[][]>>;
}

/** All that was measured on one kind of filesystem. */
export interface StorageCosts {
  readonly kind: string;
  readonly accounts: readonly Account[];
  /** Of all images up to each step. */
  readonly contents: readonly Content[];
  readonly notes: readonly string[];
}

function contestants(lamina: string, layout: string, kind: string): Contestant[] {
  const compose = (...how: string[]) => (image: string, on: string) => {
    const target = `${on}/${["root", ...how].join("")}-${image}`;
    run(lamina, ["--root", `${on}/store`, "--quiet", "compose", image, target, ...how]);
  };
  const copy = (image: string, on: string) => {
    run("cp", ["-a", "--reflink=always", `${on}/flat-${image}`, `${on}/root-${image}`]);
  };
  return [{
    name: "flattened copies (umoci raw unpack)",
    ...needing("umoci"),
    store: (image, on) => unpack(layout, image, `${on}/flat-${image}`),
    roots: sharesExtents(kind) ? { "cp -a --reflink=always": copy } : {},
  }, {
    name: "containers-storage (skopeo copy)",
    ...needing("skopeo"),
    store: (image, on) => copyToStorage({ layout, image }, `${on}/containers`, `${on}/run`),
    roots: {},
  }, {
    name: "lamina pull",
    store: (image, on) =>
      void run(lamina, ["--root", `${on}/store`, "--quiet", "pull", `oci:${layout}:${image}`]),
    roots: {
      "lamina compose": compose(),
      ...sharesExtents(kind)
        ? { "lamina compose --strategy reflink": compose("--strategy", "reflink") }
        : {},
    },
    finish: (on) => void run(lamina, ["--root", `${on}/store`, "--quiet", "release", "--all"]),
  }];
}

/** Measures all contestants, each on a fresh filesystem of the kind, one after the other, round after round. */
export async function measureStorage(
  lamina: string,
  layout: string,
  kind: string,
  rounds: number,
): Promise<StorageCosts> {
  const all = contestants(lamina, layout, kind);
  const notes = all.flatMap(({ name, skip }) => skip === undefined ? [] : [`${name}: ${skip}`]);
  const able = all.filter(({ skip }) => skip === undefined);
  const accounts = able.map(({ name, roots }) => ({
    name,
    stored: STEPS.map((): Cost[] => []),
    roots: Object.fromEntries(Object.keys(roots).map((way) => [way, STEPS.map((): Cost[] => [])])),
  }));
  let contents: Content[] = [];
  await readBlobs(layout);
  for (let round = 0; round < rounds; round++) {
    for (const [index, contestant] of able.entries()) {
      await using fs = await freshFilesystem(kind);
      const { stored, roots } = accounts[index];
      STEPS.forEach((image, step) => {
        stored[step].push(costOf(fs.path, () => contestant.store(image, fs.path)));
      });
      for (const [way, make] of Object.entries(contestant.roots)) {
        STEPS.forEach((image, step) => {
          roots[way][step].push(costOf(fs.path, () => make(image, fs.path)));
        });
      }
      contestant.finish?.(fs.path);
      if (contestant.name === "lamina pull") contents = distinctContents(`${fs.path}/store`);
    }
  }
  return { kind, accounts, contents, notes };
}

/** Runs something, and counts what the filesystem has less and how long it took to get it onto the disk. */
function costOf(on: string, work: () => void): Cost {
  using root = Fd.open(on, O_RDONLY | O_DIRECTORY);
  const used = () => {
    syncfs(root.n);
    const { blocks, free, blockSize } = fstatfs(root.n);
    return (blocks - free) * blockSize;
  };
  const before = used();
  const start = performance.now();
  work();
  syncfs(root.n);
  const seconds = (performance.now() - start) / 1000;
  return { bytes: used() - before, seconds };
}

function distinctContents(root: string): Content[] {
  const store = Store.open(root);
  const contents = new Contents();
  return STEPS.map((image) => {
    for (const { diffId } of store.images.find(image).layers) {
      contents.add(diffId, () => store.layers.tree(diffId));
    }
    return contents.sum();
  });
}

/** What was measured, as Markdown. */
export function storageTable({ kind, accounts, contents, notes }: StorageCosts): string {
  const middle = (costs: readonly Cost[], what: keyof Cost) =>
    median(costs.map((cost) => cost[what]));
  const total = (steps: readonly (readonly Cost[])[], what: keyof Cost) =>
    steps.reduce((sum, costs) => sum + middle(costs, what), 0);
  const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
  const cell = (bytes: number, seconds: number) => `${mb(bytes)} / ${seconds.toFixed(1)}`;
  const floor = contents.at(-1)?.bytes ?? NaN;
  const stored = accounts.map(({ name, stored }) => [
    name,
    ...stored.map((costs) => cell(middle(costs, "bytes"), middle(costs, "seconds"))),
    cell(total(stored, "bytes"), total(stored, "seconds")),
    (total(stored, "bytes") / floor).toFixed(3),
  ]);
  const content = (name: string, what: keyof Content) => [
    name,
    ...contents.map((sum, step) => mb(sum[what] - (contents[step - 1]?.[what] ?? 0))),
    mb(contents.at(-1)?.[what] ?? NaN),
    ((contents.at(-1)?.[what] ?? NaN) / floor).toFixed(3),
  ];
  const roots = accounts.flatMap(({ roots }) =>
    Object.entries(roots).map(([way, costs]) => [
      way,
      mb(total(costs, "bytes")),
      total(costs, "seconds").toFixed(2),
    ])
  );
  return [
    `### storage on ${kind}: MB / s`,
    "",
    ...table(["", ...STEPS, "all", "× distinct"], [
      ...stored,
      content("distinct content", "bytes"),
      content("… in whole blocks", "blocks"),
    ]),
    "",
    ...table([`a root filesystem of each of the ${STEPS.length}`, "MB", "s"], roots),
    ...notes.map((note) => `\n${note}`),
    "",
  ].join("\n");
}
