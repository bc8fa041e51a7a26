/**
 * A process that composes or releases, and dies at a given point: run by killed_test.ts.
 *
 * Arguments: the store, the image's digest, the target, the point.
 *
 * @module
 */

import { Store } from "../../src/store/mod.ts";
import { compose } from "../../src/strategy/compose.ts";
import type { LoadedPlugin } from "../../src/strategy/loader.ts";
import { release } from "../../src/strategy/release.ts";
import { COST, DIRECTORY, inMemory } from "./in_memory.ts";

/** Where a process can be made to die. */
export const POINTS = [
  "probe",
  "compose",
  "place 1",
  "place 7",
  "composed",
  "release",
  "released",
] as const;

/** The strategy `copy`, in this process, with something that happens at the points. */
export function killable(at: (point: string) => void): LoadedPlugin {
  return inMemory("killable", (host) => {
    let count = 0;
    return {
      traits: { ...DIRECTORY, upper: true },
      probe({ target }) {
        host.fs.write(`${target}/scratch`, new Uint8Array(1));
        at("probe");
        return { works: true, cost: COST };
      },
      place(file) {
        at(`place ${++count}`);
        file.copy();
      },
      async compose(job) {
        at("compose");
        host.fs.write(`${job.workspace}/left`, new Uint8Array(1));
        const made = await host.materialize(job);
        at("composed");
        return made;
      },
      release({ target }) {
        at("release");
        host.removeContents(target);
        at("released");
      },
    };
  });
}

if (import.meta.main) {
  const [root, digest, target, point, upper] = Deno.args;
  const store = Store.open(root);
  const plugins = [killable((here) => {
    if (here === point) Deno.kill(Deno.pid, "SIGKILL");
  })];
  const options = upper === undefined ? {} : { upper: { kind: "directory", path: upper } as const };
  await compose(store, store.images.find(digest), target, { plugins, ...options });
  await release(store, target, { plugins });
}
