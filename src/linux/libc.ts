/**
 * The one table of C library functions, and how they are bound.
 *
 * There are two ways to call a function. `Deno.dlopen` compiles code for each: that costs 0.2 to 0.5 ms, and a call then 0.02 µs. By
 * `Deno.UnsafeFnPointer` nothing is compiled, and a call costs 2 to 4 µs. So each function begins the second way, and gets its code when it was
 * called often: a command that makes fifty system calls of thirty kinds has no time to lose, one that makes a million has no call to lose. A
 * wrapper keeps its compiled function in a variable of its module, and calls the other in a place of its own: a call site that always sees the same
 * function is compiled to a direct call, one that has seen two costs 0.2 µs more each time.
 *
 * How to write a wrapper, and why exactly so:
 *
 * ```ts
 * let fn_linkat: Libc["linkat"] | undefined;
 * export function linkat(…) {
 *   const r = fn_linkat?.(…) ?? bind("linkat", (f) => fn_linkat = f)(…);
 *   return r < 0 ? -errno[0] : r;
 * }
 * ```
 *
 * `errno` may be read only at once, in the function that made the call: anything else (a garbage collection, another call)
 * may make system calls of its own in between. For the same reason the result is an `i32`: an `i64` would be a BigInt,
 * whose allocation can start the collector. Arguments of 64 bits are BigInts, which is the fast path.
 *
 * Variadic functions are bound with one fixed prototype for each use; on x86_64 and on aarch64 Linux these are passed
 * alike. System calls that glibc 2.31 has no function for go through syscall(2).
 *
 * @module
 */

import { LaminaError } from "../error.ts";

const TABLE = {
  chdir: { parameters: ["buffer"], result: "i32" },
  chroot: { parameters: ["buffer"], result: "i32" },
  clone: { parameters: ["pointer", "pointer", "i32", "pointer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  copy_file_range: {
    parameters: ["i32", "buffer", "i32", "buffer", "usize", "u32"],
    result: "i32",
  },
  dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
  execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  fallocate: { parameters: ["i32", "i32", "i64", "i64"], result: "i32" },
  fchmod: { parameters: ["i32", "u32"], result: "i32" },
  fchmodat: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  fchown: { parameters: ["i32", "u32", "u32"], result: "i32" },
  fchownat: { parameters: ["i32", "buffer", "u32", "u32", "i32"], result: "i32" },
  fgetxattr: { parameters: ["i32", "buffer", "buffer", "usize"], result: "i32" },
  fcntlFlags: { name: "fcntl", parameters: ["i32", "i32", "i32"], result: "i32" },
  fcntlLock: { name: "fcntl", parameters: ["i32", "i32", "buffer"], result: "i32" },
  flistxattr: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  flock: { parameters: ["i32", "i32"], result: "i32" },
  fremovexattr: { parameters: ["i32", "buffer"], result: "i32" },
  fsetxattr: { parameters: ["i32", "buffer", "buffer", "usize", "i32"], result: "i32" },
  fstatfs: { parameters: ["i32", "buffer"], result: "i32" },
  fsync: { parameters: ["i32"], result: "i32" },
  ftruncate: { parameters: ["i32", "i64"], result: "i32" },
  futimens: { parameters: ["i32", "buffer"], result: "i32" },
  getdents64: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  geteuid: { parameters: [], result: "u32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  ioctlBuffer: { name: "ioctl", parameters: ["i32", "u32", "buffer"], result: "i32" },
  ioctlNumber: { name: "ioctl", parameters: ["i32", "u32", "i32"], result: "i32" },
  lgetxattr: { parameters: ["buffer", "buffer", "buffer", "usize"], result: "i32" },
  linkat: { parameters: ["i32", "buffer", "i32", "buffer", "i32"], result: "i32" },
  llistxattr: { parameters: ["buffer", "buffer", "usize"], result: "i32" },
  lremovexattr: { parameters: ["buffer", "buffer"], result: "i32" },
  lseek: { parameters: ["i32", "i64", "i32"], result: "i32" },
  lseekWide: { name: "lseek", parameters: ["i32", "i64", "i32"], result: "i64" },
  lsetxattr: { parameters: ["buffer", "buffer", "buffer", "usize", "i32"], result: "i32" },
  madvise: { parameters: ["usize", "usize", "i32"], result: "i32" },
  mkdirat: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "i64" },
  mount: { parameters: ["buffer", "buffer", "buffer", "u64", "buffer"], result: "i32" },
  munmap: { parameters: ["usize", "usize"], result: "i32" },
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  posix_fadvise: { parameters: ["i32", "i64", "i64", "i32"], result: "i32" },
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  readlinkat: { parameters: ["i32", "buffer", "buffer", "usize"], result: "i32" },
  renameat2: { parameters: ["i32", "buffer", "i32", "buffer", "u32"], result: "i32" },
  setgroups: { parameters: ["usize", "buffer"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
  setresgid: { parameters: ["u32", "u32", "u32"], result: "i32" },
  setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  sigaction: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  symlinkat: { parameters: ["buffer", "i32", "buffer"], result: "i32" },
  sync_file_range: { parameters: ["i32", "i64", "i64", "u32"], result: "i32" },
  syncfs: { parameters: ["i32"], result: "i32" },
  sysFsconfig: {
    name: "syscall",
    parameters: ["i64", "i32", "u32", "buffer", "buffer", "i32"],
    result: "i32",
  },
  sysFsmount: { name: "syscall", parameters: ["i64", "i32", "u32", "u32"], result: "i32" },
  sysFsopen: { name: "syscall", parameters: ["i64", "buffer", "u32"], result: "i32" },
  sysMknodat: {
    name: "syscall",
    parameters: ["i64", "i32", "buffer", "u32", "u32"],
    result: "i32",
  },
  sysMountSetattr: {
    name: "syscall",
    parameters: ["i64", "i32", "buffer", "u32", "buffer", "usize"],
    result: "i32",
  },
  sysMoveMount: {
    name: "syscall",
    parameters: ["i64", "i32", "buffer", "i32", "buffer", "u32"],
    result: "i32",
  },
  sysPivotRoot: { name: "syscall", parameters: ["i64", "buffer", "buffer"], result: "i32" },
  sysOpenTree: { name: "syscall", parameters: ["i64", "i32", "buffer", "u32"], result: "i32" },
  sysOpenat2: {
    name: "syscall",
    parameters: ["i64", "i32", "buffer", "buffer", "usize"],
    result: "i32",
  },
  umount2: { parameters: ["buffer", "i32"], result: "i32" },
  unlinkat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  unshare: { parameters: ["i32"], result: "i32" },
  utimensat: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Parameter<T> = T extends "buffer" ? ArrayBufferView | null
  : T extends "pointer" ? Deno.PointerValue
  : T extends "i64" | "u64" | "usize" ? bigint
  : number;
type Result<T> = T extends "i64" ? bigint : T extends "pointer" ? Deno.PointerValue : number;
type Parameters<P extends readonly unknown[]> = { [I in keyof P]: Parameter<P[I]> };
type Call<S extends { parameters: readonly unknown[]; result: unknown }> = (
  ...args: Parameters<S["parameters"]>
) => Result<S["result"]>;

/** The functions of the table with their types. */
export type Libc = { readonly [K in keyof typeof TABLE]: Call<(typeof TABLE)[K]> };

/**
 * This thread's `errno`, as an array of one number. It is the C library's own from the first {@link bind} on; see the head of
 * this file for when it may be read.
 */
export let errno: Int32Array = new Int32Array(1);

/** After so many calls the time for code of its own is well spent. */
const OFTEN = 64;

/** A function that has no code of its own yet. */
interface Uncompiled {
  readonly call: (...args: unknown[]) => unknown;
  calls: number;
}

const uncompiled = new Map<string, Uncompiled>();

/**
 * Binds a function of the table for one call.
 *
 * @param keep Is given the function once it is compiled, to be called without asking here again.
 * @throws {LaminaError} `unsupported`: not Linux on x86_64 or aarch64 with glibc, or the function is not in this libc.
 */
export function bind<K extends keyof Libc>(name: K, keep: (f: Libc[K]) => void): Libc[K] {
  let f = uncompiled.get(name);
  if (f === undefined) uncompiled.set(name, f = { call: find(name), calls: 0 });
  if (f.calls++ < OFTEN) return f.call as Libc[K];
  const compiled = compile(name);
  keep(compiled);
  return compiled;
}

/** A function of the table with code of its own at once. Errors as {@link bind}. */
export function compile<K extends keyof Libc>(name: K): Libc[K] {
  library ??= openLibrary();
  return open(name, TABLE[name]) as Libc[K];
}

/** The C library, as dlsym(3) finds functions in it. */
interface Library {
  readonly handle: Deno.PointerValue;
  readonly dlsym: (handle: Deno.PointerValue, name: Uint8Array) => Deno.PointerValue;
}

let library: Library | undefined;

const LIBC = "libc.so.6";
const RTLD_NOW = 2;
/** Deno compiles nothing for a function that returns a structure. One of a single word is returned as that word is, on x86_64 and on aarch64. */
const DLSYM: Deno.ForeignFunction = {
  parameters: ["pointer", "buffer"],
  result: { struct: ["u64"] },
};
const DLOPEN: Deno.ForeignFunction = { parameters: ["buffer", "i32"], result: "pointer" };
const ERRNO_LOCATION: Deno.ForeignFunction = { parameters: [], result: "pointer" };

function openLibrary(): Library {
  const { os, arch } = Deno.build;
  if (os !== "linux" || (arch !== "x86_64" && arch !== "aarch64")) {
    throw new LaminaError(
      "unsupported",
      `lamina reaches the kernel through libc on Linux x86_64 and aarch64 only; this is ${os} ${arch}`,
      { hint: "Run it on a 64-bit Intel, AMD or ARM Linux." },
    );
  }
  const find = open("dlsym", DLSYM) as (handle: Deno.PointerValue, name: Uint8Array) => Uint8Array;
  const dlsym: Library["dlsym"] = (handle, name) =>
    Deno.UnsafePointer.create(new BigUint64Array(find(handle, name).buffer)[0]);
  // Not what another library may have by the same name: that is how `Deno.dlopen` looks, too.
  const dlopen = callable(dlsym(null, cstring("dlopen")), DLOPEN);
  const handle = dlopen(cstring(LIBC), RTLD_NOW) as Deno.PointerValue;
  const location = callable(dlsym(handle, cstring("__errno_location")), ERRNO_LOCATION);
  const pointer = location() as Deno.PointerObject;
  errno = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(pointer, 4));
  return { handle, dlsym };
}

function find(name: keyof Libc): Uncompiled["call"] {
  const { handle, dlsym } = library ??= openLibrary();
  const symbol: Deno.ForeignFunction & { readonly name?: string } = TABLE[name];
  const pointer = dlsym(handle, cstring(symbol.name ?? name));
  if (pointer === null) throw missing(name, "there is no such function");
  return callable(pointer, symbol);
}

function callable(
  pointer: Deno.PointerValue,
  symbol: Deno.ForeignFunction,
): (...args: unknown[]) => unknown {
  const f = new Deno.UnsafeFnPointer(
    pointer as Deno.PointerObject<Deno.ForeignFunction>,
    symbol,
  );
  return f.call.bind(f) as (...args: unknown[]) => unknown;
}

function open(name: string, symbol: Deno.ForeignFunction): (...args: unknown[]) => unknown {
  try {
    const { symbols } = Deno.dlopen(LIBC, { [name]: symbol });
    return symbols[name] as (...args: unknown[]) => unknown;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw missing(name, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function missing(name: string, reason: string, cause?: unknown): LaminaError {
  return new LaminaError("unsupported", `cannot bind ${name} of ${LIBC}: ${reason}`, {
    hint: "Use a distribution with glibc 2.31 or newer.",
    cause,
  });
}

function cstring(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}
