/**
 * Composing: each strategy, start to end and inside, against the same system calls in C, and against the tools that do the like.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { Store } from "../src/store/mod.ts";
import { type Case, interleave } from "./interleave.ts";
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

/** Measures overlay against podman's mount of the same image. */
export async function benchOverlay(
  lamina: string,
  layout: string,
  image: string,
  on: string,
  { store }: Prepared,
  rounds: number,
): Promise<Section> {
  const notes: string[] = [];
  const inside: number[] = [];
  const cases: Case[] = [{
    name: "lamina compose --strategy overlay",
    prepare: (round) => `${on}/overlay-${round}`,
    run: (path, round) => {
      const { milliseconds } = JSON.parse(
        run(lamina, [
          "--root",
          store,
          "--json",
          "compose",
          image,
          `${path}`,
          "--strategy",
          "overlay",
        ]),
      );
      if (round >= 0) inside.push(milliseconds);
    },
    settle: (path) => void run(lamina, ["--root", store, "release", `${path}`]),
  }];
  if (has("podman") && has("skopeo")) {
    const root = [
      `--root=${on}/podman/root`,
      `--runroot=${on}/podman/run`,
      "--storage-driver=overlay",
    ];
    run("skopeo", [
      "--insecure-policy",
      "copy",
      `oci:${layout}:${image}`,
      `containers-storage:[overlay@${on}/podman/root+${on}/podman/run]localhost/bench:${image}`,
    ]);
    cases.push({
      name: "podman image mount",
      run: () => void run("podman", [...root, "image", "mount", `localhost/bench:${image}`]),
      settle: () => void run("podman", [...root, "image", "unmount", "--all"]),
    });
  } else notes.push("podman or skopeo: not installed");
  const timings = await interleave(cases, rounds);
  timings.splice(1, 0, { name: "the same, inside (without process start)", milliseconds: inside });
  return { title: `overlay: ${image}`, timings, base: timings[0].name, notes };
}
