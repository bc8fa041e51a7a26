/**
 * PAX extended headers: POSIX pax(1), "pax Extended Header", with the SCHILY.xattr and GNU.sparse keywords.
 *
 * @module
 */

import type { LaminaError } from "../error.ts";
import { limitError, type Limits } from "../limits.ts";
import type { ByteString } from "../tree/inode.ts";
import { toByteString } from "./header.ts";
import { malformed } from "./malformed.ts";
import { tooManyParts } from "./sparse.ts";

const XATTR = "SCHILY.xattr.";
const SPARSE = "GNU.sparse.";

/** What the records of an extended header set. Undefined: not set, the header block counts. */
export class PaxFields {
  path: ByteString | undefined;
  linkpath: ByteString | undefined;
  size: number | undefined;
  uid: number | undefined;
  gid: number | undefined;
  mtime: number | undefined;
  nsec = 0;
  xattrs: Map<ByteString, Uint8Array> | null = null;
  /** GNU.sparse keywords of formats 0.0, 0.1 and 1.0. */
  sparseMajor: number | undefined;
  sparseMinor: number | undefined;
  sparseName: ByteString | undefined;
  sparseSize: number | undefined;
  /** Offset, length, offset, length … of formats 0.0 and 0.1. */
  sparseMap: number[] | undefined;
  /** Whether anything at all is set. */
  any = false;
}

/**
 * Reads the records of one extended header into `fields`; a later record of a keyword replaces an earlier one, and
 * keywords without meaning here are passed over.
 *
 * @param where Head of error messages; asked for only then.
 * @param global Whether this is a global header, which may not name one file (path, linkpath, size, sparse maps).
 * @throws {LaminaError} `invalid`.
 */
export function parsePax(
  data: Uint8Array,
  fields: PaxFields,
  where: () => string,
  limits: Limits,
  global: boolean,
): void {
  for (let record = 0; record < data.length;) {
    // "LENGTH KEYWORD=VALUE\n", where LENGTH counts the whole record.
    let length = 0;
    let i = record;
    for (; i < data.length && i - record < 16; i++) {
      const digit = data[i] - 0x30;
      if (digit < 0 || digit > 9) break;
      length = length * 10 + digit;
    }
    const end = record + length;
    if (i === record || data[i] !== 0x20 || end > data.length || data[end - 1] !== 0x0a) {
      throw wrong(where, `record at byte ${record}: its length is wrong`);
    }
    const start = i + 1;
    const equals = indexIn(data, 0x3d, start, end - 1);
    if (equals === start || equals === end - 1) {
      throw wrong(where, `record at byte ${record}: it is no KEYWORD=VALUE`);
    }
    // No keyword with a meaning here starts so: atime and ctime, which some writers give for every entry.
    const skip = data[start] === 0x61 || data[start] === 0x63;
    if (!skip) {
      set(
        fields,
        toByteString(data, start, equals),
        data,
        equals + 1,
        end - 1,
        where,
        limits,
        global,
      );
    }
    record = end;
  }
}

function set(
  fields: PaxFields,
  key: ByteString,
  data: Uint8Array,
  start: number,
  end: number,
  where: () => string,
  limits: Limits,
  global: boolean,
): void {
  if (key.startsWith(XATTR)) {
    fields.any = true;
    setXattr(fields, key.slice(XATTR.length), data.slice(start, end), where, limits);
    return;
  }
  const named = key === "path" || key === "linkpath" || key === "size" || key.startsWith(SPARSE);
  if (!named && key !== "uid" && key !== "gid" && key !== "mtime") return;
  if (named && global) {
    throw wrong(where, `a global header sets ${key}, which would be the same for every entry`);
  }
  fields.any = true;
  // An empty value takes back what a global header has set.
  const empty = start === end;
  switch (key) {
    case "path":
      fields.path = empty ? undefined : name(key, data, start, end, where);
      break;
    case "linkpath":
      fields.linkpath = empty ? undefined : name(key, data, start, end, where);
      break;
    case "size":
      fields.size = empty ? undefined : decimal(key, data, start, end, where);
      break;
    case "uid":
      fields.uid = empty ? undefined : decimal(key, data, start, end, where);
      break;
    case "gid":
      fields.gid = empty ? undefined : decimal(key, data, start, end, where);
      break;
    case "mtime":
      if (empty) fields.mtime = undefined;
      else time(fields, data, start, end, where);
      break;
    default:
      setSparse(fields, key.slice(SPARSE.length), data, start, end, where, limits);
  }
}

/** Where a byte stands in a range; the range's end if nowhere. (indexOf would search all the rest of the header, again and again.) */
function indexIn(data: Uint8Array, byte: number, start: number, end: number): number {
  let i = start;
  while (i < end && data[i] !== byte) i++;
  return i;
}

function setXattr(
  fields: PaxFields,
  encoded: ByteString,
  value: Uint8Array,
  where: () => string,
  limits: Limits,
): void {
  // GNU tar writes "=" and "%" of a name as "%3D" and "%25", since "=" ends the keyword.
  const key = encoded.includes("%")
    ? encoded.replaceAll("%3D", "=").replaceAll("%25", "%")
    : encoded;
  if (key === "" || key.length > 255 || key.includes("\0")) {
    throw wrong(where, "the name of an extended attribute is empty, too long or holds a NUL");
  }
  if (value.length > limits.xattrValueBytes) {
    throw limitError(
      where(),
      `the extended attribute ${key} has ${value.length} bytes`,
      "xattrValueBytes",
      limits.xattrValueBytes,
    );
  }
  const xattrs = fields.xattrs ??= new Map();
  xattrs.set(key, value);
  if (xattrs.size > limits.xattrs) {
    throw limitError(
      where(),
      `there are ${xattrs.size} extended attributes`,
      "xattrs",
      limits.xattrs,
    );
  }
}

function setSparse(
  fields: PaxFields,
  key: ByteString,
  data: Uint8Array,
  start: number,
  end: number,
  where: () => string,
  limits: Limits,
): void {
  const number = () => decimal(SPARSE + key, data, start, end, where);
  switch (key) {
    case "major":
      fields.sparseMajor = number();
      break;
    case "minor":
      fields.sparseMinor = number();
      break;
    case "name":
      fields.sparseName = name(SPARSE + key, data, start, end, where);
      break;
    case "size":
    case "realsize":
      fields.sparseSize = number();
      break;
    case "numblocks":
      if (number() > limits.sparseParts) throw tooManyParts(where(), number(), limits);
      fields.sparseMap ??= [];
      break;
    case "offset":
    case "numbytes": {
      const map = fields.sparseMap ??= [];
      if ((map.length & 1) !== (key === "offset" ? 0 : 1)) {
        throw wrong(where, "offsets and lengths of a sparse file do not alternate");
      }
      map.push(number());
      if (map.length > 2 * limits.sparseParts) {
        throw tooManyParts(where(), map.length >> 1, limits);
      }
      break;
    }
    case "map": {
      const map: number[] = [];
      for (let i = start; i < end;) {
        const comma = indexIn(data, 0x2c, i, end);
        map.push(decimal(SPARSE + key, data, i, comma, where));
        if (map.length > 2 * limits.sparseParts) {
          throw tooManyParts(where(), map.length >> 1, limits);
        }
        i = comma + 1;
      }
      fields.sparseMap = map;
      break;
    }
  }
}

function name(
  key: string,
  data: Uint8Array,
  start: number,
  end: number,
  where: () => string,
): ByteString {
  if (indexIn(data, 0, start, end) < end) throw wrong(where, `${key} holds a NUL`);
  return toByteString(data, start, end);
}

function decimal(
  key: string,
  data: Uint8Array,
  start: number,
  end: number,
  where: () => string,
): number {
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = data[i] - 0x30;
    if (digit < 0 || digit > 9) throw notNumber(key, data, start, end, where);
    value = value * 10 + digit;
  }
  if (start === end || !Number.isSafeInteger(value)) {
    throw notNumber(key, data, start, end, where);
  }
  return value;
}

function time(
  fields: PaxFields,
  data: Uint8Array,
  start: number,
  end: number,
  where: () => string,
): void {
  const negative = data[start] === 0x2d;
  const first = negative ? start + 1 : start;
  const point = indexIn(data, 0x2e, first, end);
  const seconds = decimal("mtime", data, first, point, where);
  let nsec = 0;
  let rest = false;
  for (let i = point + 1, scale = 100_000_000; i < end; i++) {
    const digit = data[i] - 0x30;
    if (digit < 0 || digit > 9) throw notNumber("mtime", data, start, end, where);
    nsec += digit * scale;
    // Digits beyond nanoseconds are cut off towards the past.
    if (scale === 0 && digit !== 0) rest = true;
    scale = Math.floor(scale / 10);
  }
  if (!negative) {
    fields.mtime = seconds;
    fields.nsec = nsec;
    return;
  }
  if (rest) nsec++;
  // -1.25 s is second -2 and 750,000,000 ns.
  fields.mtime = nsec === 0 ? 0 - seconds : -seconds - 1;
  fields.nsec = nsec === 0 ? 0 : 1_000_000_000 - nsec;
}

function notNumber(
  key: string,
  data: Uint8Array,
  start: number,
  end: number,
  where: () => string,
): LaminaError {
  const text = toByteString(data, start, Math.min(end, start + 40));
  return wrong(where, `${key} is no usable number: ${JSON.stringify(text)}`);
}

function wrong(where: () => string, reason: string): LaminaError {
  return malformed(where(), `it is malformed: ${reason}`);
}
