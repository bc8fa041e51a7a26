/**
 * Power that goes off: a filesystem's disk, as it is in the middle of commands, is mounted again.
 *
 * @module
 */

import { assert } from "@std/assert";
import { Store } from "../../src/store/mod.ts";
import { findUnrecorded } from "../../src/strategy/lifecycle.ts";
import { BINARY } from "../e2e/program.ts";
import { LoopFs, type LoopKind } from "../support/loopfs.ts";
import { done, empty, exists, type Ground, NAMES, settle } from "./ground.ts";

/** What was acknowledged by then, and nobody had begun to undo. */
interface Promised {
  /** Names of images that were pulled. */
  readonly stored: Set<string>;
  /** A composition that is a directory. */
  directory: boolean;
  /** A file that was written into one that is a mount, and made durable. */
  written: boolean;
}

/** A disk as it was. */
interface Cut {
  readonly disk: string;
  readonly promised: Promised;
}

/**
 * Pulls, composes, removes and collects, and takes the disk away again and again meanwhile. On each of these disks, everything acknowledged must be
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
    const promised: Promised = { stored: new Set(), directory: false, written: false };
    const working = work(ground, `${mounted}/store`, promised, rounds);
    let ends = false;
    working.finally(() => ends = true).catch(() => {});
    while (!ends) {
      const now = { ...promised, stored: new Set(promised.stored) };
      const cut = { disk: `${disk}-${cuts.length}`, promised: now };
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
      await checkCut(ground, `${mounted}/store`, cut.promised);
    } catch (cause) {
      throw new Error(`${cut.disk} of ${cuts.length}`, { cause });
    } finally {
      await done(["umount", mounted]);
    }
    await Deno.remove(cut.disk);
  }
  return cuts.length;
}

/** Where compositions are made, beside the store. */
const targets = (store: string) => ({ directory: `${store}-directory`, mount: `${store}-mount` });

async function work(
  ground: Ground,
  store: string,
  promised: Promised,
  rounds: number,
): Promise<void> {
  const lamina = (...args: string[]) => done([BINARY, "--root", store, ...args]);
  const { directory, mount } = targets(store);
  for (let round = 0; round < rounds; round++) {
    for (const name of NAMES) {
      await lamina("pull", ground.source(name), "--name", name);
      promised.stored.add(name);
    }
    const image = NAMES[3];
    await lamina("compose", image, directory, "--strategy", "copy");
    promised.directory = true;
    await lamina("compose", image, mount, "--strategy", "overlay");
    {
      using file = Deno.openSync(`${mount}/written`, { write: true, create: true });
      file.writeSync(new Uint8Array([1]));
      file.syncSync();
    }
    promised.written = true;
    for (const name of NAMES.slice(round % 2, 3)) {
      promised.stored.delete(name);
      await lamina("rm", name);
      await lamina("gc");
    }
    promised.written = promised.directory = false;
    await lamina("release", "--all");
  }
}

async function checkCut(ground: Ground, path: string, promised: Promised): Promise<void> {
  const name = NAMES[0];
  await done([BINARY, "--root", path, "pull", ground.source(name), "--name", name]);
  const store = Store.open(path);
  for (const name of promised.stored) {
    assert(store.names.get(name) !== undefined, `${name} was pulled, and is lost`);
  }
  const { directory } = targets(path);
  if (promised.directory) {
    const found = store.compositions.list().some(({ target }) => target === directory);
    assert(found, `${directory} was composed, and is on no record`);
  }
  if (promised.written) {
    const workspaces = [...Deno.readDirSync(store.layout.compositions)];
    const found = workspaces.some(({ name }) =>
      exists(`${store.compositions.workspace(name)}/upper/written`)
    );
    assert(found, "what was written into a mount is lost");
  }
  // Where the record went, its user has to say that what was written may go too.
  for (const id of findUnrecorded(store)) {
    await Deno.remove(store.compositions.workspace(id), { recursive: true });
  }
  await settle(path, []);
  // The directory itself may be older than its record.
  assert(!exists(directory) || [...Deno.readDirSync(directory)].length === 0, directory);
  await empty(path);
}
