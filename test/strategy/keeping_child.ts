/**
 * A process that composes by a strategy that keeps something of the tree, and dies at a given point: run by btrfs_snapshot_test.ts.
 *
 * Arguments: the store, the image's digest, the target, the strategy, the point.
 *
 * @module
 */

import { Store } from "../../src/store/mod.ts";
import { compose } from "../../src/strategy/compose.ts";
import { type LoadedPlugin, loadPlugins } from "../../src/strategy/loader.ts";
import type { Host, Strategy } from "../../src/strategy/plugin.ts";

/** Where it can be made to die: while the tree is built, when it is, when it is kept, and between the target and its successor. */
export const POINTS = ["place 7", "made", "kept", "rmdir"] as const;

function killable(loaded: LoadedPlugin, at: (point: string) => void): LoadedPlugin {
  const create = (host: Host): Strategy => {
    let placed = 0;
    const strategy = loaded.plugin.create({
      ...host,
      async keep(job, make) {
        const kept = await host.keep(job, async (directory) => {
          await make(directory);
          at("made");
        });
        at("kept");
        return kept;
      },
      fs: {
        ...host.fs,
        rmdir(path) {
          host.fs.rmdir(path);
          at("rmdir");
        },
      },
    });
    return {
      ...strategy,
      place(file) {
        at(`place ${++placed}`);
        strategy.place!(file);
      },
    };
  };
  return { ...loaded, plugin: { ...loaded.plugin, create } };
}

if (import.meta.main) {
  const [root, digest, target, strategy, point] = Deno.args;
  const store = Store.open(root);
  const { loaded } = await loadPlugins();
  const plugins = loaded.filter(({ name }) => name === strategy).map((plugin) =>
    killable(plugin, (here) => {
      if (here === point) Deno.kill(Deno.pid, "SIGKILL");
    })
  );
  await compose(store, store.images.find(digest), target, { plugins, strategy });
}
