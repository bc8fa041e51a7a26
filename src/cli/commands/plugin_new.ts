/**
 * `lamina plugin new`.
 *
 * @module
 */

import { resolve } from "@std/path";
import { LaminaError } from "../../error.ts";
import { BUILT_IN } from "../../strategy/loader.ts";
import { isPluginName } from "../../strategy/loading/shape.ts";
import { pluginTemplate } from "../../strategy/template.ts";
import { distrust } from "../../strategy/trust.ts";
import { usageError } from "../parse.ts";
import { defineCommand } from "../spec.ts";
import { realPath } from "../streams.ts";
import { printable } from "../terminal/printable.ts";

export default defineCommand({
  description:
    "Makes a folder NAME with a strategy in TypeScript that works as it is, the contract's types beside it for the editor, " +
    "a README and a test. Nothing has to be installed to load it.",
  arguments: [{ name: "NAME", summary: "what the strategy is to be chosen by" }],
  flags: [{
    name: "dir",
    value: "DIR",
    default: ".",
    complete: "directory",
    summary: "an existing directory to make the folder in (default: the working directory)",
  }],
  examples: [
    { command: "lamina plugin new quick", says: "the folder quick" },
    {
      command: "lamina plugin new quick --dir /etc/lamina/plugins.d",
      says: "where every lamina of this host finds it",
    },
  ],
}, (_context, { args: { name }, flags }) => {
  if (!isPluginName(name)) {
    throw usageError("lamina plugin new", `${name} is no name for a plugin`, NAMES);
  }
  if (BUILT_IN.includes(name)) {
    throw usageError("lamina plugin new", `${name} is the name of a built-in strategy`);
  }
  const parent = realPath(resolve(flags.dir), "making a plugin in");
  const folder = `${parent}/${name}`;
  const files = pluginTemplate(name);
  write(parent, folder, files);
  const reason = Deno.uid() === 0 ? distrust(`${folder}/main.ts`) : undefined;
  return {
    document: { name, folder, files: files.map((file) => file.name), trusted: reason ?? true },
    text: () =>
      `${printable(folder)}: ${files.map((file) => file.name).join(", ")}\n` +
      `Try it: lamina --plugin ${printable(folder)} probe\n` +
      (reason === undefined
        ? ""
        : `Root will not load it from there: ${printable(reason)}. Move it.\n`),
    brief: [folder],
  };
});

const NAMES = "a name is 1 to 32 lower-case letters, digits and -, and not `auto`";

/** All at once, by a rename: there is never half a folder, and never one that was there before. */
function write(
  parent: string,
  folder: string,
  files: readonly { readonly name: string; readonly text: string; readonly mode: number }[],
): void {
  let draft: string | undefined;
  try {
    if (isThere(folder)) {
      throw new LaminaError("exists", `making plugin ${folder}: it is there already`, {
        hint: "Take another name, or another directory with --dir.",
      });
    }
    draft = Deno.makeTempDirSync({ dir: parent, prefix: ".lamina-plugin-new-" });
    Deno.chmodSync(draft, 0o755);
    for (const { name, text, mode } of files) {
      Deno.writeTextFileSync(`${draft}/${name}`, text);
      Deno.chmodSync(`${draft}/${name}`, mode);
    }
    Deno.renameSync(draft, folder);
  } catch (cause) {
    if (draft !== undefined) Deno.removeSync(draft, { recursive: true });
    if (cause instanceof LaminaError) throw cause;
    throw new LaminaError("failed", `making plugin ${folder}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
