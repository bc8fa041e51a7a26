/**
 * Help texts, from the table of commands and their specs.
 *
 * @module
 */

import { VERSION } from "../version.ts";
import { GLOBAL_FLAGS } from "./globals.ts";
import type { ArgumentSpec, CommandSpec, FlagSpec } from "./spec.ts";
import { type Entry, SECTIONS } from "./table.ts";
import type { Screen } from "./terminal/screen.ts";
import { width, wrap } from "./terminal/text.ts";

/** The overview: every command, the global flags, exit codes. */
export function overview(screen: Screen): string {
  const page = new Page(screen);
  page.line(`lamina ${VERSION}: stores OCI layers once, composes root filesystems out of them`);
  page.gap();
  page.usage("lamina [options] COMMAND …");
  for (const section of SECTIONS) {
    page.list(section.title, section.entries.map((entry) => [entry.name, entry.summary]));
  }
  page.list("options", flagRows(GLOBAL_FLAGS));
  page.list("exit codes", [
    ["0", "done"],
    ["1", "failed"],
    ["2", "wrong usage"],
    ["3", "not found"],
    ["4", "not supported on this host"],
  ]);
  page.gap();
  page.line("`lamina COMMAND --help` says more about one of them.");
  return page.text;
}

/** The help of a group of commands. */
export function groupHelp(entry: Entry, title: string, screen: Screen): string {
  const page = new Page(screen);
  page.line(`${title}: ${entry.summary}`);
  page.gap();
  page.usage(`${title} COMMAND …`);
  page.list("commands", entry.group!.map((e) => [e.name, e.summary]));
  return page.text;
}

/** The help of one command. */
export function commandHelp(
  spec: CommandSpec,
  title: string,
  summary: string,
  screen: Screen,
): string {
  const page = new Page(screen);
  page.line(`${title}: ${summary}`);
  page.gap();
  page.usage(usage(spec, title));
  if (spec.description !== undefined) {
    page.gap();
    page.paragraph(spec.description);
  }
  page.list("arguments", spec.arguments.map((a) => [a.name, withChoices(a)]));
  page.list("options", flagRows(spec.flags));
  page.list("global options", flagRows(GLOBAL_FLAGS));
  page.examples(spec.examples);
  return page.text;
}

/** The usage line. */
export function usage(spec: CommandSpec, title: string): string {
  const words = spec.arguments.map((argument) => {
    const word = argument.name + (argument.repeat ? "…" : "");
    return argument.optional ? `[${word}]` : word;
  });
  return [title, ...(spec.flags.length > 0 ? ["[options]"] : []), ...words].join(" ");
}

function flagRows(flags: readonly FlagSpec[]): [string, string][] {
  return flags.map((flag) => {
    const short = flag.short === undefined ? "" : `-${flag.short}, `;
    const value = flag.value === undefined ? "" : ` ${flag.value}`;
    return [`${short}--${flag.name}${value}`, withChoices(flag)];
  });
}

function withChoices(spec: FlagSpec | ArgumentSpec): string {
  const choices = spec.choices === undefined ? "" : `: ${spec.choices.join(", ")}`;
  const fallback = "default" in spec && spec.default !== undefined
    ? ` (default: ${spec.default})`
    : "";
  return spec.summary + choices + fallback;
}

/** A text that grows by parts, wrapped to the screen. */
class Page {
  text = "";
  readonly #columns: number;

  constructor(private readonly screen: Screen) {
    this.#columns = Math.min(screen.columns, 100);
  }

  gap(): void {
    this.text += "\n";
  }

  line(line: string): void {
    this.text += `${line}\n`;
  }

  usage(line: string): void {
    this.line(`${this.screen.paint("bold", "usage:")} ${line}`);
  }

  paragraph(text: string): void {
    for (const line of wrap(text, this.#columns)) this.line(line);
  }

  list(title: string, rows: readonly (readonly [string, string])[]): void {
    if (rows.length === 0) return;
    this.gap();
    this.line(this.screen.paint("bold", `${title}:`));
    const indent = Math.max(...rows.map(([name]) => width(name))) + 4;
    for (const [name, summary] of rows) {
      const lines = wrap(summary, Math.max(20, this.#columns - indent));
      this.line(`  ${name}${" ".repeat(indent - 2 - width(name))}${lines[0]}`);
      for (const line of lines.slice(1)) this.line(" ".repeat(indent) + line);
    }
  }

  examples(examples: CommandSpec["examples"]): void {
    if (examples.length === 0) return;
    this.gap();
    this.line(this.screen.paint("bold", "examples:"));
    for (const { command, says } of examples) {
      this.line(`  ${this.screen.paint("dim", `# ${says}`)}`);
      this.line(`  ${command}`);
    }
  }
}
