/**
 * `lamina run`.
 *
 * @module
 */

import { inNewPidNamespace, privileges } from "../../linux/mod.ts";
import { HeldComposition } from "../../strategy/held.ts";
import { COMPOSE_FLAGS, composeOptions } from "../compose_flags.ts";
import type { Context } from "../context.ts";
import { configOf } from "../images.ts";
import { usageError } from "../parse.ts";
import { PULL_FLAGS, PULL_HELP, type PullFlags, readyImage } from "../pulling.ts";
import { notAllowed } from "../run/filesystems.ts";
import { processOf } from "../run/process.ts";
import { CommandSignals } from "../run/signals.ts";
import { ENTER, OWN_FAILURE, type RunSpec } from "../run/spec.ts";
import { selfCommand } from "../self.ts";
import { defineCommand } from "../spec.ts";

export default defineCommand({
  description:
    "Composes the image, runs the command with the composed root filesystem as its root, and releases it. Without COMMAND, what " +
    "the image's config says; its environment, working directory and user hold too. The command has its own files and processes, and " +
    "the host's network, users and limits. This is a convenience, not a container runtime, and " +
    "nothing to run with what you do not trust.\n" +
    "/proc, a minimal /dev, /sys (read-only) and the host's /etc/resolv.conf (read-only) are mounted in a mount namespace of " +
    "its own. The command is process 1 of a PID namespace: what it started and left running ends with it. Takes root's rights.\n" +
    "The exit code is the command's; 128+N if signal N ended it; 125 if lamina itself failed, 126 if the command cannot be executed, " +
    "127 if it is not there. Signals are passed on. What the command wrote is gone afterwards, but for --upper DIR.\n" +
    PULL_HELP,
  arguments: [
    {
      name: "IMAGE",
      complete: "image",
      summary: "a name, a digest or the beginning of one, or a reference to pull",
    },
    {
      name: "COMMAND",
      repeat: true,
      optional: true,
      verbatim: true,
      summary: "the command and its arguments, in place of the image's Cmd",
    },
  ],
  flags: [
    { name: "user", short: "u", value: "USER[:GROUP]", summary: "names or numbers of the image" },
    { name: "workdir", short: "w", value: "DIR", summary: "the working directory in the image" },
    {
      name: "env",
      short: "e",
      value: "NAME[=VALUE]",
      repeat: true,
      summary: "a variable of the environment; without VALUE as it is here",
    },
    {
      name: "entrypoint",
      value: "PROGRAM",
      summary: "in place of the image's Entrypoint and Cmd",
    },
    {
      name: "target",
      value: "DIR",
      complete: "directory",
      summary: "where to compose (default: a directory in the store)",
    },
    {
      name: "read-only",
      summary:
        "as --access ro; /run, /tmp and /var/tmp are in memory then, where the image has them",
    },
    ...PULL_FLAGS,
    ...COMPOSE_FLAGS,
  ],
  examples: [
    { command: "lamina run debian:12 cat /etc/os-release", says: "one command" },
    {
      command: "lamina run -u nobody -w /tmp debian:12 -- sh -c 'id; pwd'",
      says: "as another user",
    },
    {
      command: "lamina run --read-only oci:images:app",
      says: "what the image is made for, read-only",
    },
  ],
}, async (context, { args, flags }) => {
  if (context.globals.json) {
    throw usageError("lamina run", "there is no --json: what is printed is the command's");
  }
  using signals = new CommandSignals();
  try {
    const code = await run(context, args, flags, signals);
    return { document: null, text: () => "", code };
  } catch (error) {
    const code = signals.exitCode ?? OWN_FAILURE;
    return { document: null, text: () => "", errors: [error], code };
  }
});

/** The flags of this command beside those of composing. */
interface RunFlags {
  readonly user: string | undefined;
  readonly workdir: string | undefined;
  readonly env: readonly string[];
  readonly entrypoint: string | undefined;
  readonly target: string | undefined;
  readonly "read-only": boolean;
}

async function run(
  context: Context,
  args: { readonly image: string; readonly command: readonly string[] },
  flags: RunFlags & PullFlags & Parameters<typeof composeOptions>[0],
  signals: CommandSignals,
): Promise<number> {
  if (!privileges().capSysAdmin) throw notAllowed();
  const { composition, file } = await prepare(context, args, flags, signals.signal);
  try {
    const [program, ...words] = selfCommand();
    const command = new Deno.Command(program, {
      args: [...words, ENTER, file],
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    });
    // A signal that came until now is one to stop for; from here on the command gets it.
    signals.signal.throwIfAborted();
    const child = inNewPidNamespace(() => command.spawn());
    signals.handTo(child);
    const { code, signal } = await child.status;
    return signal === null ? code : signals.exitCode ?? code;
  } finally {
    await composition.release();
  }
}

/** Composes, and writes down what is to be run. The store's lock is given back: the composition's record keeps the image. */
async function prepare(
  context: Context,
  args: { readonly image: string; readonly command: readonly string[] },
  flags: Parameters<typeof run>[2],
  signal: AbortSignal,
): Promise<{ readonly composition: HeldComposition; readonly file: string }> {
  using ready = await readyImage(context, args.image, flags, signal);
  const { store, image } = ready;
  const process = processOf(configOf(store, image.digest), {
    command: args.command,
    entrypoint: flags.entrypoint,
    environment: flags.env,
    directory: flags.workdir,
    user: flags.user,
  }, (name) => Deno.env.get(name));
  const access = flags["read-only"] ? "ro" : flags.access;
  Deno.mkdirSync(store.layout.run, { recursive: true });
  const target = flags.target ?? `${store.layout.run}/${crypto.randomUUID().slice(0, 8)}`;
  const composition = await HeldComposition.compose(store, image, target, {
    plugins: await context.plugins(),
    imageName: args.image,
    ...composeOptions({ ...flags, access }, "lamina run"),
    signal,
  });
  const { id, target: root } = composition.result;
  const file = `${store.compositions.workspace(id)}/run.json`;
  const spec: RunSpec = {
    ...process,
    root,
    readOnly: access === "ro",
    lock: composition.lockFile,
  };
  Deno.writeTextFileSync(file, JSON.stringify(spec));
  return { composition, file };
}
