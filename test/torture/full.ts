/**
 * A disk with some room, but not enough.
 *
 * @module
 */

import { assert, assertMatch } from "@std/assert";
import { BINARY } from "../e2e/program.ts";
import { LoopFs } from "../support/loopfs.ts";
import { done, empty, ended, type Ground, settle } from "./ground.ts";

/**
 * Pulls, composes and removes on disks with ever more room; checks that whatever fails says why, that the store is whole, and that all
 * goes well when there is room.
 *
 * @param rooms Bytes that are left.
 * @returns How often a command failed for want of room.
 */
export async function fillDisk(
  ground: Ground,
  rooms: readonly number[],
  onFailure: (point: string) => void = () => {},
): Promise<number> {
  let failures = 0;
  for (const room of rooms) {
    await using disk = await LoopFs.make("ext4", 32, { mkfs: ["-m", "0"] });
    const store = `${disk.path}/store`;
    const lamina = [BINARY, "--root", store];
    await done(["cp", "-a", `${ground.path}/stored`, store]);
    await using filler = await Filler.leave(disk.path, room);
    const target = `${disk.path}/root`;
    const commands = [
      ["pull", ground.source("other"), "--name", "other"],
      ["compose", "kept", target, "--strategy", "copy"],
      ["lease", "add", "kept", "--for", "1s"],
      ["fsck"],
    ];
    for (const command of commands) {
      const { code, stderr, stdout } = await ended([...lamina, ...command]);
      if (code === 0) continue;
      assertMatch(stderr + stdout, /ENOSPC|No space left|os error 28/);
      failures++;
      onFailure(`${command[0]} with ${room} bytes of room`);
    }
    await done([...lamina, "release", "--all"]);
    await done([...lamina, "gc"]);
    await filler[Symbol.asyncDispose]();
    await done([...lamina, ...commands[0]]);
    await settle(store, [target]);
    await empty(store);
  }
  assert(failures > 0, "there was always room");
  return failures;
}

/** A file that takes almost all room. */
class Filler implements AsyncDisposable {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  static async leave(directory: string, room: number): Promise<Filler> {
    const filler = new Filler(`${directory}/filler`);
    // What waits to be written has no blocks yet.
    await done(["sync", "-f", directory]);
    const free = Number((await done(["stat", "-f", "-c", "%a", directory])).trim());
    const block = Number((await done(["stat", "-f", "-c", "%S", directory])).trim());
    await done(["fallocate", "-l", String(Math.max(block, free * block - room)), filler.#file]);
    return filler;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#file).catch(() => {});
  }
}
