/**
 * A directory tree on disk as text, for comparing two of them entry by entry.
 *
 * @module
 */

import { createHash } from "node:crypto";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  check,
  displayPath,
  Fd,
  fromCString,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  read,
  readDirectory,
  readlinkat,
  readXattrsAt,
  Stat,
  statx,
} from "../../linux/mod.ts";

/** What to leave out (false); everything is in by default. */
export interface SnapshotOptions {
  /** Permission bits. */
  mode?: boolean;
  /** uid and gid. */
  owner?: boolean;
  /** Modification time, nanoseconds included. */
  mtime?: boolean;
  /** Extended attributes; a function picks by name. */
  xattrs?: boolean | ((key: string) => boolean);
  /** Which names are one inode. */
  links?: boolean;
  /** Size and SHA-256 of regular files. */
  content?: boolean;
  /** The entry `.` of the directory itself. */
  root?: boolean;
}

const TYPES: Record<number, string> = {
  0o010000: "fifo",
  0o020000: "char",
  0o040000: "directory",
  0o060000: "block",
  0o100000: "file",
  0o120000: "symlink",
  0o140000: "socket",
};

/**
 * Walks a tree without following links. The key is the path (a string of bytes; `.` for the directory itself), the value one line
 * of `field=value` after the type. A link group is named by its first path in byte order, and given only where there are at
 * least two names for the inode in the tree.
 */
export function snapshot(path: string, options: SnapshotOptions = {}): Map<string, string> {
  const walk = new Walk(options);
  using fd = Fd.open(path, O_RDONLY | O_DIRECTORY);
  if (options.root !== false) walk.entry(fd.n, fd.n, new Uint8Array(1), ".");
  walk.directory(fd.n, "");
  return walk.result();
}

class Walk {
  readonly #options: SnapshotOptions;
  readonly #lines = new Map<string, string[]>();
  readonly #groups = new Map<string, string[]>();
  readonly #stat = new Stat();

  constructor(options: SnapshotOptions) {
    this.#options = options;
  }

  directory(fd: number, prefix: string): void {
    for (const { name } of readDirectory(fd)) {
      const path = prefix + fromCString(name);
      if (this.entry(fd, -1, name, path)) {
        using child = Fd.openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        this.directory(child.n, `${path}/`);
      }
    }
  }

  /** Notes one entry. Returns whether it is a directory. */
  entry(dir: number, self: number, name: Uint8Array, path: string): boolean {
    const { mode = true, owner = true, mtime = true, links = true, content = true } = this.#options;
    const stat = this.#stat;
    const flags = AT_SYMLINK_NOFOLLOW | (self < 0 ? 0 : AT_EMPTY_PATH);
    check(statx(dir, name, flags, stat), "statx", displayPath(name));
    const type = TYPES[stat.mode & 0o170000];
    const line = [type];
    if (mode && type !== "symlink") line.push(`mode=${(stat.mode & 0o7777).toString(8)}`);
    if (owner) line.push(`owner=${stat.uid}:${stat.gid}`);
    if (type === "char" || type === "block") line.push(`rdev=${stat.rdevMajor}:${stat.rdevMinor}`);
    if (mtime) line.push(`mtime=${stat.mtime}.${String(stat.nsec).padStart(9, "0")}`);
    this.#xattrs(line, self < 0 ? dir : AT_FDCWD, self < 0 ? name : `/proc/self/fd/${self}/.`);
    if (type === "symlink") line.push(`target=${target(dir, name)}`);
    if (links && type !== "directory") {
      const key = `${stat.devMajor}:${stat.devMinor}:${stat.ino}`;
      const group = this.#groups.get(key);
      if (group === undefined) this.#groups.set(key, [path]);
      else group.push(path);
    }
    if (content && type === "file") line.push(`size=${stat.size}`, `sha256=${digest(dir, name)}`);
    this.#lines.set(path, line);
    return type === "directory";
  }

  #xattrs(line: string[], dir: number, name: Uint8Array | string): void {
    const { xattrs = true } = this.#options;
    if (xattrs === false) return;
    const all = [...readXattrsAt(dir, name) ?? []].sort(([a], [b]) => a < b ? -1 : 1);
    for (const [key, value] of all) {
      if (xattrs !== true && !xattrs(key)) continue;
      line.push(`xattr:${escape(key)}=${escape(String.fromCharCode(...value))}`);
    }
  }

  result(): Map<string, string> {
    for (const group of this.#groups.values()) {
      if (group.length < 2) continue;
      const first = group.reduce((a, b) => a < b ? a : b);
      for (const path of group) this.#lines.get(path)!.push(`link=${escape(first)}`);
    }
    const paths = [...this.#lines.keys()].sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
    return new Map(paths.map((path) => [path, this.#lines.get(path)!.join(" ")]));
  }
}

/** Printable ASCII but space and backslash as it is, everything else as `\xNN`: a field never holds a space. */
export function escape(bytes: string): string {
  return bytes.replace(
    /[^\x21-\x5b\x5d-\x7e]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

function target(dir: number, name: Uint8Array): string {
  const buffer = new Uint8Array(4096);
  const length = check(readlinkat(dir, name, buffer), "readlinkat", displayPath(name));
  return escape(String.fromCharCode(...buffer.subarray(0, length)));
}

const block = new Uint8Array(1024 * 1024);

function digest(dir: number, name: Uint8Array): string {
  using fd = Fd.openat(dir, name, O_RDONLY | O_NOFOLLOW);
  const hash = createHash("sha256");
  for (;;) {
    const length = check(read(fd.n, block), "read", displayPath(name));
    if (length === 0) return hash.digest("hex");
    hash.update(block.subarray(0, length));
  }
}

/** The differences of two snapshots, one readable line each; none if they are equal. */
export function diffSnapshots(a: Map<string, string>, b: Map<string, string>): string[] {
  const differences: string[] = [];
  for (const path of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const before = a.get(path);
    const after = b.get(path);
    if (before === after) continue;
    if (before === undefined) differences.push(`only in the second: ${escape(path)}: ${after}`);
    else if (after === undefined) differences.push(`only in the first: ${escape(path)}: ${before}`);
    else differences.push(`${escape(path)}: ${fields(before, after)}`);
  }
  return differences;
}

/** The fields of two lines that differ. */
export function fields(before: string, after: string): string {
  const first = before.split(" ");
  const second = after.split(" ");
  const gone = first.filter((field) => !second.includes(field));
  const come = second.filter((field) => !first.includes(field));
  return `${gone.join(" ") || "-"} → ${come.join(" ") || "-"}`;
}
