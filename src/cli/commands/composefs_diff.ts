/**
 * `lamina composefs diff`.
 *
 * @module
 */

import {
  compareTrees,
  escapeBytes,
  type FieldChange,
  readErofs,
  type TreeChange,
} from "../../tree/mod.ts";
import { LaminaError } from "../../error.ts";
import { defineCommand } from "../spec.ts";
import { readTreeImage } from "../trees.ts";

const COLOURS = { A: "green", D: "red", C: "yellow" } as const;

export default defineCommand({
  description:
    "A line for each entry, as podman diff has them: `A` only B has it, `D` only A has it, `C` both have it, with what is " +
    "different behind a tab. Contents are compared by their digests. The exit code is 0 where there is no difference and 1 " +
    "where there is one.",
  arguments: [
    { name: "A", complete: "image", summary: "an image of the store, or a file" },
    { name: "B", complete: "image", summary: "another one" },
  ],
  flags: [],
  examples: [
    { command: "lamina composefs diff app:1 app:2", says: "what a new version changes" },
    {
      command: "lamina composefs diff app:1 ./app.erofs --quiet",
      says: "only the paths, for scripts",
    },
  ],
}, async (context, { args }) => {
  if (args.a === "-" && args.b === "-") {
    throw new LaminaError("usage", "lamina composefs diff: only one of A and B can be stdin", {
      hint: "Write one of the images to a file.",
    });
  }
  const [from, to] = [await readTreeImage(context, args.a), await readTreeImage(context, args.b)];
  const changes = [...compareTrees(readErofs(from), readErofs(to))];
  const paths = changes.map(({ path }) => escapeBytes(path, true));
  return {
    document: {
      from: args.a,
      to: args.b,
      changes: changes.map((change, at) => ({ ...change, path: paths[at] })),
    },
    text: (screen) =>
      changes.map(({ kind, fields }, at) =>
        `${screen.paint(COLOURS[kind], kind)} ${paths[at]}${details({ fields })}\n`
      ).join(""),
    brief: paths,
    code: changes.length === 0 ? 0 : 1,
  };
});

function details({ fields }: Pick<TreeChange, "fields">): string {
  return fields.length === 0 ? "" : `\t${fields.map(detail).join(", ")}`;
}

function detail({ field, from, to }: FieldChange): string {
  return `${field} ${from ?? "(none)"} -> ${to ?? "(none)"}`;
}
