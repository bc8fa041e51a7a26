/**
 * What strategies keep of trees between compositions, see {@link plugin!Host.keep}.
 *
 * It lies in the store's cache, `cache/trees/<digest of the tree>/<strategy>.<form>/`, and goes with the tree.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { FileLock } from "../linux/mod.ts";
import type { Store } from "../store/mod.ts";
import type { Kept, Traits } from "./plugin.ts";

/** What is kept, of which tree, by whom. */
export interface Keepsake {
  /** Digest of the tree. */
  readonly tree: string;
  /** Name of the strategy's plugin. */
  readonly plugin: string;
  /** See {@link plugin!Traits.keeps}. */
  readonly form: string;
}

/** Longest time between two looks at what another process is making, in milliseconds. */
const PATIENCE = 200;

function pathOf(store: Store, { tree, plugin, form }: Keepsake): string {
  return `${store.layout.keptOf(tree)}/${plugin}.${form}`;
}

/** Whether a strategy with these traits finds what it keeps of a tree; also where it keeps nothing. */
export function isKept(store: Store, tree: string, plugin: string, { keeps }: Traits): boolean {
  return keeps === undefined || isThere(pathOf(store, { tree, plugin, form: keeps }));
}

/**
 * The directory that is kept; made, durably and at once, if it is not there. Hold the store's shared lock.
 *
 * @param make Fills an empty directory.
 * @throws {LaminaError} `failed` for a form without a proper name; what `make` throws; the signal's reason.
 */
export async function keep(
  store: Store,
  keepsake: Keepsake,
  make: (directory: string) => void | Promise<void>,
  signal?: AbortSignal,
): Promise<Kept> {
  const { tree, plugin, form } = keepsake;
  if (!/^[a-z0-9-]{1,32}$/.test(form)) {
    throw new LaminaError("failed", `strategy ${plugin} keeps "${form}", which is no name for it`, {
      hint: "Tell the author of the plugin: 1 to 32 lower-case letters, digits, -.",
    });
  }
  const path = pathOf(store, keepsake);
  if (isThere(path)) return { path, made: false };
  const lockFile = store.layout.keptLock(tree, `${plugin}.${form}`);
  using _lock = await wait(lockFile, signal);
  // Another process may have made it between the look and the lock.
  const made = !isThere(path);
  if (made) await makeNew(store, path, make, signal);
  // Nobody needs it any more; who waits for it finds out that it is gone, and locks another one.
  Deno.removeSync(lockFile);
  return { path, made };
}

async function makeNew(
  store: Store,
  path: string,
  make: (directory: string) => void | Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  using staging = store.staging();
  await make(staging.path);
  signal?.throwIfAborted();
  // The content before the name. The name itself may be lost: then it is made again.
  store.sync();
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
  staging.moveTo(path);
}

/** Timers and signals run meanwhile: another composition of this very process may hold the lock. */
async function wait(path: string, signal: AbortSignal | undefined): Promise<FileLock> {
  for (let pause = 5;; pause = Math.min(PATIENCE, pause * 2)) {
    signal?.throwIfAborted();
    const lock = FileLock.tryExclusive(path);
    if (lock !== undefined) return lock;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
