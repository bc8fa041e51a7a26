/**
 * The layouts of composefs' metadata against each other: bytes, time to make them, time to mount them and to walk what is mounted, and
 * from how many images on one base the shared ones pay.
 *
 * @module
 */

import { type ImageRecord, Store, type TreeImage, type TreeLayout } from "../src/store/mod.ts";
import { median } from "../src/strategy/bench/statistics.ts";
import { mounts } from "../src/strategy/mounts.ts";
import { LoopFs } from "../test/support/loopfs.ts";
import { type Family, generate } from "./generated.ts";
import { linesFigure } from "./figures/lines.ts";
import { table } from "./table.ts";
import { run } from "./tool.ts";

const LAYOUTS: readonly TreeLayout[] = ["squashed", "layered", "hybrid"];

/** The families that are measured. */
const FAMILIES: readonly Family[] = [
  { name: "base of 20,000", images: 150, base: 20_000, baseLayers: 1, own: 200 },
  { name: "base of 20,000 in 10 layers", images: 30, base: 20_000, baseLayers: 10, own: 200 },
  { name: "larger layers above it", images: 30, base: 20_000, baseLayers: 1, own: 4_000 },
  { name: "base of 2,000", images: 30, base: 2_000, baseLayers: 1, own: 200 },
];

/** What one layout of a family costs. */
interface LayoutCost {
  readonly layout: TreeLayout;
  /** Metadata images that one image of the family is mounted of. */
  readonly images: number;
  /** Bytes of metadata for the first so many images, by index. */
  readonly bytes: readonly number[];
  /** Milliseconds to make what each image lacks, in order. */
  readonly build: readonly number[];
  /** Milliseconds to mount, of each image. */
  readonly mount: readonly number[];
  /** Milliseconds that find(1) takes to look at every entry of a fresh mount. */
  readonly walk: readonly number[];
}

/** One family, measured. */
interface FamilyCost {
  readonly family: Family;
  readonly layouts: readonly LayoutCost[];
}

/** Measures a family in a store made in a directory. */
function measureFamily(on: string, family: Family): FamilyCost {
  const store = Store.open(`${on}/${family.name.replaceAll(/\W+/g, "-")}`, { create: true });
  using _shared = store.shared();
  const images = generate(store, family);
  const built = LAYOUTS.map(() => ({ bytes: [] as number[], build: [] as number[] }));
  const seen = LAYOUTS.map(() => new Set<string>());
  Deno.removeSync(store.layout.trees, { recursive: true });
  for (const layout of LAYOUTS) Deno.mkdirSync(aside(store, layout));
  // In turn, so that whatever else the machine does meets all alike; each with a directory of trees of its own, so that none finds what
  // another one made.
  for (const image of images) {
    for (const [index, layout] of LAYOUTS.entries()) {
      Deno.renameSync(aside(store, layout), store.layout.trees);
      const start = performance.now();
      const stack = store.chains.stack(image, layout);
      built[index].build.push(performance.now() - start);
      const fresh = stack.filter(({ digest }) => !seen[index].has(digest));
      fresh.forEach(({ digest }) => seen[index].add(digest));
      const before = built[index].bytes.at(-1) ?? 0;
      built[index].bytes.push(
        fresh.reduce((sum, one) => sum + Deno.statSync(one.path).size, before),
      );
      Deno.renameSync(store.layout.trees, aside(store, layout));
    }
  }
  const used = mountAll(store, images, on);
  return {
    family,
    layouts: LAYOUTS.map((layout, index) => ({ layout, ...built[index], ...used[index] })),
  };
}

/** Where a layout's trees are while another one has its turn. */
function aside(store: Store, layout: TreeLayout): string {
  return `${store.layout.trees}-${layout}`;
}

/** Mounts every image in every layout, in turn; walks every tenth. */
function mountAll(
  store: Store,
  images: readonly ImageRecord[],
  on: string,
): Pick<LayoutCost, "images" | "mount" | "walk">[] {
  const target = `${on}/mounted`;
  Deno.mkdirSync(target, { recursive: true });
  const used = LAYOUTS.map(() => ({ images: 0, mount: [] as number[], walk: [] as number[] }));
  for (const [number, image] of images.entries()) {
    for (const [index, layout] of LAYOUTS.entries()) {
      Deno.renameSync(aside(store, layout), store.layout.trees);
      const stack = store.chains.stack(image, layout);
      const cost = used[index];
      cost.images = stack.length;
      // Once before: what the search for the stack left to do must not count.
      open(stack, store.layout.objects)[Symbol.dispose]();
      const start = performance.now();
      using mounted = open(stack, store.layout.objects);
      mounted.attach(target);
      cost.mount.push(performance.now() - start);
      if (number % 10 === 0) {
        const begin = performance.now();
        run("find", [target, "-size", "+1024G"]);
        cost.walk.push(performance.now() - begin);
      }
      mounts.unmount(target);
      Deno.renameSync(store.layout.trees, aside(store, layout));
    }
  }
  return used;
}

function open(stack: readonly TreeImage[], objects: string) {
  using images = new DisposableStack();
  const lower = stack.map(({ path }) => images.use(mounts.erofs(path)).fd).reverse();
  const options = { metacopy: "on", redirect_dir: "on" };
  return mounts.overlay({ lower, data: [objects], options, readOnly: true });
}

/** From how many images on a layout costs less than squashed, by sums that start with the first image; undefined if never. */
function breakEven(own: readonly number[], squashed: readonly number[]): number | undefined {
  const index = own.findIndex((value, at) => value < squashed[at]);
  return index < 0 ? undefined : index + 1;
}

/** Running sums. */
function sums(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((value) => sum += value);
}

const HEADS = [
  "layout",
  "images mounted",
  "metadata MiB",
  "first built, ms",
  "each further, ms",
  "all built, s",
  "mounted, ms",
  "walked, ms",
  "fewer bytes from",
  "less building from",
];

/** The table of a family. */
function layoutTable({ family, layouts }: FamilyCost): string {
  const squashed = layouts[0];
  const shown = (even: number | undefined) => even === undefined ? "never" : String(even);
  const rows = layouts.map((cost) => {
    const even = cost === squashed ? ["", ""] : [
      shown(breakEven(cost.bytes, squashed.bytes)),
      shown(breakEven(sums(cost.build), sums(squashed.build))),
    ];
    return [
      cost.layout,
      String(cost.images),
      (cost.bytes.at(-1)! / 2 ** 20).toFixed(1),
      cost.build[0].toFixed(0),
      median(cost.build.slice(1)).toFixed(1),
      (cost.build.reduce((a, b) => a + b) / 1000).toFixed(1),
      median(cost.mount).toFixed(2),
      median(cost.walk).toFixed(0),
      ...even,
    ];
  });
  return [
    `### ${family.name}: ${family.images} images, ${family.own} entries of its own each`,
    "",
    ...table(HEADS, rows),
    "",
  ].join("\n");
}

/** Measures all families on a fresh filesystem, prints their tables, and draws the first one's bytes. */
export async function benchLayouts(): Promise<void> {
  await using fs = await LoopFs.make("ext4", 8 * 1024);
  for (const [index, family] of FAMILIES.entries()) {
    const cost = measureFamily(fs.path, family);
    console.log(layoutTable(cost));
    if (index > 0) continue;
    const series = cost.layouts.map(({ layout, bytes }) => ({
      name: layout,
      values: bytes.map((value) => value / 2 ** 20),
    }));
    const title = "Metadata of images on one base";
    const shown = `${family.base} entries, and ${family.own} of each image's own.`;
    Deno.writeTextFileSync(
      new URL("plots/layouts.svg", import.meta.url),
      linesFigure(title, shown, "images", "MiB", series),
    );
  }
}
