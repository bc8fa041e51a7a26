/**
 * `lamina release`.
 *
 * @module
 */

import { release, releaseAll, type ReleaseResult } from "../../strategy/release.ts";
import { usageError } from "../parse.ts";
import { defineCommand } from "../spec.ts";
import { exitCode, failureDocument } from "../terminal/failure.ts";
import { printable } from "../terminal/printable.ts";
import { plural, size } from "../terminal/units.ts";

export default defineCommand({
  description:
    "Unmounts or deletes what was composed, with all that was written there, and forgets it. " +
    "The target directory goes too if lamina made it. The image stays in the store. Files that were shared with the store (hardlink) and " +
    "written to are named: lamina fsck --repair restores them.",
  arguments: [{
    name: "TARGET",
    repeat: true,
    optional: true,
    complete: "composition",
    summary: "a target, an id, or the beginning of an id",
  }],
  flags: [{ name: "all", summary: "all compositions of the store" }],
  examples: [
    { command: "lamina release /srv/vm1", says: "by target" },
    { command: "lamina release --all", says: "all there are" },
  ],
}, async (context, { args, flags }) => {
  if (flags.all === args.target.length > 0) {
    throw usageError("lamina release", "name targets or ids, or say --all");
  }
  const store = await context.store();
  const plugins = await context.plugins();
  const released: ReleaseResult[] = [];
  const failed: { readonly composition: string; readonly error: unknown }[] = [];
  if (flags.all) {
    const all = await releaseAll(store, { plugins });
    released.push(...all.released);
    failed.push(...all.failed.map(({ record, error }) => ({ composition: record.id, error })));
  }
  for (const composition of args.target) {
    try {
      released.push(await release(store, composition, { plugins }));
    } catch (error) {
      // Nothing but an error to tell: then it is the whole answer.
      if (args.target.length === 1) throw error;
      failed.push({ composition, error });
    }
  }
  return {
    document: {
      released,
      failed: failed.map(({ composition, error }) => ({
        composition,
        ...failureDocument(error),
      })),
    },
    text: () => released.length + failed.length === 0 ? "nothing to release\n" : text(released),
    brief: released.map(({ id }) => id),
    errors: failed.map(({ error }) => error),
    code: failed.length > 0 ? exitCode(failed[0].error) : 0,
  };
});

function text(released: readonly ReleaseResult[]): string {
  return released.map(({ target, strategy, entries, bytes, targetRemoved, changed }) =>
    `${printable(target)} (${strategy || "unfinished"}): freed ${
      plural(entries, "entry", "entries")
    }, ${size(bytes)}${targetRemoved ? "" : "; the directory itself stays"}\n` +
    changed.map((path) => `  ${printable(path)} was the store's own file and was written to\n`)
      .join("") +
    (changed.length > 0 ? "  the store is damaged: lamina fsck --repair\n" : "")
  ).join("");
}
