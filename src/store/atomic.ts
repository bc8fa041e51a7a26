/**
 * Files that are there whole or not at all, also after a crash.
 *
 * @module
 */

import { dirname } from "@std/path";
import {
  AT_FDCWD,
  check,
  EEXIST,
  ENOTEMPTY,
  Fd,
  fsync,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_RDONLY,
  O_WRONLY,
  RENAME_NOREPLACE,
  renameat2,
  sync_file_range,
  SYNC_FILE_RANGE_WRITE,
  syncfs,
  writeAll,
} from "../linux/mod.ts";

/** Makes the names in a directory durable (fsync(2) of a directory). */
export function syncDirectory(path: string): void {
  using directory = Fd.open(path, O_RDONLY | O_DIRECTORY);
  check(fsync(directory.n), "fsync", path);
}

/** Makes all that was written to a directory's filesystem durable (syncfs(2)). */
export function syncFilesystem(path: string): void {
  using directory = Fd.open(path, O_RDONLY | O_DIRECTORY);
  check(syncfs(directory.n), "syncfs", path);
}

/** Creates a file, which must not exist, with its content made durable; its name is durable only after {@link syncDirectory}. */
export function writeDurably(path: string, content: Uint8Array | string): void {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  using file = Fd.open(path, O_WRONLY | O_CREAT | O_EXCL, 0o644);
  check(writeAll(file.n, bytes), "write", path);
  check(fsync(file.n), "fsync", path);
}

/** Creates or replaces a file at once: a reader, or a crash, finds the old content or the new. `scratch` is a directory on the same filesystem. */
export function replaceFile(path: string, content: Uint8Array | string, scratch: string): void {
  const temporary = `${scratch}/${crypto.randomUUID()}`;
  try {
    writeDurably(temporary, content);
    Deno.renameSync(temporary, path);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  }
  syncDirectory(dirname(path));
}

/**
 * Creates or replaces a file at once, as {@link replaceFile} does, for readers and against being killed; but it does not wait for the disk: for
 * milliseconds a crash of the machine leaves the file as it was, or empty. Not for what must outlive that.
 *
 * @param options `brief`: it will be exchanged again in a moment, so the disk is not even asked to begin: the milliseconds are seconds.
 */
export function exchangeFile(
  path: string,
  content: string,
  scratch: string,
  options: { readonly brief?: boolean } = {},
): void {
  const temporary = `${scratch}/${crypto.randomUUID()}`;
  try {
    using file = Fd.open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o644);
    check(writeAll(file.n, new TextEncoder().encode(content)), "write", temporary);
    if (!options.brief) sync_file_range(file.n, 0, 0, SYNC_FILE_RANGE_WRITE);
    Deno.renameSync(temporary, path);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  }
}

/** Makes a file durable and gives it another name on the same filesystem: a reader, or a crash, finds what had that name, or the file. */
export function moveDurably(from: string, to: string): void {
  {
    using file = Fd.open(from, O_RDONLY);
    check(fsync(file.n), "fsync", from);
  }
  Deno.renameSync(from, to);
  syncDirectory(dirname(to));
}

/** Creates a file at once, durably; returns whether it did: where the name is taken it does nothing. `scratch` as in {@link replaceFile}. */
export function createFile(path: string, content: Uint8Array | string, scratch: string): boolean {
  const temporary = `${scratch}/${crypto.randomUUID()}`;
  try {
    writeDurably(temporary, content);
    if (!renameNew(temporary, path)) return false;
  } finally {
    removeIfThere(temporary);
  }
  syncDirectory(dirname(path));
  return true;
}

/** Renames unless the new name is taken (renameat2(2), RENAME_NOREPLACE); returns whether it did. */
export function renameNew(from: string, to: string): boolean {
  const result = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
  if (result === -EEXIST || result === -ENOTEMPTY) return false;
  check(result, "renameat2", `${from} to ${to}`);
  return true;
}

/** Reads a file, or undefined when it is not there. */
export function readIfThere(path: string): Uint8Array | undefined {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Removes a file or a whole directory; one that is not there is no error. Only for what is ours: it goes by path. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The names in a directory, in order; none when it is not there. */
export function listDirectory(path: string): string[] {
  try {
    return Array.from(Deno.readDirSync(path), (entry) => entry.name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
