/**
 * What the files of a layer must be like on disk: the other side of src/layer/form.ts.
 *
 * @module
 */

import type { Stat } from "../../linux/mod.ts";
import {
  type ByteString,
  IMPLIED,
  type Inode,
  isWhiteout,
  OPAQUE,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from "../../tree/mod.ts";
import { OVERRIDE_XATTR, overrideStat } from "../../layer/rootless_form.ts";

/** overlayfs' marks of a file without its content. */
export const METACOPY = "trusted.overlay.metacopy";
/** Where overlayfs finds that content. */
export const REDIRECT = "trusted.overlay.redirect";

/** Attributes by name. */
export type Xattrs = ReadonlyMap<ByteString, Uint8Array>;

/** What {@link Expected} says of one entry. */
export interface ExpectedForm {
  /** S_IFMT part of the modes that it may have. */
  types(inode: Inode): readonly number[];
  /** What differs in owner, mode, time or device; one phrase for each. */
  stat(inode: Inode, stat: Stat): string[];
  /** The extended attributes that it must have. */
  xattrs(inode: Inode, stat: Stat): Xattrs;
  /** Whether an attribute that is on disk, and is not expected, is of no interest. */
  ignores(key: ByteString): boolean;
}

const NONE: Xattrs = new Map();
/** Times that every filesystem can keep; others are cut to what it can. */
const LATEST = 2 ** 31;

/** Files as they are: of a store that root made. */
export const NATIVE: ExpectedForm = {
  types: ({ mode }) => [mode & S_IFMT],
  stat(inode, stat) {
    if (isWhiteout(inode)) return stat.rdev === 0 ? [] : ["it is a device, not a whiteout"];
    const type = inode.mode & S_IFMT;
    return [
      ...type === S_IFLNK ? [] : differs("mode", inode.mode & 0o7777, stat.mode & 0o7777, octal),
      ...differs("owner", inode.uid, stat.uid),
      ...differs("group", inode.gid, stat.gid),
      ...type === S_IFCHR || type === S_IFBLK ? differs("device", inode.rdev, stat.rdev) : [],
      ...time(inode, stat),
    ];
  },
  xattrs: (inode) =>
    inode.xattrs === null || isWhiteout(inode) ? NONE : without(inode.xattrs, IMPLIED),
  ignores: isOfSystem,
};

/** Files of a user: of a store without root's rights. */
export const ROOTLESS_FORM: ExpectedForm = {
  types(inode) {
    const type = inode.mode & S_IFMT;
    if (isWhiteout(inode)) return [S_IFCHR, S_IFREG];
    return [type === S_IFCHR || type === S_IFBLK ? S_IFREG : type];
  },
  stat(inode, stat) {
    if (isWhiteout(inode)) return [];
    const type = inode.mode & S_IFMT;
    const mode = type === S_IFDIR
      ? inode.mode & 0o777 | 0o700
      : type === S_IFREG
      ? inode.mode & 0o777 | 0o600
      : undefined;
    return [
      ...mode === undefined ? [] : differs("mode", mode, stat.mode & 0o7777, octal),
      ...time(inode, stat),
    ];
  },
  xattrs(inode, stat) {
    const type = inode.mode & S_IFMT;
    const expected = new Map<ByteString, Uint8Array>();
    if (isWhiteout(inode)) {
      if ((stat.mode & S_IFMT) === S_IFREG) expected.set("user.overlay.whiteout", new Uint8Array());
      return expected;
    }
    if (type === S_IFLNK || type === S_IFIFO) return expected;
    for (const [key, value] of inode.xattrs ?? []) {
      if (key.startsWith("user.") && key !== IMPLIED) expected.set(key, value);
    }
    expected.set(OVERRIDE_XATTR, new TextEncoder().encode(overrideStat(inode)));
    if (inode.xattrs?.has(OPAQUE)) expected.set("user.overlay.opaque", Uint8Array.of(0x79));
    return expected;
  },
  // A directory with whiteouts in the form of files is marked, too.
  ignores: (key) => !key.startsWith("user.") || key === "user.overlay.opaque",
};

/** What a host may add to any file: labels, measurements, properties of btrfs, XFS' second name of an ACL. */
function isOfSystem(key: ByteString): boolean {
  return key === "security.selinux" || key === "security.ima" || key === "security.evm" ||
    key.startsWith("btrfs.") || key.startsWith("system.") || key.startsWith("trusted.SGI_ACL_");
}

/** How two sets of attributes differ; a phrase for each. */
export function xattrDifferences(
  expected: Xattrs,
  actual: Xattrs | null,
  ignores: (key: ByteString) => boolean,
): string[] {
  const differences: string[] = [];
  for (const [key, value] of expected) {
    // The kernel keeps ACLs in a form of its own, and none that says what the mode says.
    if (key.startsWith("system.")) continue;
    const there = actual?.get(key);
    if (there === undefined) differences.push(`xattr ${key} is missing`);
    else if (!equal(value, there)) differences.push(`xattr ${key} was changed`);
  }
  for (const key of actual?.keys() ?? []) {
    if (!expected.has(key) && !ignores(key)) differences.push(`xattr ${key} was added`);
  }
  return differences;
}

/** Whether bytes are equal. */
export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function without(xattrs: Xattrs, mark: ByteString): Xattrs {
  return xattrs.has(mark) ? new Map([...xattrs].filter(([key]) => key !== mark)) : xattrs;
}

function time(inode: Inode, stat: Stat): string[] {
  if (Math.abs(inode.mtime) >= LATEST) return [];
  // Some filesystems keep whole seconds.
  const same = inode.mtime === stat.mtime && (inode.nsec === stat.nsec || stat.nsec === 0);
  return same ? [] : [`time ${timeText(stat)} instead of ${timeText(inode)}`];
}

function timeText({ mtime, nsec }: { readonly mtime: number; readonly nsec: number }): string {
  return `${mtime}.${String(nsec).padStart(9, "0")}`;
}

const octal = (mode: number) => mode.toString(8).padStart(4, "0");

/** One phrase where two numbers differ, else none. */
export function differs(
  what: string,
  expected: number,
  actual: number,
  show: (value: number) => string = String,
): string[] {
  return expected === actual ? [] : [`${what} ${show(actual)} instead of ${show(expected)}`];
}
