/**
 * Where commands are tortured: images, a store that has one of them, copies of that store, and what each copy must be like in the end.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { collect } from "../../src/store/gc/collect.ts";
import { checkStore } from "../../src/store/fsck/check.ts";
import { Store } from "../../src/store/mod.ts";
import { BINARY } from "../e2e/program.ts";
import { checkImages, checkWhole } from "../store/whole.ts";
import { writeOciLayout } from "../support/images.ts";
import { directory, file, hardlink, makeTar, symlink, whiteout } from "../support/tar.ts";

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A few files whose contents are their letters, so that images share what letters they share. */
function files(letters: string, mtime: number) {
  return Array.from(letters, (letter) => file(`files/${letter}`, letter.repeat(9000), { mtime }));
}

const BASE = makeTar([
  directory("files", { mode: 0o755 }),
  ...files("abcdef", 1),
  hardlink("files/again", "files/a"),
  symlink("files/link", "a"),
  directory("private", { mode: 0o700, uid: 1000, gid: 1000 }),
  file("private/key", "key".repeat(3000), { mode: 0o600, uid: 1000, gid: 1000 }),
]);

/** `kept` shares its base with `next`, and contents with the two others. */
const IMAGES = [
  { name: "kept", layers: [BASE, makeTar([...files("ghi", 1), whiteout("files/b")])] },
  { name: "next", layers: [BASE, makeTar([...files("ghijk", 2), whiteout("files/c")])] },
  { name: "other", layers: [makeTar(files("almno", 3)), makeTar(files("gpq", 3))] },
  { name: "last", layers: [makeTar(files("mnors", 4))] },
];

/** The images' names. */
export const NAMES: readonly string[] = IMAGES.map(({ name }) => name);

/** A directory with the images in an OCI layout. */
export class Ground {
  readonly path: string;
  #copies = 0;

  private constructor(path: string) {
    this.path = path;
  }

  /** Writes the images, and pulls `kept`. */
  static async make(path: string): Promise<Ground> {
    await writeOciLayout(`${path}/layout`, IMAGES);
    const ground = new Ground(path);
    await ground.#whole(`${path}/stored`, "pull", ground.source("kept"), "--name", "kept");
    return ground;
  }

  /** What an image is pulled from. */
  source(name: string): string {
    return `oci:${this.path}/layout:${name}`;
  }

  /** A copy of the store that has `kept`, or a place where no store is. */
  async store(from: "stored" | "empty"): Promise<string> {
    const store = `${this.path}/store-${this.#copies++}`;
    if (from === "stored") await done(["cp", "-a", `${this.path}/stored`, store]);
    return store;
  }

  async #whole(store: string, ...args: string[]): Promise<void> {
    await done([BINARY, "--root", store, ...args]);
  }
}

/** Runs a command to its end. */
export async function ended(words: readonly string[]): Promise<Ended> {
  const { code, signal, stdout, stderr } = await new Deno.Command(words[0], {
    args: words.slice(1),
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, signal, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Runs a command that must succeed. */
export async function done(words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await ended(words);
  assertEquals(code, 0, `${words.join(" ")}: ${stderr}`);
  return stdout;
}

/** The mounts below a directory, as this process sees them. */
export function mountsBelow(path: string): string[] {
  return Deno.readTextFileSync("/proc/self/mountinfo").split("\n").filter((line) =>
    line.split(" ")[4]?.startsWith(`${path}/`)
  );
}

/**
 * Checks that nothing is lost in a store, then that nothing is left in it when all is released and collected.
 *
 * @param path The store.
 * @param targets Where compositions were made; nothing may be left of them.
 */
export async function settle(path: string, targets: readonly string[]): Promise<void> {
  const store = Store.open(path);
  checkImages(store);
  for await (const finding of checkStore(store)) {
    assert(finding.severity !== "damage", `${finding.id}: ${finding.message}`);
  }
  await done([BINARY, "--root", path, "release", "--all"]);
  for (const target of targets) {
    assertEquals(mountsBelow(target), []);
    assert(!exists(target), `${target} is still there`);
  }
  await done([BINARY, "--root", path, "gc"]);
  assertEquals(mountsBelow(path), []);
  assertEquals([...Deno.readDirSync(store.layout.compositions)].map(({ name }) => name), []);
  assertEquals([...Deno.readDirSync(store.layout.run)].map(({ name }) => name), []);
  checkWhole(store);
}

/** Removes every image of a store, and checks that nothing stays. */
export async function empty(path: string): Promise<void> {
  const store = Store.open(path);
  for (const { id } of store.leases.list()) store.leases.remove(id);
  await collect(store, { all: true });
  checkWhole(store);
  assertEquals([store.images.list(), store.layers.list()], [[], []]);
}

/** Whether something is there. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
