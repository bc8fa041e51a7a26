/**
 * Error numbers of the kernel, and the error that carries one.
 *
 * Functions of this room return the kernel's result or `-errno` and never throw; {@link check} makes an exception of it
 * where the caller wants one. The numbers are those of `asm-generic/errno.h`, the same on x86_64 and aarch64; the
 * texts are glibc's strerror(3).
 *
 * @module
 */

/** Operation not permitted. */
export const EPERM = 1;
/** No such file or directory. */
export const ENOENT = 2;
/** No such process. */
export const ESRCH = 3;
/** Interrupted system call. */
export const EINTR = 4;
/** Input/output error. */
export const EIO = 5;
/** No such device or address. */
export const ENXIO = 6;
/** Argument list too long. */
export const E2BIG = 7;
/** Exec format error. */
export const ENOEXEC = 8;
/** Bad file descriptor. */
export const EBADF = 9;
/** No child processes. */
export const ECHILD = 10;
/** Resource temporarily unavailable. */
export const EAGAIN = 11;
/** Cannot allocate memory. */
export const ENOMEM = 12;
/** Permission denied. */
export const EACCES = 13;
/** Bad address. */
export const EFAULT = 14;
/** Block device required. */
export const ENOTBLK = 15;
/** Device or resource busy. */
export const EBUSY = 16;
/** File exists. */
export const EEXIST = 17;
/** Invalid cross-device link. */
export const EXDEV = 18;
/** No such device. */
export const ENODEV = 19;
/** Not a directory. */
export const ENOTDIR = 20;
/** Is a directory. */
export const EISDIR = 21;
/** Invalid argument. */
export const EINVAL = 22;
/** Too many open files in system. */
export const ENFILE = 23;
/** Too many open files. */
export const EMFILE = 24;
/** Inappropriate ioctl for device. */
export const ENOTTY = 25;
/** Text file busy. */
export const ETXTBSY = 26;
/** File too large. */
export const EFBIG = 27;
/** No space left on device. */
export const ENOSPC = 28;
/** Illegal seek. */
export const ESPIPE = 29;
/** Read-only file system. */
export const EROFS = 30;
/** Too many links. */
export const EMLINK = 31;
/** Broken pipe. */
export const EPIPE = 32;
/** Numerical result out of range. */
export const ERANGE = 34;
/** File name too long. */
export const ENAMETOOLONG = 36;
/** No locks available. */
export const ENOLCK = 37;
/** Function not implemented. */
export const ENOSYS = 38;
/** Directory not empty. */
export const ENOTEMPTY = 39;
/** Too many levels of symbolic links. */
export const ELOOP = 40;
/** No data available. */
export const ENODATA = 61;
/** Protocol error. */
export const EPROTO = 71;
/** Bad message. */
export const EBADMSG = 74;
/** Value too large for defined data type. */
export const EOVERFLOW = 75;
/** Invalid or incomplete multibyte or wide character. */
export const EILSEQ = 84;
/** Operation not supported. */
export const EOPNOTSUPP = 95;
/** The same number as {@link EOPNOTSUPP}. */
export const ENOTSUP: typeof EOPNOTSUPP = EOPNOTSUPP;
/** Connection timed out. */
export const ETIMEDOUT = 110;
/** Stale file handle. */
export const ESTALE = 116;
/** Structure needs cleaning. */
export const EUCLEAN = 117;
/** Remote I/O error. */
export const EREMOTEIO = 121;
/** Disk quota exceeded. */
export const EDQUOT = 122;
/** No medium found. */
export const ENOMEDIUM = 123;
/** Wrong medium type. */
export const EMEDIUMTYPE = 124;
/** Operation canceled. */
export const ECANCELED = 125;
/** Required key not available. */
export const ENOKEY = 126;
/** Key was rejected by service. */
export const EKEYREJECTED = 129;

const TEXTS: ReadonlyMap<number, readonly [code: string, text: string]> = new Map([
  [EPERM, ["EPERM", "Operation not permitted"]],
  [ENOENT, ["ENOENT", "No such file or directory"]],
  [ESRCH, ["ESRCH", "No such process"]],
  [EINTR, ["EINTR", "Interrupted system call"]],
  [EIO, ["EIO", "Input/output error"]],
  [ENXIO, ["ENXIO", "No such device or address"]],
  [E2BIG, ["E2BIG", "Argument list too long"]],
  [ENOEXEC, ["ENOEXEC", "Exec format error"]],
  [EBADF, ["EBADF", "Bad file descriptor"]],
  [ECHILD, ["ECHILD", "No child processes"]],
  [EAGAIN, ["EAGAIN", "Resource temporarily unavailable"]],
  [ENOMEM, ["ENOMEM", "Cannot allocate memory"]],
  [EACCES, ["EACCES", "Permission denied"]],
  [EFAULT, ["EFAULT", "Bad address"]],
  [ENOTBLK, ["ENOTBLK", "Block device required"]],
  [EBUSY, ["EBUSY", "Device or resource busy"]],
  [EEXIST, ["EEXIST", "File exists"]],
  [EXDEV, ["EXDEV", "Invalid cross-device link"]],
  [ENODEV, ["ENODEV", "No such device"]],
  [ENOTDIR, ["ENOTDIR", "Not a directory"]],
  [EISDIR, ["EISDIR", "Is a directory"]],
  [EINVAL, ["EINVAL", "Invalid argument"]],
  [ENFILE, ["ENFILE", "Too many open files in system"]],
  [EMFILE, ["EMFILE", "Too many open files"]],
  [ENOTTY, ["ENOTTY", "Inappropriate ioctl for device"]],
  [ETXTBSY, ["ETXTBSY", "Text file busy"]],
  [EFBIG, ["EFBIG", "File too large"]],
  [ENOSPC, ["ENOSPC", "No space left on device"]],
  [ESPIPE, ["ESPIPE", "Illegal seek"]],
  [EROFS, ["EROFS", "Read-only file system"]],
  [EMLINK, ["EMLINK", "Too many links"]],
  [EPIPE, ["EPIPE", "Broken pipe"]],
  [ERANGE, ["ERANGE", "Numerical result out of range"]],
  [ENAMETOOLONG, ["ENAMETOOLONG", "File name too long"]],
  [ENOLCK, ["ENOLCK", "No locks available"]],
  [ENOSYS, ["ENOSYS", "Function not implemented"]],
  [ENOTEMPTY, ["ENOTEMPTY", "Directory not empty"]],
  [ELOOP, ["ELOOP", "Too many levels of symbolic links"]],
  [ENODATA, ["ENODATA", "No data available"]],
  [EPROTO, ["EPROTO", "Protocol error"]],
  [EBADMSG, ["EBADMSG", "Bad message"]],
  [EOVERFLOW, ["EOVERFLOW", "Value too large for defined data type"]],
  [EILSEQ, ["EILSEQ", "Invalid or incomplete multibyte or wide character"]],
  [EOPNOTSUPP, ["EOPNOTSUPP", "Operation not supported"]],
  [ETIMEDOUT, ["ETIMEDOUT", "Connection timed out"]],
  [ESTALE, ["ESTALE", "Stale file handle"]],
  [EUCLEAN, ["EUCLEAN", "Structure needs cleaning"]],
  [EREMOTEIO, ["EREMOTEIO", "Remote I/O error"]],
  [EDQUOT, ["EDQUOT", "Disk quota exceeded"]],
  [ENOMEDIUM, ["ENOMEDIUM", "No medium found"]],
  [EMEDIUMTYPE, ["EMEDIUMTYPE", "Wrong medium type"]],
  [ECANCELED, ["ECANCELED", "Operation canceled"]],
  [ENOKEY, ["ENOKEY", "Required key not available"]],
  [EKEYREJECTED, ["EKEYREJECTED", "Key was rejected by service"]],
]);

/** The symbolic name of an error number (`ENOENT`), or `errno N` for one that this room does not know. */
export function errnoCode(errno: number): string {
  return TEXTS.get(errno)?.[0] ?? `errno ${errno}`;
}

/** What strerror(3) says about an error number. */
export function errnoText(errno: number): string {
  return TEXTS.get(errno)?.[1] ?? "Unknown error";
}

/** A system call that failed. Its message is like `linkat /a/b: Invalid cross-device link (EXDEV)`. */
export class SysError extends Error {
  /** What a caller can tell it by where `instanceof` does not reach (another realm). */
  override readonly name = "SysError";
  /** The error number, positive. */
  readonly errno: number;
  /** Its name: `ENOENT`. */
  readonly code: string;
  /** The system call: `openat`. */
  readonly syscall: string;
  /** What it was about, mostly a path; may be empty. */
  readonly subject: string;

  /**
   * Makes an error of a number.
   *
   * @param errno The error number, positive.
   * @param syscall The system call.
   * @param subject What it was about, as a person should read it.
   * @param detail More than strerror(3) says, such as the kernel's own message about a mount.
   */
  constructor(errno: number, syscall: string, subject: string, detail = "") {
    const code = errnoCode(errno);
    const what = subject === "" ? syscall : `${syscall} ${subject}`;
    super(`${what}: ${errnoText(errno)} (${code})${detail === "" ? "" : `: ${detail}`}`);
    this.errno = errno;
    this.code = code;
    this.syscall = syscall;
    this.subject = subject;
  }
}

/**
 * Passes a result on, or throws if it is `-errno`.
 *
 * @param result What a function of this room returned.
 * @param syscall The system call, for the message.
 * @param subject What it was about, for the message.
 * @throws {SysError} If the result is negative.
 */
export function check(result: number, syscall: string, subject: string): number {
  if (result < 0) throw new SysError(-result, syscall, subject);
  return result;
}
