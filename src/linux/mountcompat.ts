/**
 * What differs between kernels about overlay and EROFS mounts. Every workaround names the version that no longer needs it; nothing else
 * in the program asks for a version, and these are found by trying too.
 *
 * @module
 */

import { AT_EMPTY_PATH, AT_FDCWD, O_DIRECTORY, O_RDONLY } from "./abi.ts";
import { check, EINVAL, ENOTBLK, SysError } from "./errno.ts";
import { Fd } from "./fd.ts";
import { attachLoop } from "./loop.ts";
import {
  fsconfigCreate,
  fsconfigFd,
  fsconfigFlag,
  fsconfigString,
  fsMessage,
  fsmount,
  fsopen,
  MNT_DETACH,
  mount,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  moveMount,
  MS_RDONLY,
  OPEN_TREE_CLONE,
  openTree,
  umount2,
} from "./mount.ts";
import { LaminaError } from "../error.ts";
import { recentKernelLine } from "./kernel_log.ts";

/**
 * How overlayfs takes its layers:
 *
 * - `descriptors`: one fsconfig(2) for each, by descriptor. Linux 6.13.
 * - `paths`: one fsconfig(2) for each, by path (`lowerdir+`, `datadir+`). Linux 6.7.
 * - `options`: all in one string for mount(2), of at most a page. Before 6.7.
 */
export type OverlayForm = "descriptors" | "paths" | "options";

/** One directory of an overlay, open, with the option that it is for. */
export interface OverlayPart {
  readonly role: "lowerdir" | "datadir" | "upperdir" | "workdir";
  readonly fd: number;
  /** Its path, where it is known. */
  readonly path: string | undefined;
}

/** An overlay with its directories open, lower ones uppermost first. */
export interface OpenOverlay {
  readonly parts: readonly OverlayPart[];
  readonly options: Readonly<Record<string, string | true>>;
  readonly readOnly: boolean;
}

/** The source that all mounts of lamina's name, as mount(8) lists it. */
export const MOUNT_SOURCE = "lamina";

let known: OverlayForm | undefined;

/** The best form that this kernel knows; asked once. */
function overlayForm(): OverlayForm {
  return known ??= findOverlayForm();
}

function findOverlayForm(): OverlayForm {
  using fs = openFilesystem("overlay");
  // Before 6.5 overlayfs is wrapped for fsconfig(2), which then takes any option and minds at the end.
  if (fsconfigFlag(fs.n, "lamina_no_such_option") === 0) return "options";
  using root = Fd.open("/", O_RDONLY | O_DIRECTORY);
  if (fsconfigFd(fs.n, "lowerdir+", root.n) === 0) return "descriptors";
  return fsconfigString(fs.n, "lowerdir+", "/") === 0 ? "paths" : "options";
}

/** Whether overlayfs can compare fs-verity digests (`verity=`): Linux 6.6. */
export function overlayVerifies(): boolean {
  using fs = openFilesystem("overlay");
  // As in findOverlayForm: a kernel that takes anything does not know this.
  return fsconfigFlag(fs.n, "lamina_no_such_option") !== 0 &&
    fsconfigString(fs.n, "verity", "require") === 0;
}

/** fsopen(2). Linux 5.2; a seccomp filter may refuse it. */
export function openFilesystem(type: string): Fd {
  return Fd.adopt(check(fsopen(type), "fsopen", type));
}

/**
 * Throws a SysError that carries the kernel's own message, if a call on a filesystem that is being made has failed.
 *
 * @param fs From {@link openFilesystem}.
 */
export function checkMount(result: number, fs: number, type: string, what: string): void {
  if (result >= 0) return;
  const message = fsMessage(fs) ||
    recentKernelLine(type === "overlay" ? "overlayfs: " : `${type}: `) ||
    "the kernel's log (dmesg) may say more";
  throw new SysError(-result, `mount ${type}`, what, message);
}

/**
 * Mounts an overlay.
 *
 * @param form By default the best that this kernel knows.
 * @returns The descriptor of the detached mount.
 */
export function mountOverlay(overlay: OpenOverlay, form?: OverlayForm): Fd {
  using fs = openFilesystem("overlay");
  const [first, ...others] = overlay.parts;
  // A kernel that takes the first layer by its descriptor has told its form: most need not be asked.
  const told = form === undefined && fsconfigFd(fs.n, optionOf(first), first.fd) === 0;
  const best = told ? "descriptors" : form ?? overlayForm();
  if (best === "options") return mountByOptions(overlay);
  return mountByParts(fs, told ? { ...overlay, parts: others } : overlay, best);
}

/** The option of fsconfig(2) that adds a directory. */
function optionOf({ role }: OverlayPart): string {
  return role === "lowerdir" || role === "datadir" ? `${role}+` : role;
}

/** @param fs The filesystem that is being made: has nothing yet of what the overlay has. */
function mountByParts(fs: Fd, overlay: OpenOverlay, form: "descriptors" | "paths"): Fd {
  using stack = new DisposableStack();
  const set = (result: number, what: string) => checkMount(result, fs.n, "overlay", what);
  set(fsconfigString(fs.n, "source", MOUNT_SOURCE), "source");
  for (const [name, value] of Object.entries(overlay.options)) {
    const result = value === true ? fsconfigFlag(fs.n, name) : fsconfigString(fs.n, name, value);
    set(result, value === true ? name : `${name}=${value}`);
  }
  if (overlay.readOnly) set(fsconfigFlag(fs.n, "ro"), "ro");
  for (const part of overlay.parts) {
    const option = optionOf(part);
    const what = `${part.role} ${part.path ?? `/proc/self/fd/${part.fd}`}`;
    // Before 6.15 O_PATH descriptors, which those of detached mounts are, are refused.
    if (form === "descriptors" && fsconfigFd(fs.n, option, part.fd) === 0) continue;
    set(fsconfigString(fs.n, option, nameOf(part, stack)), what);
  }
  set(fsconfigCreate(fs.n), "");
  return finishMount(fs.n, overlay.readOnly);
}

/** fsmount(2) of a filesystem that was created. */
export function finishMount(fs: number, readOnly: boolean): Fd {
  return Fd.adopt(check(fsmount(fs, 0, readOnly ? MOUNT_ATTR_RDONLY : 0), "fsmount", ""));
}

/** A path for a layer that is short, and free of what option strings give a meaning to. */
function nameOf(part: OverlayPart, stack: DisposableStack): string {
  const { path, fd } = part;
  if (path === undefined) return stack.use(new Visible(fd)).path;
  // 256 bytes are EINVAL for fsconfig(2); overlayfs takes backslashes away from upperdir= and workdir=.
  const plain = new TextEncoder().encode(path).length < 256 && !path.includes("\\");
  return plain ? path : `/proc/self/fd/${fd}`;
}

function mountByOptions(overlay: OpenOverlay): Fd {
  using stack = new DisposableStack();
  // Paths of descriptors: 4,095 bytes must do for all, and `:`, `,` and `\` need no escaping.
  const descriptors = descriptorDirectory();
  const names = (role: OverlayPart["role"]) =>
    overlay.parts.filter((part) => part.role === role).map((part) =>
      part.path === undefined ? stack.use(new Visible(part.fd)).path : `${descriptors}/${part.fd}`
    );
  const lowers = names("lowerdir");
  const lower = lowers.join(":");
  const data = names("datadir");
  const options: string[] = [];
  for (const role of ["upperdir", "workdir"] as const) {
    for (const name of names(role)) options.push(`${role}=${name}`);
  }
  for (const [name, value] of Object.entries(overlay.options)) {
    options.push(value === true ? name : `${name}=${value}`);
  }
  const place = stack.use(new TemporaryDirectory()).path;
  const flags = overlay.readOnly ? MS_RDONLY : 0;
  let result = 0;
  let all = "";
  // Before 6.5 there are no data-only layers, and `::` is EINVAL: they are ordinary lower ones then, which the opaque root of a composefs
  // image hides.
  for (const separator of data.length === 0 ? [""] : ["::", ":"]) {
    all = [`lowerdir=${[lower, ...data].join(separator)}`, ...options].join(",");
    result = mount(MOUNT_SOURCE, place, "overlay", flags, all);
    if (result !== -EINVAL) break;
    // The stubs in the root of the lowest image would hide the objects from the images above it.
    if (data.length > 0 && lowers.length > 1) {
      throw new LaminaError(
        "unsupported",
        "mounting several metadata images: overlayfs of this kernel has no data-only layers, which came with Linux 6.5",
        { hint: "Leave --layout away: one squashed image needs none." },
      );
    }
  }
  check(result, "mount overlay", all);
  stack.defer(() => void umount2(place, MNT_DETACH));
  return Fd.adopt(check(openTree(AT_FDCWD, place, OPEN_TREE_CLONE), "open_tree", place));
}

/** Where descriptors have the shortest paths: /dev/fd is made by udev or the like, which a small machine may not have. */
function descriptorDirectory(): string {
  try {
    Deno.lstatSync("/dev/fd");
    return "/dev/fd";
  } catch {
    return "/proc/self/fd";
  }
}

/**
 * A detached mount that has a place while an overlay is made over it: before Linux 6.15 overlayfs takes no layer from a mount that is
 * attached nowhere.
 */
class Visible implements Disposable {
  readonly path: string;
  readonly #directory = new TemporaryDirectory();

  constructor(fd: number) {
    this.path = this.#directory.path;
    using copy = Fd.adopt(openTree(fd, "", OPEN_TREE_CLONE | AT_EMPTY_PATH));
    const from = copy.n >= 0 ? copy.n : fd;
    const result = moveMount(from, "", AT_FDCWD, this.path, MOVE_MOUNT_F_EMPTY_PATH);
    if (result < 0) this.#directory[Symbol.dispose]();
    check(result, "move_mount", this.path);
  }

  [Symbol.dispose](): void {
    umount2(this.path, MNT_DETACH);
    this.#directory[Symbol.dispose]();
  }
}

class TemporaryDirectory implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "lamina-" });

  [Symbol.dispose](): void {
    Deno.removeSync(this.path);
  }
}

/** A detached EROFS mount. */
export interface ErofsMount {
  /** Its descriptor. */
  readonly fd: Fd;
  /** Whether it took a loop device. */
  readonly byLoop: boolean;
}

/** Mounts an EROFS image, read-only. */
export function mountErofs(image: Fd, what: string, flags: readonly string[]): ErofsMount {
  const path = `/proc/self/fd/${image.n}`;
  const first = tryErofs(path, what, flags);
  if (first !== undefined) return { fd: first, byLoop: false };
  // Before 6.12 (or without CONFIG_EROFS_FS_BACKED_BY_FILE) EROFS takes block devices only; on tmpfs it does so ever since.
  using loop = attachLoop(image.n, {
    readOnly: true,
    directIo: true,
    autoclear: true,
    blockSize: 4096,
  });
  const second = tryErofs(loop.path, what, flags);
  if (second !== undefined) return { fd: second, byLoop: true };
  throw new SysError(ENOTBLK, "mount erofs", `${what} by ${loop.path}`);
}

/** Mounts an EROFS image; undefined where the kernel wants a block device (ENOTBLK). */
function tryErofs(source: string, what: string, flags: readonly string[]): Fd | undefined {
  using fs = openFilesystem("erofs");
  for (const flag of ["ro", ...flags]) {
    checkMount(fsconfigFlag(fs.n, flag), fs.n, "erofs", flag);
  }
  checkMount(fsconfigString(fs.n, "source", source), fs.n, "erofs", what);
  const created = fsconfigCreate(fs.n);
  if (created === -ENOTBLK) return undefined;
  checkMount(created, fs.n, "erofs", what);
  return finishMount(fs.n, true);
}
