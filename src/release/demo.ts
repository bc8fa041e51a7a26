/**
 * `deno task demo`: the main job on real input, timed. Images out of this host's own files are pulled, composed by every strategy that works
 * here, entered, released. What was made is removed again.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { explanation } from "../cli/terminal/explanation.ts";
import { printable } from "../cli/terminal/printable.ts";
import { screenOf } from "../cli/terminal/screen.ts";
import { table } from "../cli/terminal/table.ts";
import { count, duration, size } from "../cli/terminal/units.ts";
import { AT_FDCWD, removeTree } from "../linux/mod.ts";
import { pull, type PullResult } from "../oci/pull.ts";
import { Store } from "../store/mod.ts";
import { compose, type ComposeResult } from "../strategy/compose.ts";
import { type LoadedPlugin, loadPlugins } from "../strategy/loader.ts";
import { releaseAll } from "../strategy/release.ts";
import { VERSION } from "../version.ts";
import { diskUsage, enter, hostLine } from "./demo_host.ts";
import { type DemoImages, makeDemoImages } from "./demo_images.ts";

const screen = screenOf("stdout");

/** What all steps share. */
interface Demo {
  readonly directory: string;
  readonly store: Store;
  readonly plugins: readonly LoadedPlugin[];
  readonly signal: AbortSignal;
}

async function run(directory: string, signal: AbortSignal): Promise<void> {
  const begun = performance.now();
  console.log(`lamina ${VERSION} on ${hostLine(directory)}`);
  const images = await make(directory);
  const store = Store.open(`${directory}/store`, { create: true });
  const { loaded: plugins } = await loadPlugins();
  const demo: Demo = { directory, store, plugins, signal };
  try {
    const pulled = await pullAll(demo, images);
    compare(demo, pulled);
    const compositions = await composeAll(demo, pulled[0]);
    enterOne(compositions, images.command);
  } finally {
    await releaseEverything(demo);
  }
  console.log(`\nAll of it in ${duration(performance.now() - begun)}; nothing is left behind.`);
}

function step(title: string): void {
  console.log(`\n${screen.paint("bold", title)}`);
}

async function make(directory: string): Promise<DemoImages> {
  step("Images: three applications on one base, made of this host's own files");
  const start = performance.now();
  const images = await makeDemoImages(`${directory}/images`);
  const took = duration(performance.now() - start);
  console.log(
    `base of ${count(images.baseFiles)} files, ${size(images.baseBytes)}; written in ${took}`,
  );
  if (images.short !== undefined) console.log(`(${images.short})`);
  return images;
}

async function pullAll(demo: Demo, images: DemoImages): Promise<PullResult[]> {
  step("Pulled: every digest verified, every layer once, every content once");
  const results: PullResult[] = [];
  for (const { reference } of images.images) {
    results.push(await pull(demo.store, reference, { signal: demo.signal }));
  }
  const columns = [
    { title: "IMAGE" },
    { title: "LAYERS", right: true },
    { title: "NEW", right: true },
    { title: "STORED", right: true },
    { title: "SHARED", right: true },
    { title: "TIME", right: true },
    { title: "", shrinks: true },
  ];
  const rows = results.map((result, i) => [
    result.name ?? "",
    String(result.layers.length),
    String(result.layers.filter((layer) => layer.isNew).length),
    size(result.newBytes),
    size(result.sharedBytes),
    duration(result.seconds * 1000),
    images.images[i].summary,
  ]);
  Deno.stdout.writeSync(new TextEncoder().encode(table(columns, rows, screen)));
  return results;
}

/** Flattened copies beside the store. */
function compare(demo: Demo, pulled: readonly PullResult[]): void {
  const flattened = pulled.reduce((sum, { image }) => sum + image.tree.bytes, 0);
  const stored = diskUsage(demo.store.root);
  console.log(
    `\n${pulled.length} flattened copies would take ${screen.paint("bold", size(flattened))}; ` +
      `the store takes ${screen.paint("bold", size(stored))} on disk, all included: ` +
      `${(flattened / stored).toFixed(1)} times less`,
  );
}

/** By the automatic choice first, with its reasons; then by every strategy that works. */
async function composeAll(
  demo: Demo,
  { image, name }: PullResult,
): Promise<Map<string, ComposeResult>> {
  step(`Which strategy? Each is tried on these filesystems (lamina compose ${name} … --explain)`);
  const { store, plugins, signal, directory } = demo;
  const rootfs = (strategy: string) => `${directory}/${strategy}`;
  const options = { plugins, signal, imageName: name };
  const automatic = await compose(store, image, rootfs("auto"), { ...options, explain: true });
  console.log(explanation(automatic.rows, screen).trimEnd());
  step(
    `Composed: ${count(image.tree.files)} files in ${count(image.tree.directories)} directories, ${
      size(image.tree.bytes)
    }`,
  );
  const made = new Map([["auto", automatic]]);
  for (const row of automatic.rows.filter((row) => row.works)) {
    // What is not eligible for writing is composed for reading.
    const access = row.eligible ? "rw" : "ro";
    made.set(
      row.name,
      await compose(store, image, rootfs(row.name), { ...options, strategy: row.name, access }),
    );
  }
  const columns = [
    { title: "STRATEGY" },
    { title: "ACCESS" },
    { title: "TIME", right: true },
    { title: "" },
  ];
  const rows = [...made].map(([name, { strategy, access, milliseconds, result }]) => [
    name === "auto" ? `auto: ${strategy}` : name,
    access,
    duration(milliseconds),
    `a ${result}${name === automatic.strategy ? ", the automatic choice" : ""}`,
  ]);
  console.log(table(columns, rows, screen).trimEnd());
  return made;
}

function enterOne(made: ReadonlyMap<string, ComposeResult>, command: readonly string[]): void {
  step("Entered");
  const { target } = made.get("auto")!;
  const { line, output, error } = enter(target, command);
  console.log(`$ ${printable(line)}`);
  console.log(output ?? `(this host does not let it run: ${printable(error)})`);
}

async function releaseEverything({ store, plugins }: Demo): Promise<void> {
  step("Released");
  const start = performance.now();
  const { released, failed } = await releaseAll(store, { plugins });
  const took = duration(performance.now() - start);
  const bytes = released.reduce((sum, result) => sum + result.bytes, 0);
  console.log(`${released.length} compositions in ${took}; they had ${size(bytes)} of their own`);
  for (const { record, error } of failed) console.log(`${record.target}: ${error}`);
}

if (import.meta.main) {
  const abort = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => abort.abort(new Error(`interrupted by ${signal}`)));
  }
  const cache = fromFileUrl(new URL("../../.cache", import.meta.url));
  Deno.mkdirSync(cache, { recursive: true });
  // Not in /tmp: that may be memory.
  const directory = Deno.makeTempDirSync({ dir: cache, prefix: "demo-" });
  let code = 0;
  try {
    await run(directory, abort.signal);
  } catch (error) {
    console.error(`lamina: the demo failed: ${error instanceof Error ? error.message : error}`);
    code = 1;
  } finally {
    removeTree(AT_FDCWD, directory);
  }
  Deno.exit(code);
}
