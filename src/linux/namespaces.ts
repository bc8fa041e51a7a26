/**
 * Namespaces: namespaces(7).
 *
 * Both calls act on the calling thread only. Synchronous calls of this thread, its child processes and workers that it starts
 * afterwards follow it; **asynchronous file operations of Deno may run on other threads**, in the old namespace. A program of
 * several threads, as every Deno program is, cannot enter a user namespace (EINVAL): that takes a child process.
 *
 * @module
 */

import { O_RDONLY } from "./abi.ts";
import { check } from "./errno.ts";
import { Fd } from "./fd.ts";
import { bind, errno, type Libc } from "./libc.ts";

/** Mount namespace: mount_namespaces(7). */
export const CLONE_NEWNS = 0x00020000;
/** User namespace: user_namespaces(7). */
export const CLONE_NEWUSER = 0x10000000;
/** PID namespace: pid_namespaces(7); of children only. */
export const CLONE_NEWPID = 0x20000000;

let fn_unshare: Libc["unshare"] | undefined;
/** unshare(2); `flags` of `CLONE_NEW*`. Returns 0 or `-errno`. */
export function unshare(flags: number): number {
  const r = fn_unshare?.(flags) ?? bind("unshare", (f) => fn_unshare = f)(flags);
  return r < 0 ? -errno[0] : r;
}

let fn_setns: Libc["setns"] | undefined;
/** setns(2): joins the namespace of a descriptor (of /proc/PID/ns/…); `type` is its `CLONE_NEW*`, or 0 for any. */
export function setns(fd: number, type: number): number {
  const r = fn_setns?.(fd, type) ?? bind("setns", (f) => fn_setns = f)(fd, type);
  return r < 0 ? -errno[0] : r;
}

/**
 * Lets a child process begin a PID namespace: it is process 1 there, and when it ends the kernel ends all others there.
 *
 * @param start Starts it, synchronously. It must start no thread: until it returns, this thread cannot have any.
 * @throws {SysError} EPERM: without CAP_SYS_ADMIN; ENOSPC: user.max_pid_namespaces.
 */
export function inNewPidNamespace<T>(start: () => T): T {
  using own = Fd.open("/proc/self/ns/pid", O_RDONLY);
  check(unshare(CLONE_NEWPID), "unshare", "PID namespace");
  try {
    return start();
  } finally {
    check(setns(own.n, CLONE_NEWPID), "setns", "PID namespace");
  }
}
