/**
 * Files that have their content in another place: overlayfs' metacopy with a redirect into a data-only layer, as composefs has them
 * (Documentation/filesystems/overlayfs.rst, "Data-only lower layers"). By them a filesystem without reflinks has a content once however many
 * files of other owners and times have it too.
 *
 * @module
 */

import {
  AT_FDCWD,
  check,
  Fd,
  fsetxattr,
  ftruncate,
  mkdirat,
  mountOverlay,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_WRONLY,
  removeTree,
  writeAll,
} from "../linux/mod.ts";
import type { Inode } from "../tree/inode.ts";
import { toBytes } from "../tree/latin1.ts";
import { EMPTY_VALUE } from "./marks.ts";
import { xattrKey } from "./xattr_keys.ts";

/** overlayfs' mark of a file without its content. */
const METACOPY = "trusted.overlay.metacopy";
const REDIRECT = "trusted.overlay.redirect";

/**
 * Makes an empty file one whose content overlayfs finds in a data-only layer.
 *
 * @param name The content's name in the root of that layer. With at most 22 characters the marks fit into an inode of ext4 (256 bytes); else
 * they would take a block.
 * @throws {SysError}
 */
export function makeMetacopy(fd: number, name: string, size: number): void {
  check(ftruncate(fd, size), "ftruncate", "the file");
  check(fsetxattr(fd, xattrKey(REDIRECT), toBytes(`/${name}`)), "setxattr", REDIRECT);
  check(fsetxattr(fd, xattrKey(METACOPY), EMPTY_VALUE), "setxattr", METACOPY);
}

/** A file with more marks than those of {@link makeMetacopy} takes this many bytes for them on ext4, so that a smaller one is better written. */
const MARKS_BLOCK = 4096;

/** Whether a file takes less when its content is elsewhere. */
export function isWorthMarks({ size, xattrs }: Inode): boolean {
  return xattrs === null || size > MARKS_BLOCK;
}

/** Whether this process can mount an overlay that shows such files (Linux 6.5): tried in a scratch directory, which must not be there yet. */
export function metacopyWorks(scratch: string): boolean {
  try {
    check(mkdirat(AT_FDCWD, scratch, 0o700), "mkdir", scratch);
    return showsContent(scratch);
  } catch {
    return false;
  } finally {
    removeTree(AT_FDCWD, scratch);
  }
}

function showsContent(scratch: string): boolean {
  using stack = new DisposableStack();
  const directory = (name: string) => {
    const path = `${scratch}/${name}`;
    check(mkdirat(AT_FDCWD, path, 0o700), "mkdir", path);
    return { path, fd: stack.use(Fd.open(path, O_RDONLY | O_DIRECTORY)).n };
  };
  const [above, below, data] = ["above", "below", "data"].map(directory);
  const file = (path: string) => stack.use(Fd.open(path, O_WRONLY | O_CREAT, 0o600)).n;
  check(writeAll(file(`${data.path}/content`), Uint8Array.of(1, 2, 3)), "write", data.path);
  makeMetacopy(file(`${above.path}/file`), "content", 3);
  using mount = mountOverlay({
    parts: [
      { role: "lowerdir", ...above },
      { role: "lowerdir", ...below },
      { role: "datadir", ...data },
    ],
    options: { metacopy: "on", redirect_dir: "on" },
    readOnly: true,
  });
  const shown = Deno.readFileSync(`/proc/self/fd/${mount.n}/file`);
  return shown.length === 3 && shown[2] === 3;
}
