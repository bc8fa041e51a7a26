/**
 * The commands that change a store, with what they start from.
 *
 * @module
 */

import { Store } from "../../src/store/mod.ts";
import { BINARY } from "../e2e/program.ts";
import { done, type Ground } from "./ground.ts";

/** A command, ready to be run. */
export interface Prepared {
  readonly store: string;
  /** The whole command line. */
  readonly words: readonly string[];
  /** Where compositions may be. */
  readonly targets: readonly string[];
}

/** A command that changes a store. */
export interface Scenario {
  readonly name: string;
  /** Makes what it starts from. */
  readonly prepare: (ground: Ground) => Promise<Prepared>;
  /** It makes a composition. */
  readonly composes?: boolean;
  /** Exit codes of the same command when it is given again, after it was stopped somewhere; by default 0 alone. */
  readonly again?: readonly number[];
}

/** The id or target is not there any more: the command had come to its end. */
const NOT_FOUND = 3;

/** Strategies with how they are asked for what they can give. */
const STRATEGIES: Readonly<Record<string, readonly string[]>> = {
  overlay: [],
  composefs: [],
  copy: [],
  hardlink: ["--access", "ro"],
};

/** The beginning of every command line for a store. */
export function lamina({ store }: { readonly store: string }): string[] {
  return [BINARY, "--root", store];
}

async function stored(ground: Ground, ...args: readonly string[]): Promise<Prepared> {
  const store = await ground.store("stored");
  const target = `${store}-root`;
  const words = args.map((arg) => arg === "TARGET" ? target : arg);
  return { store, words: [...lamina({ store }), ...words], targets: [target] };
}

function compositions(): Scenario[] {
  return Object.entries(STRATEGIES).flatMap(([strategy, how]) => {
    const compose = ["compose", "kept", "TARGET", "--strategy", strategy, ...how];
    return [
      {
        name: `compose ${strategy}`,
        composes: true,
        prepare: (ground) => stored(ground, ...compose),
      },
      {
        name: `release ${strategy}`,
        again: [0, NOT_FOUND],
        prepare: (ground) => released(ground, compose),
      },
    ] satisfies Scenario[];
  });
}

async function released(ground: Ground, compose: readonly string[]): Promise<Prepared> {
  const made = await stored(ground, ...compose);
  await done(made.words);
  return { ...made, words: [...lamina(made), "release", ...made.targets] };
}

/** Changes a content in place, takes a file away, and cuts the tree of an image short. */
function damage(store: Store): void {
  const [image] = store.images.list();
  const files = `${store.layers.directory(image.layers[0].diffId)}/files`;
  const content = Deno.openSync(`${files}/a`, { write: true });
  content.writeSync(new Uint8Array([0]));
  content.close();
  Deno.removeSync(`${files}/c`);
  Deno.truncateSync(store.layout.tree(image.tree.digest), 4096);
}

/** All of them. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "pull into an empty store",
    async prepare(ground) {
      const store = await ground.store("empty");
      const words = ["pull", ground.source("other"), "--name", "other"];
      return { store, words: [...lamina({ store }), ...words], targets: [] };
    },
  },
  {
    name: "pull beside an image that shares a layer",
    prepare: (ground) => stored(ground, "pull", ground.source("next"), "--name", "next"),
  },
  {
    name: "pull of a name that moves",
    prepare: (ground) => stored(ground, "pull", ground.source("last"), "--name", "kept"),
  },
  ...compositions(),
  { name: "tag", prepare: (ground) => stored(ground, "tag", "kept", "more") },
  {
    name: "lease add",
    prepare: (ground) => stored(ground, "lease", "add", "kept", "--for", "1h"),
  },
  {
    name: "rm",
    again: [0, NOT_FOUND],
    prepare: (ground) => stored(ground, "rm", "kept"),
  },
  {
    name: "fsck --repair",
    async prepare(ground) {
      const made = await stored(ground, "fsck", "--repair");
      damage(Store.open(made.store));
      return made;
    },
  },
  {
    name: "gc",
    async prepare(ground) {
      const made = await stored(ground, "gc");
      await done([...lamina(made), "pull", ground.source("other"), "--name", "other"]);
      await done([...lamina(made), "rm", "other"]);
      return made;
    },
  },
];
