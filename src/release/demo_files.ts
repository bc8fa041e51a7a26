/**
 * Chooses the files of this host that the demo's images are made of: a shell that runs in a chroot, and as much real content as is wanted.
 *
 * @module
 */

import { dirname, join } from "@std/path";

/** A file, directory or symbolic link of this host. */
export interface HostEntry {
  /** Absolute path without symbolic links in its directories. */
  readonly path: string;
  /** Of the entry itself, links not followed. */
  readonly info: Deno.FileInfo;
  /** Target of a symbolic link, else empty. */
  readonly target: string;
  /** The first chosen name of the same inode, of a hard link. */
  readonly firstName: string | undefined;
}

/** A shell, and programs without which it is no fun. */
export const SHELL_PROGRAMS: readonly string[] = [
  ..."sh bash ls cat cp mv rm ln mkdir rmdir chmod chown stat wc head tail sort uniq cut tr sed grep find xargs env true false"
    .split(" "),
  ..."echo printf sleep date id uname df du sha256sum touch readlink dirname basename test expr seq tee dd"
    .split(" "),
];

const PATH = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"];

/** Links within links that are followed, as in the kernel. */
const MAX_LINKS = 40;

/** What is gathered, without duplicates, each directory before what is in it. */
export class HostFiles {
  readonly #below: HostFiles | undefined;
  readonly #entries = new Map<string, HostEntry>();
  /** First names by device and inode. */
  readonly #inodes = new Map<string, string>();
  #files = 0;
  #bytes = 0;

  /** @param below What lies in the layers below: files and links of it are not chosen again. */
  constructor(below?: HostFiles) {
    this.#below = below;
  }

  /** Regular files so far. */
  get files(): number {
    return this.#files;
  }

  /** Bytes of their content so far, each inode once. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a path is chosen, here or below. */
  has(path: string): boolean {
    return this.find(path) !== undefined;
  }

  /** The chosen entry of a path, here or below. */
  find(path: string): HostEntry | undefined {
    return this.#entries.get(path) ?? this.#below?.find(path);
  }

  /** All that is chosen. */
  entries(): Iterable<HostEntry> {
    return this.#entries.values();
  }

  /**
   * Chooses a path, the directories above it, and, where they or it are symbolic links, what these lead to. Nothing happens when there is
   * no such file, or it may not be read.
   */
  add(path: string): void {
    const parent = this.#entries.get(path.slice(0, path.lastIndexOf("/")));
    if (parent?.info.isDirectory) {
      const info = lstat(path);
      if (info?.isFile) return void this.#put(path, info);
    }
    let rest = path.split("/").filter((part) => part !== "");
    let at = "";
    for (let links = 0; rest.length > 0 && links <= MAX_LINKS;) {
      const part = rest.shift()!;
      if (part === ".") continue;
      if (part === "..") {
        at = at.slice(0, Math.max(0, at.lastIndexOf("/")));
        continue;
      }
      const here = `${at}/${part}`;
      const info = lstat(here);
      if (info === undefined || !this.#put(here, info)) return;
      if (!info.isSymlink) {
        at = here;
        continue;
      }
      const target = this.find(here)!.target;
      links++;
      if (target.startsWith("/")) at = "";
      rest = [...target.split("/").filter((piece) => piece !== ""), ...rest];
    }
  }

  /** Chooses one entry whose directories are no symbolic links; these are chosen too. Returns whether it could be. */
  #put(path: string, info: Deno.FileInfo): boolean {
    if (info.isDirectory ? this.#entries.has(path) : this.has(path)) return true;
    if (!info.isDirectory && !info.isSymlink && !info.isFile) return false;
    let firstName: string | undefined;
    let target = "";
    if (info.isSymlink) target = Deno.readLinkSync(path);
    else if (info.isFile) {
      if (!isReadable(path)) return false;
      const inode = `${info.dev}:${info.ino}`;
      firstName = (info.nlink ?? 1) > 1 ? this.#inodes.get(inode) : undefined;
      if (firstName === undefined) {
        this.#inodes.set(inode, path);
        this.#files++;
        this.#bytes += info.size;
      }
    }
    this.#entries.set(path, { path, info, target, firstName });
    return true;
  }
}

/** Chooses programs along PATH, with the shared libraries that they need; those that are missing are left out. */
export async function addPrograms(files: HostFiles, programs: readonly string[]): Promise<void> {
  const found = programs.flatMap((name) => {
    const path = PATH.map((directory) => `${directory}/${name}`).find((file) =>
      lstat(file) !== undefined
    );
    return path === undefined ? [] : [path];
  });
  // On a merged /usr these are symbolic links, which scripts that start with #!/bin/sh need.
  for (const path of ["/bin/sh", "/sbin", "/lib", "/lib64", ...found]) files.add(path);
  for (const library of await librariesOf(found)) files.add(library);
}

/** The shared libraries of programs, as the dynamic loader finds them (ldd(1)). */
async function librariesOf(programs: readonly string[]): Promise<string[]> {
  let stdout: Uint8Array;
  try {
    ({ stdout } = await new Deno.Command("ldd", {
      args: [...programs],
      stdout: "piped",
      stderr: "null",
    }).output());
  } catch {
    return [];
  }
  const paths = new TextDecoder().decode(stdout).matchAll(
    /^\t(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/gm,
  );
  return [...new Set([...paths].map(([, path]) => path))];
}

/** How much is wanted. */
export interface Quota {
  /** Regular files of at most {@link SMALL} bytes. */
  readonly smallFiles: number;
  /** Bytes in all; reached by larger files, and where there are not enough of these by small ones. */
  readonly bytes: number;
}

/** What counts as a small file: 64 KiB. */
const SMALL = 64 << 10;
/** Larger ones than this are left out: 160 MiB. */
const HUGE = 160 << 20;
/** Entries looked at, so that a huge host costs no time. */
const MAX_LOOKED = 150_000;

/**
 * Chooses files below directories, in their order and in byte order within, until the quota is met.
 *
 * @param exclude Paths that are passed over, with all below them.
 */
export function addBelow(
  files: HostFiles,
  roots: readonly string[],
  quota: Quota,
  exclude: ReadonlySet<string> = new Set(),
): void {
  const wantedBytes = files.bytes + quota.bytes;
  let small = quota.smallFiles;
  const spare: string[] = [];
  const links: { path: string; target: string }[] = [];
  let looked = 0;
  for (const root of roots) {
    for (const { path, info } of walk(root, exclude)) {
      if (++looked > MAX_LOOKED || (small <= 0 && files.bytes >= wantedBytes)) break;
      if (files.has(path)) continue;
      if (info.isSymlink) links.push({ path, target: destination(path) });
      else if (info.size > SMALL) {
        if (info.size <= HUGE && files.bytes < wantedBytes) files.add(path);
      } else if (small > 0) {
        files.add(path);
        small--;
      } else spare.push(path);
    }
  }
  for (const path of spare) {
    if (files.bytes >= wantedBytes) break;
    files.add(path);
  }
  for (const { path, target } of links) if (files.has(target)) files.add(path);
}

/** Where a symbolic link leads, as far as its text says. */
function destination(path: string): string {
  const target = Deno.readLinkSync(path);
  return target.startsWith("/") ? target : join(dirname(path), target);
}

/** Regular files and symbolic links below a directory of one filesystem, depth first; what cannot be read is passed over. */
function* walk(
  directory: string,
  exclude: ReadonlySet<string> = new Set(),
): Generator<{ path: string; info: Deno.FileInfo }> {
  if (exclude.has(directory)) return;
  let names: string[];
  try {
    names = [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
  } catch {
    return;
  }
  for (const name of names) {
    const path = `${directory}/${name}`;
    const info = exclude.has(path) ? undefined : lstat(path);
    if (info === undefined) continue;
    if (info.isDirectory) yield* walk(path, exclude);
    else if (info.isFile || info.isSymlink) yield { path, info };
  }
}

function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}

function isReadable(path: string): boolean {
  try {
    Deno.openSync(path).close();
    return true;
  } catch {
    return false;
  }
}
