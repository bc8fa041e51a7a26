/**
 * Into a root filesystem: a mount namespace of its own, in which it is the root, with /proc, /dev, /sys and /etc/resolv.conf, and
 * with what is to be written to where it is for reading only.
 *
 * All mounts are made while the host's paths are there, attached to nothing; they find their places once the root is entered, so that a symbolic
 * link of the image leads nowhere else.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import {
  AT_FDCWD,
  AT_RECURSIVE,
  chdir,
  check,
  checkMount,
  chroot,
  CLONE_NEWNS,
  close,
  EEXIST,
  EINVAL,
  ENODEV,
  ENOENT,
  EPERM,
  EROFS,
  Fd,
  fsconfigCreate,
  fsconfigString,
  fsmount,
  mkdirat,
  MNT_DETACH,
  mount,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_SYMLINKS,
  moveMount,
  MS_BIND,
  MS_MOVE,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  O_CREAT,
  O_EXCL,
  O_WRONLY,
  OPEN_TREE_CLONE,
  openat,
  openFilesystem,
  openTree,
  pivotRoot,
  SysError,
  umount2,
  unshare,
} from "../../linux/mod.ts";

/** Devices of the host that every program may expect: null(4), full(4), random(4), tty(4). */
const DEVICES = ["null", "zero", "full", "random", "urandom", "tty"];

/** Links in /dev that point into /proc, as udev makes them, and to the terminals of this /dev. */
const DEVICE_LINKS = {
  fd: "/proc/self/fd",
  stdin: "/proc/self/fd/0",
  stdout: "/proc/self/fd/1",
  stderr: "/proc/self/fd/2",
  ptmx: "pts/ptmx",
};

/** Where programs expect to be able to write, with their modes: in memory where the root is for reading only, as podman-run(1) has it. */
const IN_MEMORY = { "/run": "755", "/tmp": "1777", "/var/tmp": "1777" };

const RESOLV_CONF = "/etc/resolv.conf";
const STRICT = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/**
 * Makes a composed directory or mount the root of this thread and its children, in a mount namespace of its own.
 *
 * @param readOnly Whether nothing can be written there: a composed directory, whose inodes may be the store's, is no mount of its own.
 * @throws {SysError}
 * @throws {LaminaError} `unsupported` where mounts are not allowed.
 */
export function enterRoot(root: string, readOnly: boolean): void {
  const unshared = unshare(CLONE_NEWNS);
  if (unshared === -EPERM) throw notAllowed();
  check(unshared, "unshare", "mount namespace");
  check(mount(null, "/", null, MS_REC | MS_PRIVATE), "mount", "/ as private");
  // In a user namespace that has not all namespaces of its own, only the host's can be shown.
  const proc = filesystem("proc", {}, STRICT) ?? cloneOf("/proc", AT_RECURSIVE);
  const sys = filesystem("sysfs", {}, STRICT | MOUNT_ATTR_RDONLY) ?? cloneOf("/sys", AT_RECURSIVE);
  const device = devices();
  const resolver = cloneOf(RESOLV_CONF);
  const memory = Object.entries(readOnly ? IN_MEMORY : {}).map(([path, mode]) =>
    [path, filesystem("tmpfs", { mode }, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)] as const
  );
  pivot(root);
  attach(proc, "/proc", makeDirectory);
  attach(sys, "/sys", makeDirectory);
  if (attach(device.root, "/dev", makeDirectory)) fillDev(device);
  // The file itself is the host's.
  if (attach(resolver, RESOLV_CONF, makeFile)) makeReadOnly(RESOLV_CONF);
  for (const [path, tree] of memory) attach(tree, path, () => -ENOENT);
  if (readOnly) makeReadOnly("/");
}

/** Of one mount, not of the filesystem that it shows. */
function makeReadOnly(path: string): void {
  const result = mount(null, path, null, MS_REMOUNT | MS_BIND | MS_RDONLY);
  check(result, "mount", `${path} read-only`);
}

/** The error for a process that must not mount. */
export function notAllowed(): LaminaError {
  return new LaminaError(
    "unsupported",
    "running a command in an image takes mounts, for which this process lacks CAP_SYS_ADMIN",
    { hint: "Run it as root, or compose a directory: lamina compose IMAGE TARGET" },
  );
}

/** pivot_root(2) wants a mount, which a composed directory is not. */
function pivot(root: string): void {
  check(mount(root, root, null, MS_BIND | MS_REC), "mount", root);
  check(chdir(root), "chdir", root);
  const result = pivotRoot(".", ".");
  if (result === -EINVAL) {
    // The initial ramfs cannot be pivoted away from: the root is moved above it instead, as switch_root(8) does.
    check(mount(".", "/", null, MS_MOVE), "mount", `${root} as /`);
    check(chroot("."), "chroot", root);
  } else {
    check(result, "pivot_root", root);
    check(umount2(".", MNT_DETACH), "umount", "the old root");
  }
  check(chdir("/"), "chdir", "/");
}

interface Devices {
  readonly root: Fd | undefined;
  readonly nodes: readonly (readonly [name: string, node: Fd])[];
  readonly terminals: Fd | undefined;
  readonly memory: Fd | undefined;
}

function devices(): Devices {
  const nodes = DEVICES.map((name) => [name, cloneOf(`/dev/${name}`)] as const);
  return {
    root: filesystem("tmpfs", { mode: "755", size: "65536" }, MOUNT_ATTR_NOSUID),
    nodes: nodes.filter((entry): entry is [string, Fd] => entry[1] !== undefined),
    terminals: filesystem(
      "devpts",
      { ptmxmode: "0666", mode: "0620" },
      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
    ),
    memory: filesystem("tmpfs", { mode: "1777", size: "67108864" }, STRICT),
  };
}

function fillDev({ nodes, terminals, memory }: Devices): void {
  for (const [name, node] of nodes) attach(node, `/dev/${name}`, makeFile);
  if (terminals !== undefined) attach(terminals, "/dev/pts", makeDirectory);
  if (memory !== undefined) attach(memory, "/dev/shm", makeDirectory);
  for (const [name, target] of Object.entries(DEVICE_LINKS)) {
    Deno.symlinkSync(target, `/dev/${name}`);
  }
}

/** A new filesystem, attached nowhere; undefined where the kernel has it not, or not for this user namespace. */
function filesystem(
  type: string,
  options: Readonly<Record<string, string>>,
  attributes: number,
): Fd | undefined {
  try {
    using fs = openFilesystem(type);
    for (const [name, value] of Object.entries(options)) {
      const result = fsconfigString(fs.n, name, value);
      checkMount(result, fs.n, type, `${name}=${value}`);
    }
    checkMount(fsconfigCreate(fs.n), fs.n, type, "");
    return Fd.adopt(check(fsmount(fs.n, 0, attributes), "fsmount", type));
  } catch (error) {
    if (error instanceof SysError && [EPERM, ENODEV].includes(error.errno)) return undefined;
    throw error;
  }
}

/** A copy of what is at a path of the host, attached nowhere; undefined where nothing is. */
function cloneOf(path: string, flags = 0): Fd | undefined {
  const tree = openTree(AT_FDCWD, path, OPEN_TREE_CLONE | flags);
  if (tree === -ENOENT) return undefined;
  return Fd.adopt(check(tree, "open_tree", path));
}

/**
 * Attaches a mount where a path leads inside the root, and closes it. Returns whether it could: a root that is for reading only may lack the
 * place, and the host may lack the mount.
 *
 * @param make Makes the place; returns 0 or `-errno`.
 */
function attach(tree: Fd | undefined, path: string, make: (path: string) => number): boolean {
  if (tree === undefined) return false;
  using _ = tree;
  const made = make(path);
  if (made !== -EEXIST && made !== -EROFS && made !== -ENOENT) check(made, "make", path);
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS;
  const result = moveMount(tree.n, "", AT_FDCWD, path, flags);
  if (result === -ENOENT) return false;
  check(result, "move_mount", path);
  return true;
}

function makeDirectory(path: string): number {
  return mkdirat(AT_FDCWD, path, 0o755);
}

function makeFile(path: string): number {
  const fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0o644);
  return fd < 0 ? fd : close(fd);
}
