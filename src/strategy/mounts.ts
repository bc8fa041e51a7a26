/**
 * The mounts that strategies make: all by the file-descriptor based calls, detached until they are attached at their place.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  check,
  checkMount,
  EBUSY,
  EINVAL,
  EIO,
  EMFILE,
  ENFILE,
  ENOENT,
  ENOMEM,
  Fd,
  findMount,
  finishMount,
  fsconfigCreate,
  fsconfigString,
  MNT_DETACH,
  MOUNT_ATTR_IDMAP,
  MOUNT_SOURCE,
  mountErofs,
  mountOverlay,
  mountSetattr,
  MOVE_MOUNT_F_EMPTY_PATH,
  moveMount,
  O_DIRECTORY,
  O_RDONLY,
  OPEN_TREE_CLONE,
  openFilesystem,
  openTree,
  type OverlayForm,
  type OverlayPart,
  raiseFileLimit,
  readMountTable,
  Stat,
  statx,
  STATX_ATTR_MOUNT_ROOT,
  SysError,
  umount2,
  UMOUNT_NOFOLLOW,
} from "../linux/mod.ts";
import type { DetachedMount, Mounts, OverlaySpec } from "./plugin.ts";

/** OVL_MAX_STACK in the kernel's fs/overlayfs. */
const MAX_LOWER = 500;

class Mount implements DetachedMount {
  readonly #fd: Fd;
  readonly byLoop: boolean;

  constructor(fd: Fd, byLoop = false) {
    this.#fd = fd;
    this.byLoop = byLoop;
  }

  get fd(): number {
    return this.#fd.n;
  }

  get path(): string {
    return `/proc/self/fd/${this.#fd.n}`;
  }

  attach(target: string): void {
    const result = moveMount(this.fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
    check(result, "move_mount", target);
  }

  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}

/**
 * Mounts an overlay.
 *
 * @param form How to tell the kernel the layers; by default the best way that it knows.
 * @throws {SysError} With what the kernel said.
 * @throws {LaminaError} `unsupported` for more layers than overlayfs takes.
 */
export function overlay(spec: OverlaySpec, form?: OverlayForm): DetachedMount {
  const { lower, data = [] } = spec;
  if (lower.length + data.length > MAX_LOWER) {
    throw new LaminaError(
      "unsupported",
      `mounting an overlay of ${lower.length + data.length} layers: overlayfs takes ${MAX_LOWER}`,
      { hint: "Use another strategy, or rebuild the image with fewer layers." },
    );
  }
  // One descriptor for each layer, and the usual limit is 1,024 or less.
  if (lower.length + data.length > 100) raiseFileLimit(2048);
  using stack = new DisposableStack();
  const part = (role: OverlayPart["role"], directory: string | number): OverlayPart => {
    if (typeof directory === "number") return { role, fd: directory, path: undefined };
    const fd = stack.use(Fd.open(directory, O_RDONLY | O_DIRECTORY));
    return { role, fd: fd.n, path: directory };
  };
  const parts = [
    ...lower.map((directory) => part("lowerdir", directory)),
    ...data.map((directory) => part("datadir", directory)),
  ];
  if (spec.upper !== undefined) parts.push(part("upperdir", spec.upper));
  if (spec.work !== undefined) parts.push(part("workdir", spec.work));
  const { options = {}, readOnly } = spec;
  return new Mount(mountOverlay({ parts, options, readOnly }, form));
}

function erofs(
  image: string | number,
  options: { readonly noacl?: boolean; readonly idmap?: number } = {},
): DetachedMount {
  const flags = options.noacl ? ["noacl"] : [];
  const mountImage = (file: Fd, what: string) => {
    const { fd, byLoop } = mountErofs(file, what, flags);
    return mapped(fd, options.idmap, what, byLoop);
  };
  if (typeof image === "number") {
    const file = Fd.adopt(image);
    try {
      return mountImage(file, `descriptor ${image}`);
    } finally {
      file.release();
    }
  }
  using file = Fd.open(image, O_RDONLY);
  return mountImage(file, image);
}

function directory(path: string, options: { readonly idmap?: number } = {}): DetachedMount {
  return mapped(
    Fd.adopt(check(openTree(AT_FDCWD, path, OPEN_TREE_CLONE), "open_tree", path)),
    options.idmap,
    path,
  );
}

/** A mount whose owners go through a user namespace's map, if one is given. */
function mapped(
  fd: Fd,
  userNamespace: number | undefined,
  what: string,
  byLoop = false,
): Mount {
  const mount = new Mount(fd, byLoop);
  if (userNamespace === undefined) return mount;
  const result = mountSetattr(fd.n, "", AT_EMPTY_PATH, { set: MOUNT_ATTR_IDMAP, userNamespace });
  if (result < 0) mount[Symbol.dispose]();
  check(result, "mount_setattr", `${what} (mapping owners)`);
  return mount;
}

function tmpfs(options: { readonly size?: number; readonly mode?: number }): DetachedMount {
  using fs = openFilesystem("tmpfs");
  const set = (name: string, value: string) =>
    checkMount(fsconfigString(fs.n, name, value), fs.n, "tmpfs", `${name}=${value}`);
  set("source", MOUNT_SOURCE);
  set("mode", (options.mode ?? 0o755).toString(8));
  if (options.size !== undefined) set("size", String(options.size));
  checkMount(fsconfigCreate(fs.n), fs.n, "tmpfs", "");
  return new Mount(finishMount(fs.n, false));
}

/** Errors that say nothing about rights. */
const PASSING = [EIO, ENOMEM, ENFILE, EMFILE];

function allowed(): boolean {
  try {
    tmpfs({})[Symbol.dispose]();
    return true;
  } catch (error) {
    if (error instanceof SysError && PASSING.includes(error.errno)) throw error;
    return false;
  }
}

/** Mounts upon mounts are undone one by one; no sane number is larger. */
const MAX_STACKED = 32;

function unmount(path: string): void {
  for (let i = 0; i < MAX_STACKED && isOurs(path); i++) {
    let result = umount2(path, UMOUNT_NOFOLLOW);
    if (result === -EBUSY) result = umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH);
    // EINVAL: nothing, or nothing any more, is mounted there.
    if (result === -EINVAL || result === -ENOENT) return;
    check(result, "umount", path);
  }
}

/** Whether a mount of lamina's is at a path: after a reboot it may be anybody's. */
function isOurs(path: string): boolean {
  const stat = new Stat();
  if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, stat) < 0) return false;
  // Before 5.8 the kernel does not tell; then the record of the composition is all there is to go by.
  if (stat.mountId === 0) return true;
  if ((stat.attributes & STATX_ATTR_MOUNT_ROOT) === 0) return false;
  const mount = findMount(readMountTable(), stat.mountId);
  // The source of an EROFS mount is what the image is read by.
  const byImage = mount?.type === "erofs" && /^\/(proc\/self\/fd|dev\/loop)/.test(mount.source);
  return mount?.source === MOUNT_SOURCE || byImage;
}

/** The {@link Mounts} that plugins get. */
export const mounts: Mounts = {
  allowed,
  maxLower: MAX_LOWER,
  overlay,
  erofs,
  directory,
  tmpfs,
  unmount,
};
