/**
 * A strategy that composes until somebody lets it end: what happens meanwhile is no matter of time.
 *
 * @module
 */

import { COST, DIRECTORY } from "../strategy/in_memory.ts";

/** The plugin. Composing at TARGET, it makes TARGET/begun and waits for TARGET.open, or for its signal. */
export const GATED = `import { existsSync, rmSync } from "node:fs";

export default {
  apiVersion: 1,
  name: "gated",
  summary: "waits",
  create: (host) => ({
    traits: ${JSON.stringify(DIRECTORY)},
    probe: () => ({ works: true, cost: ${JSON.stringify({ ...COST, fixedMs: 1e6 })} }),
    async compose({ target, signal }) {
      host.fs.write(target + "/begun", new Uint8Array(1));
      while (!existsSync(target + ".open")) {
        signal?.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      rmSync(target + ".open");
      return {};
    },
    release: ({ target }) => host.removeContents(target),
  }),
};
`;

/** Waits until a composition at a target has begun. */
export async function begun(target: string): Promise<void> {
  await until(() => isThere(`${target}/begun`));
}

/** Lets a composition at a target end. */
export function open(target: string): void {
  Deno.writeTextFileSync(`${target}.open`, "");
}

/** Waits until something holds. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!await holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Whether there is something at a path. */
export function isThere(path: string): boolean {
  try {
    return Deno.lstatSync(path) !== undefined;
  } catch {
    return false;
  }
}
