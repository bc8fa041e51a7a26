/**
 * Linux through its C library: files, links, clones, mounts, namespaces, errno. Thin and typed; nothing else in the program
 * calls `Deno.dlopen`.
 *
 * Plain functions return the kernel's result or `-errno` and never throw because of the kernel; {@link check} makes a
 * {@link SysError} of it.
 *
 * @module
 */

export * from "./abi.ts";
export * from "./clone.ts";
export * from "./directory.ts";
export * from "./entry.ts";
export * from "./errno.ts";
export * from "./exec.ts";
export * from "./fd.ts";
export * from "./fiemap.ts";
export * from "./file.ts";
export * from "./ioctl.ts";
export * from "./isal.ts";
export * from "./lock.ts";
export * from "./loop.ts";
export * from "./map.ts";
export * from "./mount.ts";
export * from "./mountcompat.ts";
export * from "./mountinfo.ts";
export * from "./namespaces.ts";
export * from "./path.ts";
export * from "./process.ts";
export * from "./remove.ts";
export * from "./sha256.ts";
export * from "./shared_sha256.ts";
export * from "./stat.ts";
export * from "./user_namespace.ts";
export * from "./verity.ts";
export * from "./xattr.ts";
