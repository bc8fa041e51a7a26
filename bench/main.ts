/**
 * `deno task bench`: ratios to other tools and to plain system calls, in one run, on fresh filesystems.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { fromFileUrl } from "@std/path";
import { available, LOOP_KINDS, LoopFs, type LoopKind } from "../test/support/loopfs.ts";
import { benchBuild } from "./build.ts";
import { KINDS } from "./choice/filesystem.ts";
import { benchChoice } from "./choice/main.ts";
import { benchDirectory, benchMounts, prepare } from "./compose.ts";
import { benchGc } from "./gc.ts";
import { agentImages } from "./images.ts";
import { benchLayouts } from "./layouts.ts";
import { benchPull } from "./pull.ts";
import { benchRebuild } from "./rebuild.ts";
import { markdown, type Section } from "./report.ts";
import { measureStorage, type StorageCosts, storageTable } from "./storage.ts";
import { version } from "./tool.ts";

const USAGE =
  `usage: deno task bench [--what storage,pull,hardlink,reflink,copy,mounts,layouts,rebuild,build,gc,choice] [--fs ext4,xfs,btrfs] [--image NAME] [--rounds N] [--json FILE]
       deno task bench --what choice [--fs ext4,xfs,btrfs,tmpfs] [--quick] [--on DIR] [--times FILE] [--json FILE]

Needs root. The images are made once in .cache/ (or named by $LAMINA_BENCH_IMAGES, an OCI layout).
choice: --on DIR composes in DIR/ext4, DIR/xfs … and keeps what it brings there; --times FILE judges the times of an earlier run's JSON.`;

const args = parseArgs(Deno.args, {
  string: ["what", "fs", "image", "rounds", "json", "on", "times"],
  boolean: ["help", "quick"],
  default: {
    what: "storage,pull,hardlink,reflink,copy,mounts",
    image: "claude-code",
    rounds: "5",
  },
});
if (args.help) {
  console.log(USAGE);
  Deno.exit(0);
}
const what = new Set(String(args.what).split(","));
const image = String(args.image);
const rounds = Number(args.rounds);
const kinds = String(args.fs ?? LOOP_KINDS.join(",")).split(",") as LoopKind[];
const lamina = fromFileUrl(new URL("../dist/lamina", import.meta.url));

if (what.delete("layouts")) await benchLayouts();
if (what.delete("rebuild")) benchRebuild(rounds);
if (what.delete("build")) await benchBuild(lamina, rounds);
if (what.delete("gc")) {
  for (const kind of kinds) await benchGc(lamina, kind, rounds);
}
if (what.delete("choice")) {
  const report = await benchChoice(lamina, {
    kinds: args.fs === undefined ? KINDS : kinds,
    quick: args.quick === true,
    agents: agentImages,
    on: args.on as string | undefined,
    times: args.times as string | undefined,
  });
  if (args.json) Deno.writeTextFileSync(String(args.json), JSON.stringify(report) + "\n");
}
if (what.size === 0) Deno.exit(0);
const layout = agentImages();

console.log(
  `lamina: ${version(lamina)}; ${version("umoci")}; ${version("skopeo")}; ${version("podman")}; ${
    version("cp")
  }`,
);
console.log(
  `Linux ${Deno.osRelease()}, ${navigator.hardwareConcurrency} processors, ${rounds} rounds\n`,
);

const storage = what.delete("storage");
const results: Record<string, (StorageCosts | Section)[]> = {};
for (const kind of kinds) {
  const why = available(kind);
  if (why !== undefined) {
    console.log(`## ${kind}: skipped: ${why}\n`);
    continue;
  }
  console.log(`## ${kind}\n`);
  const sections: (StorageCosts | Section)[] = results[kind] = [];
  if (storage) {
    const costs = await measureStorage(lamina, layout, kind, rounds);
    sections.push(costs);
    console.log(storageTable(costs));
  }
  if (what.size === 0) continue;
  await using fs = await LoopFs.make(kind, 24 * 1024);
  const show = (section: Section) => {
    sections.push(section);
    console.log(markdown(section));
  };
  if (what.has("pull")) show(await benchPull(lamina, layout, image, fs.path, rounds));
  const prepared = prepare(lamina, layout, image, fs.path);
  for (const strategy of ["hardlink", "reflink", "copy"] as const) {
    if (!what.has(strategy)) continue;
    if (strategy === "reflink" && kind === "ext4") console.log("### reflink: ext4 has none\n");
    else show(await benchDirectory(lamina, strategy, image, fs.path, prepared, rounds));
  }
  if (what.has("mounts")) {
    show(await benchMounts(lamina, layout, image, fs.path, prepared, rounds));
  }
}
if (args.json) Deno.writeTextFileSync(String(args.json), JSON.stringify(results, null, 2) + "\n");
