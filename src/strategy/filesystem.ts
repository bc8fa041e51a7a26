/**
 * What tells filesystems and mounts apart: for keys of what is remembered about them.
 *
 * @module
 */

import {
  AT_FDCWD,
  check,
  Fd,
  findMount,
  fstatfs,
  O_DIRECTORY,
  O_RDONLY,
  readMountTable,
  Stat,
  statx,
  STATX_ATTR_MOUNT_ROOT,
} from "../linux/mod.ts";

/** The identity of what holds a directory. */
export interface FilesystemId {
  /** Type, filesystem and options, in one line: equal for equal behaviour as long as the system runs. */
  readonly key: string;
  /** The mount that it was reached by; hard links stay within one. */
  readonly mount: number;
}

/**
 * Identifies the filesystem of a directory.
 *
 * @param mounts The table of mounts, for several of them.
 * @throws {SysError} If it cannot be opened.
 */
export function identify(path: string, mounts: string = readMountTable()): FilesystemId {
  using directory = Fd.open(path, O_RDONLY | O_DIRECTORY);
  const stat = new Stat();
  check(statx(AT_FDCWD, path, 0, stat), "statx", path);
  const { type, fsid } = fstatfs(directory.n);
  const mount = findMount(mounts, stat.mountId);
  const device = `${stat.devMajor}:${stat.devMinor}`;
  const options = mount === undefined ? "" : `${mount.type} ${mount.options} ${mount.superOptions}`;
  return { key: `${type.toString(16)} ${device} ${fsid} ${options}`, mount: stat.mountId };
}

/** Whether a path is a mount point; by its parent's device on kernels before 5.8, which misses bind mounts. */
export function isMountPoint(path: string): boolean {
  const stat = new Stat();
  if (statx(AT_FDCWD, path, 0, stat) < 0) return false;
  if ((stat.attributes & STATX_ATTR_MOUNT_ROOT) !== 0) return true;
  const [major, minor] = [stat.devMajor, stat.devMinor];
  return statx(AT_FDCWD, `${path}/..`, 0, stat) === 0 &&
    (stat.devMajor !== major || stat.devMinor !== minor);
}
