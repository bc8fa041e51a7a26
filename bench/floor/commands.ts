/**
 * The floors: programs in C that do the same system calls as a contestant, and nothing else.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { dirname, fromFileUrl } from "@std/path";
import { Store } from "../../src/store/mod.ts";
import type { Ground } from "../ground.ts";
import { writePlan } from "../plan.ts";
import { run } from "../tool.ts";

/**
 * Compiles `NAME.c` of this directory. Returns the program's path.
 *
 * @param into The directory that gets the program.
 * @param flags Libraries, and what else the compiler is to know.
 */
export function compileFloor(name: string, into: string, ...flags: readonly string[]): string {
  const program = `${into}/${name}`;
  run("cc", ["-O2", "-o", program, fromFileUrl(new URL(`${name}.c`, import.meta.url)), ...flags]);
  return program;
}

/** A command that makes a directory at a path that does not exist, and prints its milliseconds and system calls. Needs cc. */
export type ComposeFloor = (strategy: string, target: string, threads: number) => string[];

/**
 * Prepares {@link ComposeFloor} for an image in a store. A plan that an earlier run wrote is used again.
 *
 * @param root The store.
 */
export function composeFloor(root: string, image: string): ComposeFloor {
  const program = compileFloor("compose_floor", dirname(root), "-pthread");
  const plan = `${root}.plan`;
  if (!existsSync(plan)) writePlan(root, image, plan);
  const { objects } = Store.open(root).layout;
  return (strategy, target, threads) => [program, strategy, plan, objects, target, `${threads}`];
}

/**
 * A command that mounts at a path that does not exist, with `TARGET.work` for what is written, and prints its milliseconds. Needs cc.
 *
 * @param strategy `overlay` or `composefs`.
 */
export type MountFloor = (strategy: string, access: string, target: string) => string[];

/** Prepares {@link MountFloor} for the image of a ground. */
export function mountFloor(ground: Ground): MountFloor {
  const program = compileFloor("mount_floor", ground.path);
  const store = Store.open(ground.store);
  const { layers, tree } = store.images.find(ground.subject.image);
  const parts: Readonly<Record<string, string[]>> = {
    overlay: layers.map(({ diffId }) => store.layers.directory(diffId)).reverse(),
    composefs: [store.layout.tree(tree.digest), store.layout.objects],
  };
  return (strategy, access, target) =>
    [program, strategy, access, `${target}.work`, target].concat(parts[strategy]);
}

/** Unmounts what {@link MountFloor} mounted, and removes what it made. */
export function unmountFloor(target: string): void {
  run("umount", [target]);
  run("rm", ["-rf", target, `${target}.work`]);
}
