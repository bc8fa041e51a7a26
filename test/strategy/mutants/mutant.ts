/**
 * Deliberately broken strategies: each is a correct one with one fault put in.
 *
 * @module
 */

import type { LoadedPlugin } from "../../../src/strategy/loader.ts";
import type { Host, Job, Strategy } from "../../../src/strategy/plugin.ts";

/** What differs from the correct strategy. */
export type Fault = (strategy: Strategy, host: Host) => Partial<Strategy>;

/** One broken strategy, and what the suite has to say about it. */
export interface Mutant {
  /** The fault, in words; unique. */
  readonly fault: string;
  /** The strategy that it is put into; default: `copy`. */
  readonly into?: "copy" | "hardlink" | "overlay";
  readonly mutate: Fault;
  /** What the id of the case that has to fail holds: only such cases are run. `loading`: the plugin does not get as far as that. */
  readonly caughtBy: string;
  /** What that case has to find: that it fails for another reason is not enough. */
  readonly finds: RegExp;
  /** Whether it damages the store: then it gets one of its own. */
  readonly damages?: true;
  /** How long to wait for what never ends, in milliseconds. Only for what can be caught by nothing else. */
  readonly patience?: number;
  /** Clears up what the fault did outside of the suite's own directories. */
  readonly after?: () => void;
}

/** The broken strategy. Threads would load the correct one, so it is for small images. */
export function broken(original: LoadedPlugin, mutate: Fault): LoadedPlugin {
  const plugin: LoadedPlugin["plugin"] = {
    ...original.plugin,
    create(host) {
      const strategy = original.plugin.create(host);
      return Object.assign(Object.create(strategy), mutate(strategy, host));
    },
  };
  return { ...original, plugin };
}

/** A fault that does something to the tree, once it is there. */
export function spoils(spoil: (target: string, job: Job) => void): Fault {
  return (strategy) => ({
    async compose(job) {
      const made = await strategy.compose(job);
      spoil(job.target, job);
      return made;
    },
  });
}

/** An entry of a composed tree. */
export interface Entry {
  readonly path: string;
  readonly info: Deno.FileInfo;
}

/** All entries below a directory whose names are UTF-8, directories after what is in them. */
export function* entries(directory: string): Generator<Entry> {
  for (const { name } of [...Deno.readDirSync(directory)]) {
    const path = `${directory}/${name}`;
    let info: Deno.FileInfo;
    try {
      info = Deno.lstatSync(path);
    } catch {
      continue;
    }
    if (info.isDirectory) yield* entries(path);
    yield { path, info };
  }
}

/** A fault that does something to every entry of the tree that is chosen. */
export function spoilsEach(
  chosen: (entry: Entry) => boolean,
  spoil: (entry: Entry) => void,
): Fault {
  return spoils((target) => {
    for (const entry of entries(target)) if (chosen(entry)) spoil(entry);
  });
}
