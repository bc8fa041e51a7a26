/**
 * The process that becomes the command of `lamina run`: it enters the root filesystem and executes the command in its place.
 *
 * It is a process of its own, because the one that composed must outlive the command to release; and this program itself, because a process of
 * many threads cannot fork.
 *
 * @module
 */

import { dirname } from "@std/path";
import { LaminaError } from "../../error.ts";
import {
  AT_FDCWD,
  chdir,
  check,
  EACCES,
  EISDIR,
  ENOENT,
  ENOTDIR,
  execve,
  Fd,
  flock,
  LOCK_EX,
  LOCK_NB,
  mkdirat,
  O_NONBLOCK,
  O_RDONLY,
  openat,
  read,
  resetSignal,
  setCloseOnExec,
  setgroups,
  setParentDeathSignal,
  setresgid,
  setresuid,
  SysError,
} from "../../linux/mod.ts";
import { printFailure } from "../terminal/failure.ts";
import { screenOf } from "../terminal/screen.ts";
import { enterRoot } from "./filesystems.ts";
import { type Identity, resolveIdentity } from "./identity.ts";
import { OWN_FAILURE, type RunSpec } from "./spec.ts";

/** Exit code of a command that is there and cannot be executed. */
const NOT_EXECUTABLE = 126;
/** Exit code of a command that is not there. */
const NOT_FOUND = 127;

const SIGKILL = 9;
const SIGPIPE = 13;

/** PATH where neither the image nor the caller says it, as container engines have it. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** No sane passwd(5) is larger, in bytes. */
const FILE_LIMIT = 1 << 24;

/**
 * Becomes the command. Returns only on failure, with the exit code; what failed is said on stderr.
 *
 * @param file The {@link RunSpec} as JSON.
 */
export function enterAndRun(file: string): number {
  try {
    return become(JSON.parse(Deno.readTextFileSync(file)));
  } catch (error) {
    printFailure(error, { json: false, verbose: false }, screenOf("stderr"));
    return OWN_FAILURE;
  }
}

function become(spec: RunSpec): number {
  using lock = Fd.open(spec.lock, O_RDONLY);
  keepStandardStreamsOnly();
  enterRoot(spec.root, spec.readOnly);
  const identity = resolveIdentity(spec.user, readText("/etc/passwd"), readText("/etc/group"));
  const environment = new Map([["PATH", DEFAULT_PATH], ["HOME", identity.home]]);
  for (const entry of spec.environment) {
    const equals = entry.indexOf("=");
    if (equals > 0) environment.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  makeDirectories(spec.directory);
  take(identity);
  goTo(spec.directory);
  check(resetSignal(SIGPIPE), "sigaction", "SIGPIPE");
  check(setParentDeathSignal(SIGKILL), "prctl", "PR_SET_PDEATHSIG");
  // Who ended before that sent no signal, and has let go of the lock.
  if (flock(lock.n, LOCK_EX | LOCK_NB) === 0) {
    throw new LaminaError("failed", "running: lamina itself is gone");
  }
  const { result, program } = execute(spec.argv, environment);
  const isMissing = result === -ENOENT || result === -ENOTDIR;
  const reason = new SysError(-result, "execve", program);
  const error = new LaminaError(
    isMissing ? "not-found" : "failed",
    `running ${spec.argv[0]}: ${reason.message}`,
    { hint: isMissing ? hintFor(program, environment) : undefined },
  );
  printFailure(error, { json: false, verbose: false }, screenOf("stderr"));
  return isMissing ? NOT_FOUND : NOT_EXECUTABLE;
}

/** A program that is there, and whose interpreter is not, is "not there" to the kernel. */
function hintFor(program: string, environment: ReadonlyMap<string, string>): string {
  return program.includes("/")
    ? "The image has no such file, or not the interpreter or loader that it names."
    : `The image has none in its PATH: ${environment.get("PATH")}`;
}

/** What lamina was started with may be a way out of the root. One that is closed meanwhile is the listing's own. */
function keepStandardStreamsOnly(): void {
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    if (Number(name) > 2) setCloseOnExec(Number(name));
  }
}

function take({ uid, gid, groups }: Identity): void {
  // A user namespace may forbid it: then there are no groups to get rid of that it could show.
  if (readText("/proc/self/setgroups").trim() !== "deny") {
    check(setgroups(groups), "setgroups", groups.join(" "));
  }
  check(setresgid(gid), "setresgid", String(gid));
  check(setresuid(uid), "setresuid", String(uid));
}

/** As execvp(3): a name without a slash is looked for in PATH; one that cannot be executed is remembered while the search goes on. */
function execute(
  argv: readonly string[],
  environment: ReadonlyMap<string, string>,
): { result: number; program: string } {
  const [name] = argv;
  const entries = Array.from(environment, ([key, value]) => `${key}=${value}`);
  const candidates = name.includes("/")
    ? [name]
    : environment.get("PATH")!.split(":").map((directory) => `${directory || "."}/${name}`);
  let denied: { result: number; program: string } | undefined;
  for (const program of name === "" ? [] : candidates) {
    const result = execve(program, argv, entries);
    if (result === -EACCES || result === -EISDIR) denied ??= { result, program };
    else if (result !== -ENOENT && result !== -ENOTDIR) return { result, program };
  }
  return denied ?? { result: -ENOENT, program: name };
}

function goTo(directory: string): void {
  const result = chdir(directory);
  if (result === 0) return;
  const { message } = new SysError(-result, "chdir", directory);
  throw new LaminaError("failed", `going to the working directory: ${message}`, {
    hint: "Name one that is there, with --workdir; with --access ro none can be made.",
  });
}

/** The working directory that the image names need not be in it. What cannot be made is told by who goes there. */
function makeDirectories(path: string): void {
  if (path === "/") return;
  makeDirectories(dirname(path));
  mkdirat(AT_FDCWD, path, 0o755);
}

/** A file of the root; empty where it is missing or too large to be one. Not by Deno's calls, which may wait for a fifo. */
function readText(path: string): string {
  const n = openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK);
  if (n < 0) return "";
  using fd = Fd.adopt(n);
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(1 << 16);
  for (let text = ""; text.length < FILE_LIMIT;) {
    const length = read(fd.n, buffer);
    if (length <= 0) return text + decoder.decode();
    text += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
  return "";
}
