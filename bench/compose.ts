/**
 * Composing: each strategy, start to end and inside, against the same system calls in C, and against the tools that do the like.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { Store } from "../src/store/mod.ts";
import { type Case, interleave, type Timing } from "./interleave.ts";
import { planOf } from "./plan.ts";
import type { Section } from "./report.ts";
import { has, run } from "./tool.ts";

/** The file systems' trees that the measurements work on, made before. */
export interface Prepared {
  /** A store that has the image. */
  readonly store: string;
  /** The image flattened, for tools that copy directories. */
  readonly flat: string;
}

/** Pulls the image and flattens it, both on the directory's filesystem. */
export function prepare(lamina: string, layout: string, image: string, on: string): Prepared {
  const [store, flat] = [`${on}/compose-store`, `${on}/flat`];
  run(lamina, ["--root", store, "--quiet", "pull", `oci:${layout}:${image}`, "--name", image]);
  run("umoci", ["raw", "unpack", "--image", `${layout}:${image}`, flat]);
  run("sync", []);
  return { store, flat };
}

/** Compiles the floor. */
function floor(on: string): string | undefined {
  if (!has("cc")) return undefined;
  const program = `${on}/compose_floor`;
  run("cc", ["-O2", "-o", program, fromFileUrl(new URL("floor/compose_floor.c", import.meta.url))]);
  return program;
}

/** The peer that does what a strategy does. */
const PEERS: Record<string, readonly string[]> = {
  hardlink: ["cp", "-al"],
  reflink: ["cp", "-a", "--reflink=always"],
  copy: ["cp", "-a", "--reflink=never"],
};

/** Measures a strategy that builds a directory. */
export async function benchDirectory(
  lamina: string,
  strategy: "hardlink" | "reflink" | "copy",
  image: string,
  on: string,
  { store, flat }: Prepared,
  rounds: number,
): Promise<Section> {
  const notes: string[] = [];
  const target = (who: string) => (round: number) => `${on}/${strategy}-${who}-${round}`;
  const inside: number[] = [];
  const cases: Case[] = [{
    name: `lamina compose --strategy ${strategy}`,
    prepare: target("lamina"),
    run: (path, round) => {
      const args = [
        "--root",
        store,
        "--json",
        "compose",
        image,
        `${path}`,
        "--strategy",
        strategy,
        "--isolation",
        "shared",
      ];
      const { milliseconds } = JSON.parse(run(lamina, args));
      if (round >= 0) inside.push(milliseconds);
    },
  }, {
    name: PEERS[strategy].join(" "),
    prepare: target("peer"),
    run: (path) => void run(PEERS[strategy][0], [...PEERS[strategy].slice(1), flat, `${path}`]),
  }];
  const program = floor(on);
  if (program !== undefined) {
    const opened = Store.open(store);
    const record = opened.images.find(image);
    const { root } = opened.trees.merge(record);
    const plan = `${on}/plan`;
    Deno.writeFileSync(
      plan,
      planOf(root, record.layers.map(({ diffId }) => opened.layers.directory(diffId))),
    );
    cases.push({
      name: "C loop, one thread",
      prepare: target("floor"),
      run: (path) =>
        Number(run(program, [strategy, plan, opened.layout.objects, `${path}`]).split(" ")[0]),
    });
  } else notes.push("cc: not installed, so no floor");
  const timings = await interleave(cases, rounds);
  timings.splice(1, 0, { name: "the same, inside (without process start)", milliseconds: inside });
  return {
    title: `${strategy}: ${image}`,
    timings,
    base: program === undefined ? timings[0].name : "C loop, one thread",
    notes,
  };
}

/** Measures the strategies that mount, against podman's mount of the same image and composefs' own mount of the same tree. */
export async function benchMounts(
  lamina: string,
  layout: string,
  image: string,
  on: string,
  { store }: Prepared,
  rounds: number,
): Promise<Section> {
  const notes: string[] = [];
  const inside: Timing[] = [];
  const ours = (strategy: string, access: string): Case => {
    const timing = {
      name: `lamina, ${strategy} ${access}, inside (no process start)`,
      milliseconds: [] as number[],
    };
    inside.push(timing);
    return {
      name: `lamina compose --strategy ${strategy} --access ${access}`,
      prepare: (round) => `${on}/${strategy}-${access}-${round}`,
      run: (path, round) => {
        const args = ["--root", store, "--json", "compose", image, `${path}`];
        const answer = run(lamina, [...args, "--strategy", strategy, "--access", access]);
        if (round >= 0) timing.milliseconds.push(JSON.parse(answer).milliseconds);
      },
      settle: (path) => void run(lamina, ["--root", store, "release", `${path}`]),
    };
  };
  const cases = [ours("overlay", "rw"), ours("composefs", "rw"), ours("composefs", "ro")];
  if (has("mount.composefs")) {
    const opened = Store.open(store);
    const tree = opened.layout.tree(opened.images.find(image).tree.digest);
    cases.push({
      name: "mount.composefs, read-only",
      prepare: (round) => {
        Deno.mkdirSync(`${on}/peer-${round}`);
        return `${on}/peer-${round}`;
      },
      run: (path) => {
        run("mount.composefs", ["-o", `basedir=${opened.layout.objects}`, tree, `${path}`]);
      },
      settle: (path) => void run("umount", [`${path}`]),
    });
  } else notes.push("mount.composefs: not installed");
  if (has("podman") && has("skopeo")) {
    const root = [
      `--root=${on}/podman/root`,
      `--runroot=${on}/podman/run`,
      "--storage-driver=overlay",
    ];
    const storage = `containers-storage:[overlay@${on}/podman/root+${on}/podman/run]`;
    const name = `localhost/bench:${image}`;
    run("skopeo", ["--insecure-policy", "copy", `oci:${layout}:${image}`, storage + name]);
    cases.push({
      name: "podman image mount",
      run: () => void run("podman", [...root, "image", "mount", name]),
      settle: () => void run("podman", [...root, "image", "unmount", "--all"]),
    });
  } else notes.push("podman or skopeo: not installed");
  const timings = [...await interleave(cases, rounds), ...inside];
  return { title: `mounts: ${image}`, timings, base: timings[0].name, notes };
}
