/**
 * `lamina help`.
 *
 * @module
 */

import { commandHelp, groupHelp, overview } from "../help.ts";
import { resolveCommand } from "../resolve.ts";
import { defineCommand } from "../spec.ts";
import { type Entry, SECTIONS } from "../table.ts";

export default defineCommand({
  arguments: [{ name: "COMMAND", optional: true, repeat: true, summary: "a command's name" }],
  flags: [],
  examples: [
    { command: "lamina help", says: "all commands" },
    { command: "lamina help composefs build", says: "one of them" },
  ],
}, async (_context, { args }) => {
  if (args.command.length === 0) {
    return {
      document: SECTIONS.map(({ title, entries }) => ({ title, commands: entries.map(listed) })),
      text: overview,
    };
  }
  const { entry, title } = resolveCommand(args.command);
  if (entry.load === undefined) {
    return { document: listed(entry), text: (screen) => groupHelp(entry, title, screen) };
  }
  const { spec } = (await entry.load()).default;
  return {
    document: { name: title, summary: entry.summary, ...spec },
    text: (screen) => commandHelp(spec, title, entry.summary, screen),
  };
});

function listed(entry: Entry): unknown {
  return {
    name: entry.name,
    summary: entry.summary,
    ...(entry.group === undefined ? {} : { commands: entry.group.map(listed) }),
  };
}
