/**
 * Becoming another program: root and working directory, identity, execve(2).
 *
 * Like namespaces, the root and the working directory may be those of the calling thread alone (after unshare(2)); {@link execve} ends all
 * other threads, so that what the main thread has is what the new program gets.
 *
 * @module
 */

import { SYS } from "./abi.ts";
import { bind, errno, type Libc } from "./libc.ts";
import { type CPath, cpath, cpath2, cstring } from "./path.ts";

let fn_chdir: Libc["chdir"] | undefined;
/** chdir(2). Returns 0 or `-errno`. */
export function chdir(path: CPath): number {
  const r = fn_chdir?.(cpath(path)) ?? bind("chdir", (f) => fn_chdir = f)(cpath(path));
  return r < 0 ? -errno[0] : r;
}

let fn_chroot: Libc["chroot"] | undefined;
/** chroot(2). Returns 0 or `-errno`. */
export function chroot(path: CPath): number {
  const r = fn_chroot?.(cpath(path)) ?? bind("chroot", (f) => fn_chroot = f)(cpath(path));
  return r < 0 ? -errno[0] : r;
}

let fn_pivot_root: Libc["sysPivotRoot"] | undefined;
/** pivot_root(2): both may be `.`, which puts the old root above the new one. EINVAL where the old root is the initial ramfs. */
export function pivotRoot(newRoot: CPath, putOld: CPath): number {
  const r = fn_pivot_root?.(SYS.pivot_root, cpath(newRoot), cpath2(putOld)) ??
    bind("sysPivotRoot", (f) => fn_pivot_root = f)(SYS.pivot_root, cpath(newRoot), cpath2(putOld));
  return r < 0 ? -errno[0] : r;
}

let fn_setgroups: Libc["setgroups"] | undefined;
/** setgroups(2): the supplementary groups, of all threads. */
export function setgroups(groups: readonly number[]): number {
  const r = fn_setgroups?.(BigInt(groups.length), new Uint32Array(groups)) ??
    bind("setgroups", (f) => fn_setgroups = f)(BigInt(groups.length), new Uint32Array(groups));
  return r < 0 ? -errno[0] : r;
}

let fn_setresgid: Libc["setresgid"] | undefined;
/** setresgid(2): real, effective and saved group, of all threads. */
export function setresgid(gid: number): number {
  const r = fn_setresgid?.(gid, gid, gid) ??
    bind("setresgid", (f) => fn_setresgid = f)(gid, gid, gid);
  return r < 0 ? -errno[0] : r;
}

let fn_setresuid: Libc["setresuid"] | undefined;
/** setresuid(2): real, effective and saved user, of all threads. From root to another user it takes all capabilities away. */
export function setresuid(uid: number): number {
  const r = fn_setresuid?.(uid, uid, uid) ??
    bind("setresuid", (f) => fn_setresuid = f)(uid, uid, uid);
  return r < 0 ? -errno[0] : r;
}

const PR_SET_PDEATHSIG = 1;
let fn_prctl: Libc["prctl"] | undefined;
/**
 * prctl(2), PR_SET_PDEATHSIG: the signal that this process gets when the thread that started it ends. A change of identity takes it back. A
 * parent that ended before is for the caller to notice.
 */
export function setParentDeathSignal(signal: number): number {
  const r = fn_prctl?.(PR_SET_PDEATHSIG, BigInt(signal), 0n, 0n, 0n) ??
    bind("prctl", (f) => fn_prctl = f)(PR_SET_PDEATHSIG, BigInt(signal), 0n, 0n, 0n);
  return r < 0 ? -errno[0] : r;
}

const SIG_DFL = 0;
const SIG_IGN = 1;
let fn_sigaction: Libc["sigaction"] | undefined;

function setAction(signal: number, handler: number): number {
  // glibc's struct sigaction, 152 bytes, of which none but the handler, its first word, matters.
  const action = new Uint8Array(152);
  action[0] = handler;
  const r = fn_sigaction?.(signal, action, null) ??
    bind("sigaction", (f) => fn_sigaction = f)(signal, action, null);
  return r < 0 ? -errno[0] : r;
}

/**
 * sigaction(2): gives a signal its default action, SIG_DFL. What is ignored stays ignored in a program that is executed, and the engine that
 * this runs in ignores SIGPIPE.
 */
export function resetSignal(signal: number): number {
  return setAction(signal, SIG_DFL);
}

/** sigaction(2): has a signal ignored, SIG_IGN, in this process and in programs that it executes. */
export function ignoreSignal(signal: number): number {
  return setAction(signal, SIG_IGN);
}

let fn_execve: Libc["execve"] | undefined;
/**
 * execve(2). Returns `-errno`, or not at all. For the main thread: the process is replaced, with all its threads; what is close-on-exec is
 * closed.
 *
 * @param environment `NAME=VALUE` each.
 */
export function execve(
  program: CPath,
  argv: readonly CPath[],
  environment: readonly CPath[],
): number {
  const [args, env] = [new StringArray(argv), new StringArray(environment)];
  const r = fn_execve?.(cstring(program), args.pointers, env.pointers) ??
    bind("execve", (f) => fn_execve = f)(cstring(program), args.pointers, env.pointers);
  return r < 0 ? -errno[0] : r;
}

/** A C array of C strings that ends with a null pointer, and the strings themselves, which must live as long. */
class StringArray {
  readonly pointers: BigUint64Array;
  readonly strings: readonly Uint8Array[];

  constructor(strings: readonly CPath[]) {
    // Copies: the pointer of an empty or a borrowed array may be anything.
    this.strings = strings.map((string) => new Uint8Array(cstring(string)));
    const addresses = this.strings.map((bytes) =>
      Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes as Uint8Array<ArrayBuffer>))
    );
    this.pointers = new BigUint64Array([...addresses, 0n]);
  }
}
