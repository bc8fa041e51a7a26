/**
 * Power that goes off: a filesystem's disk, as it is in the middle of commands, is mounted again.
 *
 * @module
 */

import { assert } from "@std/assert";
import { Store } from "../../src/store/mod.ts";
import { BINARY } from "../e2e/program.ts";
import { LoopFs, type LoopKind } from "../support/loopfs.ts";
import { done, empty, type Ground, NAMES, settle } from "./ground.ts";

/** A disk as it was. */
interface Cut {
  readonly disk: string;
  /** Names of images whose pull had been acknowledged by then, and that nobody had begun to remove. */
  readonly stored: ReadonlySet<string>;
}

/**
 * Pulls, removes and collects, and takes the disk away again and again meanwhile. On each of these disks, everything acknowledged must be
 * there, the store whole, and the next pull must succeed.
 *
 * @param wait Milliseconds between two cuts.
 * @returns How often the power went off.
 */
export async function cutPower(
  ground: Ground,
  kind: LoopKind,
  wait: number,
  rounds = 1,
): Promise<number> {
  // Cloning a file of XFS gives the disk as it is at one moment: what was written, and nothing that waits in memory.
  await using shelf = await LoopFs.make("xfs", 16 * 1024);
  const disk = `${shelf.path}/disk`;
  const mounted = `${shelf.path}/mounted`;
  await Deno.mkdir(mounted);
  await Deno.create(disk).then((file) => file.close());
  await Deno.truncate(disk, 400 << 20);
  await done([`mkfs.${kind}`, ...kind === "ext4" ? ["-q", "-F"] : ["-q", "-f"], disk]);
  await done(["mount", "-o", "loop", disk, mounted]);
  const cuts: Cut[] = [];
  try {
    const stored = new Set<string>();
    const working = work(ground, `${mounted}/store`, stored, rounds);
    let ends = false;
    working.finally(() => ends = true).catch(() => {});
    while (!ends) {
      const cut = { disk: `${disk}-${cuts.length}`, stored: new Set(stored) };
      await done(["cp", "--reflink=always", disk, cut.disk]);
      cuts.push(cut);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
    await working;
  } finally {
    await done(["umount", mounted]);
  }
  for (const cut of cuts) {
    await done(["mount", "-o", kind === "xfs" ? "loop,nouuid" : "loop", cut.disk, mounted]);
    try {
      await checkCut(ground, `${mounted}/store`, cut);
    } catch (cause) {
      throw new Error(`${cut.disk} of ${cuts.length}`, { cause });
    } finally {
      await done(["umount", mounted]);
    }
    await Deno.remove(cut.disk);
  }
  return cuts.length;
}

async function work(
  ground: Ground,
  store: string,
  stored: Set<string>,
  rounds: number,
): Promise<void> {
  const lamina = (...args: string[]) => done([BINARY, "--root", store, ...args]);
  for (let round = 0; round < rounds; round++) {
    for (const name of NAMES) {
      await lamina("pull", ground.source(name), "--name", name);
      stored.add(name);
    }
    for (const name of NAMES.slice(round % 2, 3)) {
      stored.delete(name);
      await lamina("rm", name);
      await lamina("gc");
    }
  }
}

async function checkCut(ground: Ground, path: string, { stored }: Cut): Promise<void> {
  const name = NAMES[0];
  await done([BINARY, "--root", path, "pull", ground.source(name), "--name", name]);
  const { names } = Store.open(path);
  for (const name of stored) {
    assert(names.get(name) !== undefined, `${name} was pulled, and is lost`);
  }
  await settle(path, []);
  await empty(path);
}
