/**
 * `lamina plugin list`.
 *
 * @module
 */

import type { FailedPlugin, LoadedPlugin } from "../../strategy/loader.ts";
import { Distrusted } from "../../strategy/trust.ts";
import { defineCommand } from "../spec.ts";
import { table } from "../terminal/table.ts";

/** What stands in a line. */
interface Line {
  readonly name: string;
  readonly version: string | null;
  readonly summary: string | null;
  /** Its file or folder; null for a built-in one. */
  readonly file: string | null;
  /** Who named it. */
  readonly origin: string;
  /** `refused`: root may not load it. `unchecked`: who is not root may load anything. Null: it did not come to that. */
  readonly trust: "built-in" | "checked" | "unchecked" | "refused" | null;
  readonly loaded: boolean;
  readonly warning?: string;
  readonly error?: string;
  readonly hint?: string;
}

export default defineCommand({
  description:
    "Lists the built-in strategies and what is found, in this order, by --plugin, in $LAMINA_PLUGINS, in " +
    "$XDG_CONFIG_HOME/lamina/plugins and in /etc/lamina/plugins.d, with the reason where one cannot be loaded. " +
    "Which of them work at a place is for `lamina probe`.",
  arguments: [],
  flags: [],
  examples: [
    { command: "lamina plugin list", says: "what can be asked for by --strategy" },
    { command: "lamina plugin list --json", says: "with summaries, origins and hints" },
  ],
}, async (context) => {
  const { loaded, failed } = await context.findPlugins();
  const lines = [...loaded.map(describeLoaded), ...failed.map(describeFailed)];
  return {
    document: { plugins: lines },
    text: (screen) =>
      table(
        [
          { title: "NAME", style: () => "bold" },
          { title: "VERSION" },
          { title: "TRUST", style: (row) => row[2] === "refused" ? "red" : undefined },
          { title: "FILE", shrinks: true },
          { title: "VERDICT", style: (row) => row[4] === "loaded" ? "green" : "yellow" },
        ],
        lines.map((line) => [
          line.name,
          line.version ?? "-",
          line.trust ?? "-",
          line.file ?? "-",
          line.error ?? (line.warning === undefined ? "loaded" : `loaded, but ${line.warning}`),
        ]),
        screen,
      ),
    brief: loaded.map(({ name }) => name),
  };
});

function describeLoaded({ name, version, summary, source, origin, warning }: LoadedPlugin): Line {
  const outside = Deno.uid() === 0 ? "checked" : "unchecked";
  return {
    name,
    version,
    summary,
    file: source.file ?? null,
    origin: origin ?? "built-in",
    trust: source.file === undefined ? "built-in" : outside,
    loaded: true,
    ...(warning === undefined ? {} : { warning }),
  };
}

function describeFailed({ name, file, origin, error }: FailedPlugin): Line {
  return {
    name,
    version: null,
    summary: null,
    file: file ?? null,
    origin: origin ?? "built-in",
    trust: error.cause instanceof Distrusted ? "refused" : null,
    loaded: false,
    // Which plugin it is about stands beside it.
    error: error.message.replace(/^loading plugin .*?: /, ""),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  };
}
