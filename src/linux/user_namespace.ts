/**
 * User namespaces as a mapping of ids, for mounts: user_namespaces(7), mount_setattr(2).
 *
 * @module
 */

import { AT_FDCWD, O_RDONLY, O_WRONLY } from "./abi.ts";
import { check } from "./errno.ts";
import { Fd } from "./fd.ts";
import { writeAll } from "./file.ts";
import { compile, errno } from "./libc.ts";
import { CLONE_NEWUSER } from "./namespaces.ts";
import { toCString } from "./path.ts";

/** A range of ids: one line of a user namespace's map. */
export interface IdRange {
  /** The first id inside: as files have it. */
  readonly inside: number;
  /** The first id outside: as it is shown. */
  readonly outside: number;
  /** How many. */
  readonly count: number;
}

/** waitpid(2): also children that send no signal when they end. */
const WALL = 0x40000000;
const STACK = 65536;
/** Seconds after which the child ends by itself, should this process be killed before it ends it. */
const CHILD_LIFE = 5;

/**
 * Makes a user namespace with the given maps for users and groups alike. Nobody is in it: it lives as long as its descriptor, or a mount that uses it.
 *
 * A Deno program has threads, and so cannot enter a namespace to make one; a child that does nothing but sleep can be made in it.
 *
 * @throws {SysError} ENOSPC: user.max_user_namespaces; EPERM: without CAP_SYS_ADMIN and CAP_SETUID, or switched off.
 */
export function createUserNamespace(ranges: readonly IdRange[]): Fd {
  const sleep = compile("dlsym")(null, toCString("sleep"));
  const stack = new Uint8Array(STACK);
  const bottom = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(stack)));
  const top = Deno.UnsafePointer.create((bottom + BigInt(STACK)) & ~15n);
  const clone = compile("clone");
  const life = Deno.UnsafePointer.create(BigInt(CHILD_LIFE));
  const pid = clone(sleep, top, CLONE_NEWUSER, life);
  check(pid < 0 ? -errno[0] : pid, "clone", "a user namespace");
  try {
    const map = ranges.map((r) => `${r.inside} ${r.outside} ${r.count}\n`).join("");
    for (const file of ["uid_map", "gid_map"]) writeText(`/proc/${pid}/${file}`, map);
    return Fd.openat(AT_FDCWD, `/proc/${pid}/ns/user`, O_RDONLY);
  } finally {
    Deno.kill(pid, "SIGKILL");
    compile("waitpid")(pid, null, WALL);
  }
}

function writeText(path: string, text: string): void {
  using file = Fd.open(path, O_WRONLY);
  // All ranges in one write: the kernel takes no second one.
  check(writeAll(file.n, new TextEncoder().encode(text)), "write", path);
}
