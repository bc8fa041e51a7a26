/**
 * What this process may do, and how many files it may have open.
 *
 * @module
 */

import { AT_FDCWD, O_RDONLY } from "./abi.ts";
import { check } from "./errno.ts";
import { Fd } from "./fd.ts";
import { openat, read } from "./file.ts";
import { bind, errno, type Libc } from "./libc.ts";

/** Change owners of files: capabilities(7). */
export const CAP_CHOWN = 0;
/** Mounts, `trusted.` xattrs and much more: capabilities(7). */
export const CAP_SYS_ADMIN = 21;
/** Device nodes: capabilities(7). */
export const CAP_MKNOD = 27;

/** What this process may do. */
export interface Privileges {
  /** Effective user id, as in its own user namespace. */
  readonly euid: number;
  /** Whether it is in the initial user namespace: whether its ids and capabilities are the real ones. */
  readonly initUserNamespace: boolean;
  /** Effective capabilities: bit N is capability N. */
  readonly effective: bigint;
  /** CAP_SYS_ADMIN, in its own user namespace. */
  readonly capSysAdmin: boolean;
  /** CAP_MKNOD, in its own user namespace; device nodes also need the initial one. */
  readonly capMknod: boolean;
  /** CAP_CHOWN, in its own user namespace. */
  readonly capChown: boolean;
}

let fn_geteuid: Libc["geteuid"] | undefined;

/**
 * What this process may do, asked afresh. Where there is no /proc, root is taken to have all capabilities and the namespace to
 * be the initial one.
 */
export function privileges(): Privileges {
  const euid = (fn_geteuid ?? bind("geteuid", (f) => fn_geteuid = f))();
  const status = readText("/proc/thread-self/status") ?? readText("/proc/self/status");
  const capabilities = status?.match(/^CapEff:\s*([0-9a-f]+)$/m)?.[1];
  const effective = capabilities !== undefined
    ? BigInt(`0x${capabilities}`)
    : euid === 0
    ? (1n << 64n) - 1n
    : 0n;
  const map = readText("/proc/self/uid_map")?.trim().split(/\s+/);
  const has = (capability: number) => (effective >> BigInt(capability) & 1n) === 1n;
  return {
    euid,
    // Only the initial namespace maps all 2^32 - 1 ids, and each to itself.
    initUserNamespace: map === undefined || map.join(" ") === "0 0 4294967295",
    effective,
    capSysAdmin: has(CAP_SYS_ADMIN),
    capMknod: has(CAP_MKNOD),
    capChown: has(CAP_CHOWN),
  };
}

function readText(path: string): string | undefined {
  const n = openat(AT_FDCWD, path, O_RDONLY);
  if (n < 0) return undefined;
  using fd = Fd.adopt(n);
  const buffer = new Uint8Array(16384);
  let length = 0;
  for (;;) {
    const r = read(fd.n, buffer.subarray(length));
    if (r <= 0) return new TextDecoder().decode(buffer.subarray(0, length));
    length += r;
  }
}

const RLIMIT_NOFILE = 7;
let fn_getrlimit: Libc["getrlimit"] | undefined;
let fn_setrlimit: Libc["setrlimit"] | undefined;

function getrlimit(into: BigUint64Array): number {
  const r = fn_getrlimit?.(RLIMIT_NOFILE, into) ??
    bind("getrlimit", (f) => fn_getrlimit = f)(RLIMIT_NOFILE, into);
  return r < 0 ? -errno[0] : r;
}

function setrlimit(from: BigUint64Array): number {
  const r = fn_setrlimit?.(RLIMIT_NOFILE, from) ??
    bind("setrlimit", (f) => fn_setrlimit = f)(RLIMIT_NOFILE, from);
  return r < 0 ? -errno[0] : r;
}

/**
 * Lets this process have `wanted` files open at once, or as many as it is allowed: setrlimit(2), RLIMIT_NOFILE. Never lowers
 * the limit.
 *
 * @returns The limit as it is now.
 * @throws {SysError}
 */
export function raiseFileLimit(wanted: number): number {
  const limit = new BigUint64Array(2);
  check(getrlimit(limit), "getrlimit", "RLIMIT_NOFILE");
  const [soft, hard] = limit;
  const target = BigInt(wanted);
  if (soft >= target) return Number(soft);
  if (hard < target) {
    // Beyond the hard limit only root can go; trying is the way to know.
    limit.fill(target);
    if (setrlimit(limit) === 0) return wanted;
  }
  limit[0] = hard < target ? hard : target;
  limit[1] = hard;
  check(setrlimit(limit), "setrlimit", "RLIMIT_NOFILE");
  return Number(limit[0]);
}
