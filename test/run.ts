/**
 * Runs test files side by side, each in a process of its own: `deno task test [OPTION...] [PATH...]`.
 *
 * Tests look at what is a whole process's (umask, environment, open descriptors), so that threads of one process, which is what
 * `deno test --parallel` has, would get in each other's way. The last line sums up in the form of `deno test`'s own.
 *
 * @module
 */

import { fromFileUrl, relative } from "@std/path";
import { Tally } from "./tally.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));

/** One more than there are processors: tests wait for programs, disks and machines. */
const JOBS = Number(Deno.env.get("LAMINA_TEST_JOBS") ?? navigator.hardwareConcurrency + 1);

/** Folders with files that take long. They start first, so that no processor is idle at the end. */
const LONG = ["vm", "torture", "hostile", "strategy", "e2e", "fuzz", "layer", "store", "oci"];

/** Options whose value is an argument of its own, which is no path. */
const VALUED = ["--filter", "--reporter"];

function sortArguments(args: readonly string[]): { options: string[]; paths: string[] } {
  const options: string[] = [];
  const paths: string[] = [];
  for (const [index, arg] of args.entries()) {
    const isOption = arg.startsWith("-") || VALUED.includes(args[index - 1]);
    (isOption ? options : paths).push(arg);
  }
  return { options, paths: paths.length > 0 ? paths : [`${ROOT}/test`] };
}

/** The test files at and below a path. */
function* filesAt(path: string): Generator<string> {
  if (Deno.statSync(path).isFile) return yield Deno.realPathSync(path);
  const entries = [...Deno.readDirSync(path)].sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isDirectory } of entries) {
    if (isDirectory || name.endsWith("_test.ts")) yield* filesAt(`${path}/${name}`);
  }
}

/** Those that take long first. */
function inOrder(files: readonly string[]): string[] {
  const rank = (file: string) => {
    const index = LONG.findIndex((folder) => file.includes(`/test/${folder}/`));
    return index < 0 ? LONG.length : index;
  };
  return [...files].sort((a, b) => rank(a) - rank(b));
}

/** One file's tests, under way. */
interface Job {
  readonly file: string;
  /** What it prints, kept until it is read. */
  readonly output: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly status: Promise<Deno.CommandStatus>;
}

const running = new Set<Deno.ChildProcess>();

function start(file: string, options: readonly string[]): Job {
  // Both streams in one, so that lines stay in order.
  const child = new Deno.Command("sh", {
    args: ["-c", 'exec "$@" 2>&1', "sh", Deno.execPath(), "test", "-A", "--no-check"]
      .concat(options, file),
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
  }).spawn();
  running.add(child);
  const kept = new TransformStream(undefined, undefined, { highWaterMark: Infinity });
  const status = child.status.finally(() => running.delete(child));
  return { file, output: child.stdout.pipeThrough(kept), status };
}

/** Starts all, at most so many at a time; each promise is fulfilled when the job starts. */
function startAll(files: readonly string[], options: readonly string[]): Promise<Job>[] {
  const queue = files.map((file) => ({ file, ...Promise.withResolvers<Job>() }));
  const promises = queue.map(({ promise }) => promise);
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const job = start(next.file, options);
      next.resolve(job);
      await job.status;
    }
  };
  for (let i = 0; i < JOBS; i++) void work();
  return promises;
}

const begun = performance.now();
Deno.addSignalListener("SIGTERM", () => {
  for (const child of running) child.kill();
  Deno.exit(143);
});
const { options, paths } = sortArguments(Deno.args);
const files = inOrder([...new Set(paths.flatMap((path) => [...filesAt(path)]))]);
const tally = new Tally();
for (const started of startAll(files, options)) {
  const { file, output, status } = await started;
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of output) {
    for (let at = 0; at < chunk.length;) at += Deno.stdout.writeSync(chunk.subarray(at));
    text += decoder.decode(chunk, { stream: true });
  }
  tally.add(relative(ROOT, file), text, (await status).code);
}
console.log(tally.summary(performance.now() - begun));
Deno.exit(tally.ok ? 0 : 1);
