/**
 * ioctl(2).
 *
 * @module
 */

import { EINTR } from "./errno.ts";
import { bind, errno, type Libc } from "./libc.ts";

let fn_buffer: Libc["ioctlBuffer"] | undefined;
let fn_number: Libc["ioctlNumber"] | undefined;

/**
 * ioctl(2) with a structure, nothing, or a number (an `int`) as its argument.
 *
 * @returns The kernel's result, or `-errno`.
 */
export function ioctl(
  fd: number,
  request: number,
  argument: ArrayBufferView | number | null,
): number {
  if (typeof argument === "number") {
    for (;;) {
      const r = fn_number?.(fd, request, argument) ??
        bind("ioctlNumber", (f) => fn_number = f)(fd, request, argument);
      if (r >= 0) return r;
      const e = errno[0];
      if (e !== EINTR) return -e;
    }
  }
  for (;;) {
    const r = fn_buffer?.(fd, request, argument) ??
      bind("ioctlBuffer", (f) => fn_buffer = f)(fd, request, argument);
    if (r >= 0) return r;
    const e = errno[0];
    if (e !== EINTR) return -e;
  }
}
