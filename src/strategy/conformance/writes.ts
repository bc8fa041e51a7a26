/**
 * All the ways to change something in a composed tree.
 *
 * @module
 */

import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  check,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  fallocate,
  fchownat,
  Fd,
  linkat,
  mknodat,
  O_RDWR,
  removexattrat,
  setxattrat,
  writeMapped,
} from "../../linux/mod.ts";
import { bytesOf } from "./images/mod.ts";
import { directory, file, hardlink, symlink, type TarPiece } from "./tar.ts";

/** One way to change something. */
export interface Write {
  readonly id: string;
  /** What it does, as the end of "… by". */
  readonly says: string;
  /** Whether it takes root's rights. */
  readonly privileged?: true;
  /** What is there before, in the layer. */
  readonly victim: (path: string) => TarPiece[];
  /** Does it to the composed tree. */
  readonly act: (path: string) => void;
}

const plain = (path: string) => [file(path, bytesOf(9000, path.length), { mode: 0o644 })];
const folder = (path: string) => [directory(path), file(`${path}/child`, bytesOf(600, 1))];

function opened(path: string, act: (file: Deno.FsFile) => void): void {
  using file = Deno.openSync(path, { read: true, write: true });
  act(file);
}

const SHORT = new TextEncoder().encode("OVERWRITTEN");

/** See the module. */
export const WRITES: readonly Write[] = [
  {
    id: "write",
    says: "writing over the beginning of a file",
    victim: plain,
    act: (path) => opened(path, (file) => void file.writeSync(SHORT)),
  },
  {
    id: "write-tiny",
    says: "writing to a tiny file",
    victim: (path) => [file(path, "tiny")],
    act: (path) => opened(path, (file) => void file.writeSync(SHORT)),
  },
  {
    id: "write-large",
    says: "writing into the middle of a large file",
    victim: (path) => [file(path, bytesOf(600_000, 7))],
    act: (path) =>
      opened(path, (file) => {
        file.seekSync(300_000, Deno.SeekMode.Start);
        file.writeSync(SHORT);
      }),
  },
  {
    id: "write-empty",
    says: "writing to an empty file",
    victim: (path) => [file(path, "")],
    act: (path) => opened(path, (file) => void file.writeSync(SHORT)),
  },
  {
    id: "append",
    says: "appending",
    victim: plain,
    act: (path) => Deno.writeTextFileSync(path, "appended", { append: true }),
  },
  {
    id: "truncate",
    says: "cutting a file short",
    victim: plain,
    act: (path) => Deno.truncateSync(path, 10),
  },
  {
    id: "replace-content",
    says: "opening with O_TRUNC and writing",
    victim: plain,
    act: (path) => Deno.writeTextFileSync(path, "new"),
  },
  {
    id: "mmap",
    says: "a shared mapping",
    victim: plain,
    act(path) {
      using fd = Fd.open(path, O_RDWR);
      writeMapped(fd.n, SHORT);
    },
  },
  {
    id: "punch-hole",
    says: "punching a hole",
    victim: (path) => [file(path, bytesOf(50_000, 3))],
    act(path) {
      using fd = Fd.open(path, O_RDWR);
      check(
        fallocate(fd.n, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 8192),
        "fallocate",
        path,
      );
    },
  },
  {
    id: "chmod",
    says: "chmod of a file",
    victim: plain,
    act: (path) => Deno.chmodSync(path, 0o600),
  },
  {
    id: "chmod-directory",
    says: "chmod of a directory",
    victim: folder,
    act: (path) => Deno.chmodSync(path, 0o700),
  },
  {
    id: "chown",
    privileged: true,
    says: "chown of a file",
    victim: plain,
    act: (path) => Deno.chownSync(path, 77, 78),
  },
  {
    id: "chown-directory",
    privileged: true,
    says: "chown of a directory",
    victim: folder,
    act: (path) => Deno.chownSync(path, 77, 78),
  },
  {
    id: "chown-symlink",
    privileged: true,
    says: "chown of a symbolic link itself",
    victim: (path) => [symlink(path, "nowhere")],
    act: (path) => check(fchownat(AT_FDCWD, path, 77, 78, AT_SYMLINK_NOFOLLOW), "chown", path),
  },
  {
    id: "utimes",
    says: "setting its time",
    victim: plain,
    act: (path) => Deno.utimeSync(path, 1, 1),
  },
  {
    id: "setxattr",
    says: "setting an xattr",
    victim: plain,
    act: (path) => check(setxattrat(AT_FDCWD, path, "user.new", SHORT), "setxattr", path),
  },
  {
    id: "change-xattr",
    says: "changing an xattr",
    victim: (path) => [file(path, "x", { xattrs: { "user.old": "old" } })],
    act: (path) => check(setxattrat(AT_FDCWD, path, "user.old", SHORT), "setxattr", path),
  },
  {
    id: "removexattr",
    says: "removing an xattr",
    victim: (path) => [file(path, "x", { xattrs: { "user.old": "old" } })],
    act: (path) => check(removexattrat(AT_FDCWD, path, "user.old"), "removexattr", path),
  },
  { id: "unlink", says: "removing a file", victim: plain, act: (path) => Deno.removeSync(path) },
  {
    id: "remove-directory",
    says: "removing a directory with all in it",
    victim: folder,
    act: (path) => Deno.removeSync(path, { recursive: true }),
  },
  {
    id: "rename",
    says: "renaming a file",
    victim: plain,
    act: (path) => Deno.renameSync(path, `${path}-moved`),
  },
  {
    id: "rename-directory",
    says: "renaming a directory",
    victim: folder,
    act: (path) => Deno.renameSync(path, `${path}-moved`),
  },
  {
    id: "rename-over",
    says: "renaming another file over it",
    victim: plain,
    act(path) {
      Deno.writeTextFileSync(`${path}-new`, "another");
      Deno.renameSync(`${path}-new`, path);
    },
  },
  {
    id: "link-and-write",
    says: "writing through a new hard link",
    victim: plain,
    act(path) {
      check(linkat(AT_FDCWD, path, AT_FDCWD, `${path}-link`), "link", path);
      Deno.writeTextFileSync(`${path}-link`, "through the link");
    },
  },
  {
    id: "write-group",
    says: "writing to one name of a hard-link group",
    victim: (path) => [file(path, bytesOf(7000, 2)), hardlink(`${path}-too`, path)],
    act: (path) => Deno.writeTextFileSync(`${path}-too`, "group"),
  },
  {
    id: "create",
    says: "making a file in a directory",
    victim: folder,
    act: (path) => Deno.writeTextFileSync(`${path}/new`, "new"),
  },
  {
    id: "mkdir",
    says: "making a directory in a directory",
    victim: folder,
    act: (path) => Deno.mkdirSync(`${path}/new`),
  },
  {
    id: "mknod",
    says: "making a fifo in a directory",
    victim: folder,
    act: (path) => check(mknodat(AT_FDCWD, `${path}/fifo`, 0o010600, 0), "mknod", path),
  },
];
