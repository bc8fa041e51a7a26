/**
 * Loop devices: loop(4).
 *
 * @module
 */

import { O_RDONLY, O_RDWR } from "./abi.ts";
import { check, EBUSY, EINVAL, SysError } from "./errno.ts";
import { Fd } from "./fd.ts";
import { ioctl } from "./ioctl.ts";

const LOOP_CTL_GET_FREE = 0x4c82;
const LOOP_CLR_FD = 0x4c01;
const LOOP_CONFIGURE = 0x4c0a;

const LO_FLAGS_READ_ONLY = 1;
const LO_FLAGS_AUTOCLEAR = 4;
const LO_FLAGS_DIRECT_IO = 16;

/** How {@link attachLoop} sets a device up. */
export interface LoopOptions {
  /** Nothing can be written to the device; the file may be open for reading only. */
  readonly readOnly?: boolean;
  /** Read and write the file past the page cache, so that its content is cached once; left out where the file's filesystem cannot. */
  readonly directIo?: boolean;
  /** Give the device back when nobody has it open or mounted any more. */
  readonly autoclear?: boolean;
  /** Logical block size in bytes; 0 or undefined for the kernel's own choice. */
  readonly blockSize?: number;
}

/** A loop device in use. */
export interface Loop extends Disposable {
  /** `/dev/loopN`. */
  readonly path: string;
  /** The open device. With `autoclear` it has to stay open until the device is mounted. */
  readonly fd: Fd;
}

/**
 * Puts a loop device before an open file (LOOP_CONFIGURE, Linux 5.8). Disposing of it closes the device, which with
 * `autoclear` gives it back; without, see {@link detachLoop}.
 *
 * @throws {SysError} EINVAL for LOOP_CONFIGURE from a kernel before 5.8; ENOENT for /dev/loop-control where there are no loop devices.
 */
export function attachLoop(file: number, options: LoopOptions = {}): Loop {
  using control = Fd.open("/dev/loop-control", O_RDWR);
  let flags = 0;
  if (options.readOnly) flags |= LO_FLAGS_READ_ONLY;
  if (options.autoclear) flags |= LO_FLAGS_AUTOCLEAR;
  if (options.directIo) flags |= LO_FLAGS_DIRECT_IO;
  // Between the answer and the use of it another process can take the device: then the next one.
  for (let again = 0; again < 100; again++) {
    const number = check(ioctl(control.n, LOOP_CTL_GET_FREE, null), "ioctl LOOP_CTL_GET_FREE", "");
    const path = `/dev/loop${number}`;
    using fd = Fd.open(path, options.readOnly ? O_RDONLY : O_RDWR);
    let r = configure(fd.n, file, flags, options.blockSize ?? 0);
    if (r === -EINVAL && (flags & LO_FLAGS_DIRECT_IO) !== 0) {
      flags &= ~LO_FLAGS_DIRECT_IO;
      r = configure(fd.n, file, flags, options.blockSize ?? 0);
    }
    if (r === -EBUSY) continue;
    check(r, "ioctl LOOP_CONFIGURE", path);
    const device = Fd.adopt(fd.release());
    return { path, fd: device, [Symbol.dispose]: () => device[Symbol.dispose]() };
  }
  throw new SysError(EBUSY, "ioctl LOOP_CONFIGURE", "/dev/loop*", "others took each free one");
}

/** struct loop_config: descriptor, block size, struct loop_info64 with the flags at 52, 64 bytes reserved. */
function configure(device: number, file: number, flags: number, blockSize: number): number {
  const words = new Uint32Array(304 / 4);
  words[0] = file;
  words[1] = blockSize;
  words[(8 + 52) / 4] = flags;
  return ioctl(device, LOOP_CONFIGURE, words);
}

/**
 * Takes the file away from a loop device (LOOP_CLR_FD): at once, or when the last user closes it.
 *
 * @returns 0 or `-errno`.
 */
export function detachLoop(device: number): number {
  return ioctl(device, LOOP_CLR_FD, null);
}
