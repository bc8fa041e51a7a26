/**
 * `lamina compose`.
 *
 * @module
 */

import { compose } from "../../strategy/compose.ts";
import { COMPOSE_FLAGS, composeOptions } from "../compose_flags.ts";
import { PULL_FLAGS, PULL_HELP, readyImage } from "../pulling.ts";
import { defineCommand } from "../spec.ts";
import type { Task } from "../terminal/progress.ts";
import { printable } from "../terminal/printable.ts";
import { count, duration } from "../terminal/units.ts";
import { parseIdMap } from "../values.ts";

export default defineCommand({
  description:
    "TARGET is made, or is an empty directory. With the strategy `auto`, every strategy is tried on the " +
    "filesystems of the store and the target, and the one with the least expected time is taken among those that " +
    "work and give what is asked for.\n" + PULL_HELP,
  arguments: [
    {
      name: "IMAGE",
      complete: "image",
      summary: "a name, a digest or the beginning of one, or a reference to pull",
    },
    { name: "TARGET", complete: "directory", summary: "where the root filesystem is to be" },
  ],
  flags: [
    ...PULL_FLAGS,
    ...COMPOSE_FLAGS,
    {
      name: "idmap",
      value: "MAP",
      summary:
        "show owners as others: INSIDE:OUTSIDE:COUNT[,…], or the user namespace of a process (/proc/PID/ns/user)",
    },
    { name: "explain", summary: "print why the strategy was chosen, and why not the others" },
  ],
  examples: [
    { command: "lamina compose debian:12 /srv/vm1", says: "by the fastest strategy" },
    {
      command: "lamina compose app /srv/vm1 --pull newer",
      says: "of what its source has now, if that can be reached",
    },
    {
      command: "lamina compose debian:12 /srv/vm1 --explain",
      says: "and say how it was chosen",
    },
    {
      command: "lamina compose app /srv/vm2 --upper tmpfs:512m",
      says: "with writes in memory",
    },
    {
      command: "lamina compose app /srv/vm3 --strategy hardlink --writable var --writable tmp",
      says: "sharing all but two directories with the store",
    },
  ],
}, async (context, { args, flags }) => {
  using ready = await readyImage(context, args.image, flags);
  const { store, image, pulled } = ready;
  using progress = await context.progress();
  let bar: Task | undefined;
  const result = await compose(store, image, args.target, {
    plugins: await context.plugins(),
    imageName: args.image,
    ...composeOptions(flags, "lamina compose"),
    idmap: flags.idmap === undefined ? undefined : parseIdMap(flags.idmap, "lamina compose"),
    explain: flags.explain,
    signal: context.signal,
    onProgress: (done, total) => {
      bar ??= progress.task("composing", total, "entries");
      bar.update(done);
    },
  });
  const { id, target, strategy, why, milliseconds, estimateMs, access, notes, rows } = result;
  const explained = flags.explain ? await import("../terminal/explanation.ts") : undefined;
  const made = { id, target, strategy, why, milliseconds, estimateMs, result: result.result };
  return {
    document: {
      ...made,
      access,
      notes,
      image: image.digest,
      pulled: pulled !== undefined,
      ...(flags.explain ? { rows } : {}),
    },
    text: (screen) =>
      (explained === undefined ? "" : `${explained.explanation(rows, screen)}\n`) +
      `${screen.paint("dim", id)}  ${printable(target)}: a ${result.result} by ` +
      `${screen.paint("bold", strategy)} in ${duration(milliseconds)} (${why})\n` +
      left(notes),
    brief: [id],
  };
});

/** What the composition could not be given, without root's rights. */
function left(notes: Readonly<Record<string, string | number>>): string {
  const skipped = [
    ["skippedOwners", "owners"],
    ["skippedDevices", "devices"],
    ["skippedXattrs", "extended attributes"],
    ["skippedModes", "setuid and setgid bits"],
  ].flatMap(([note, what]) =>
    Number(notes[note] ?? 0) > 0 ? [`${count(Number(notes[note]))} ${what}`] : []
  );
  return skipped.length === 0 ? "" : `left out, for want of root's rights: ${skipped.join(", ")}\n`;
}
