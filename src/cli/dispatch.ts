/**
 * Finds the command, runs it, prints its answer or its error.
 *
 * @module
 */

import { VERSION } from "../version.ts";
import type { Context } from "./context.ts";
import type { Globals } from "./globals.ts";
import { Interrupts } from "./interrupts.ts";
import { parseCommand, parseHead, usageError } from "./parse.ts";
import { resolveCommand } from "./resolve.ts";
import { exitCode, printFailure } from "./terminal/failure.ts";
import { type Answer, printAnswer, writeText } from "./terminal/output.ts";
import { screenOf } from "./terminal/screen.ts";
import { SILENT } from "./terminal/silent.ts";

/** See the module. The result is the exit code. */
export async function dispatch(argv: readonly string[]): Promise<number> {
  const interrupts = new Interrupts();
  // Until the line is understood, errors are printed as its raw words ask for.
  let globals: Pick<Globals, "json" | "verbose"> = {
    json: argv.includes("--json"),
    verbose: false,
  };
  try {
    const head = parseHead(argv);
    globals = { ...head.globals, json: globals.json };
    return await perform(head.globals, head.rest, interrupts, (all) => globals = all);
  } catch (error) {
    if (interrupts.exitCode !== undefined) {
      const interrupted = new Error(
        `interrupted by ${interrupts.name}; what was half done is undone`,
      );
      printFailure(interrupted, { json: globals.json, verbose: false }, screenOf("stderr"));
      return interrupts.exitCode;
    }
    printFailure(error, globals, screenOf("stderr"));
    return exitCode(error);
  }
}

async function perform(
  before: Globals,
  words: readonly string[],
  interrupts: Interrupts,
  learn: (globals: Globals) => void,
): Promise<number> {
  if (before.version) return print(version(), before);
  if (words.length === 0) {
    const { overview } = await import("./help.ts");
    if (before.help) {
      writeText("stdout", overview(screenOf("stdout")));
      return 0;
    }
    if (before.json) throw usageError("lamina", "no command was given");
    writeText("stderr", overview(screenOf("stderr")));
    return 2;
  }
  const { entry, title, rest } = resolveCommand(words);
  if (entry.load === undefined) {
    const { groupHelp } = await import("./help.ts");
    const { globals } = parseCommand(
      { arguments: [], flags: [], examples: [] },
      rest,
      before,
      title,
    );
    learn(globals);
    if (globals.help) {
      writeText("stdout", groupHelp(entry, title, screenOf("stdout")));
      return 0;
    }
    throw usageError(title, `which one? ${entry.group!.map((e) => e.name).join(", ")}`);
  }
  const { default: command } = await entry.load();
  const { globals, input } = parseCommand(command.spec, rest, before, title);
  learn(globals);
  if (globals.version) return print(version(), globals);
  if (globals.help) {
    const { commandHelp } = await import("./help.ts");
    writeText("stdout", commandHelp(command.spec, title, entry.summary, screenOf("stdout")));
    return 0;
  }
  return print(await command.run(makeContext(globals, interrupts), input), globals);
}

function print(answer: Answer, globals: Globals): number {
  printAnswer(answer, globals, screenOf("stdout"));
  for (const error of globals.json ? [] : answer.errors ?? []) {
    printFailure(error, globals, screenOf("stderr"));
  }
  return answer.code ?? 0;
}

function version(): Answer {
  return {
    document: { version: VERSION },
    text: () => `lamina ${VERSION}\n`,
    brief: [VERSION],
  };
}

function makeContext(globals: Globals, interrupts: Interrupts): Context {
  const note = (line: string) => {
    if (globals.verbose) writeText("stderr", `lamina: ${line}\n`);
  };
  const findPlugins = async () => {
    const { loadPlugins } = await import("../strategy/loader.ts");
    const search = await import("../strategy/loading/search.ts");
    const found = search.findPlugins({ files: globals.plugin });
    if (found.length > 0) {
      const { catchStray } = await import("../strategy/loading/stray.ts");
      catchStray(found, (path, { message }) => {
        writeText("stderr", `lamina: plugin ${path}: an error that nobody waits for: ${message}\n`);
      });
    }
    return await loadPlugins({ found });
  };
  return {
    globals,
    screen: screenOf("stdout"),
    get signal() {
      return interrupts.signal;
    },
    async storeRoot() {
      const { Store } = await import("../store/mod.ts");
      return globals.root ?? Store.defaultRoot();
    },
    async store(options) {
      const { Store } = await import("../store/mod.ts");
      return await Store.open(globals.root ?? Store.defaultRoot(), options);
    },
    findPlugins,
    async plugins() {
      const { loaded, failed } = await findPlugins();
      for (const { origin, error } of failed) {
        // One that was named on this line is wanted now; others may be broken without harm to this command.
        if (origin === "--plugin") throw error;
        writeText("stderr", `lamina: not loaded: ${error.message}\n`);
      }
      for (const { source, warning } of loaded) {
        if (warning !== undefined) note(`plugin ${source.file}: ${warning}`);
      }
      return loaded;
    },
    async progress() {
      const screen = screenOf("stderr");
      if (!screen.terminal || globals.quiet) return SILENT;
      const { showProgress } = await import("./terminal/progress.ts");
      return showProgress(screen);
    },
    note,
  };
}
