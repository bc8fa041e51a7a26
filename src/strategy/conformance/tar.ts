/**
 * Tar archives, header by header: what no library would write is what a reader must survive.
 *
 * Everything is written just as it is said; what a header has no room for goes into PAX records (or, with `format: "gnu"`, into GNU's
 * long-name members and base-256 numbers), as an ordinary writer would do it.
 *
 * @module
 */

/** Bytes, or a string that stands for its UTF-8. */
export type Text = string | Uint8Array;

/** Type flags by name (pax(1), tar(5)). */
const FLAGS = {
  file: "0",
  link: "1",
  symlink: "2",
  char: "3",
  block: "4",
  directory: "5",
  fifo: "6",
} as const;

/** A member of an archive. What is left out has an ordinary default. */
export interface TarMember {
  readonly name: Text;
  /** One of the usual types, or any type flag as it is. Default: `file`. */
  readonly type?: keyof typeof FLAGS | { readonly flag: string };
  readonly body?: Text;
  /** The size that the header says; default: that of the body. */
  readonly size?: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds; a fraction or a negative number becomes a PAX record. Default: 1,700,000,000. */
  readonly mtime?: number;
  /** Seconds as text for a PAX record, for what a number cannot hold exactly (`"1700000000.123456789"`). */
  readonly mtimeText?: string;
  /** Target of a symbolic or hard link. */
  readonly link?: Text;
  readonly major?: number;
  readonly minor?: number;
  readonly uname?: string;
  readonly gname?: string;
  /** Written as `SCHILY.xattr.` records. */
  readonly xattrs?: Readonly<Record<string, Text>>;
  /** Further PAX records, before those that follow from the fields above; they are written even when they contradict the header. */
  readonly pax?: Readonly<Record<string, Text>>;
  /** Default: `ustar`. */
  readonly format?: "ustar" | "gnu" | "v7";
  /** Changes the finished header block; the checksum is computed after it, unless {@link checksum} is said. */
  readonly patch?: (header: Uint8Array) => void;
  /** A wrong checksum. */
  readonly checksum?: number;
}

/** A piece of an archive: a member, or bytes as they are. */
export type TarPiece = TarMember | Uint8Array;

const encoder = new TextEncoder();

/** UTF-8 of a string; bytes as they are. */
export function toBytes(text: Text): Uint8Array {
  return typeof text === "string" ? encoder.encode(text) : text;
}

/** Puts byte arrays together. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * Makes an archive.
 *
 * @param options `end: false` leaves the two zero blocks out.
 */
export function makeTar(
  pieces: readonly TarPiece[],
  options: { readonly end?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  const parts = pieces.map((piece) => piece instanceof Uint8Array ? piece : makeMember(piece));
  if (options.end !== false) parts.push(new Uint8Array(1024));
  return concat(...parts);
}

/** One member: extension headers, header, body, padding. */
export function makeMember(member: TarMember): Uint8Array {
  const name = toBytes(member.name);
  const link = toBytes(member.link ?? "");
  const body = toBytes(member.body ?? "");
  const size = member.size ?? body.length;
  const mtime = member.mtime ?? 1_700_000_000;
  const uid = member.uid ?? 0;
  const gid = member.gid ?? 0;
  const type = member.type ?? "file";
  const flag = typeof type === "string" ? FLAGS[type] : type.flag;
  const gnu = member.format === "gnu";
  const mode = member.mode ?? (flag === "5" ? 0o755 : 0o644);

  const parts: Uint8Array[] = [];
  const records: [string, Text][] = Object.entries(member.pax ?? {});
  if (gnu) {
    if (name.length > 100) parts.push(longMember("L", name));
    if (link.length > 100) parts.push(longMember("K", link));
  } else if (member.format !== "v7") {
    if (name.length > 100) records.push(["path", name]);
    if (link.length > 100) records.push(["linkpath", link]);
    if (size > 0o77777777777) records.push(["size", String(size)]);
    if (uid > 0o7777777) records.push(["uid", String(uid)]);
    if (gid > 0o7777777) records.push(["gid", String(gid)]);
    if (mtime < 0 || !Number.isInteger(mtime)) records.push(["mtime", String(mtime)]);
  }
  if (member.mtimeText !== undefined) records.push(["mtime", member.mtimeText]);
  for (const [key, value] of Object.entries(member.xattrs ?? {})) {
    records.push([`SCHILY.xattr.${key}`, value]);
  }
  if (records.length > 0) parts.push(paxHeader(records));

  const header = new Uint8Array(512);
  header.set(name.subarray(0, 100), 0);
  number(header, 100, 8, mode, gnu);
  number(header, 108, 8, uid, gnu);
  number(header, 116, 8, gid, gnu);
  number(header, 124, 12, size, gnu);
  number(header, 136, 12, gnu ? Math.floor(mtime) : Math.max(0, Math.floor(mtime)), gnu);
  header[156] = flag.charCodeAt(0);
  header.set(link.subarray(0, 100), 157);
  if (member.format !== "v7") {
    header.set(encoder.encode(gnu ? "ustar  \0" : "ustar\x0000"), 257);
    header.set(encoder.encode(member.uname ?? "").subarray(0, 31), 265);
    header.set(encoder.encode(member.gname ?? "").subarray(0, 31), 297);
    if (flag === "3" || flag === "4") {
      number(header, 329, 8, member.major ?? 0, gnu);
      number(header, 337, 8, member.minor ?? 0, gnu);
    }
  }
  seal(header, member);
  parts.push(header, body, padding(body.length));
  return concat(...parts);
}

/** Computes the checksum of a header and writes it. */
function seal(header: Uint8Array, member: Pick<TarMember, "patch" | "checksum">): void {
  member.patch?.(header);
  header.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.set(encoder.encode(`${(member.checksum ?? sum).toString(8).padStart(6, "0")}\0 `), 148);
}

/** A number in octal; in GNU's base-256 where it is negative or too large for that and `gnu` allows it. */
export function number(
  header: Uint8Array,
  at: number,
  width: number,
  value: number,
  gnu: boolean,
): void {
  const octal = Math.max(0, value).toString(8);
  if (value >= 0 && octal.length < width) {
    header.set(encoder.encode(octal.padStart(width - 1, "0")), at);
  } else if (gnu) {
    let rest = BigInt.asUintN(width * 8, BigInt(value));
    for (let index = width - 1; index >= 0; index--) {
      header[at + index] = Number(rest & 0xffn);
      rest >>= 8n;
    }
    header[at] = value < 0 ? 0xff : header[at] | 0x80;
  }
}

/** What fills the last block of a body. */
export function padding(length: number): Uint8Array {
  return new Uint8Array((512 - (length % 512)) % 512);
}

/** A PAX extended header (`x`), or with `flag: "g"` a global one. */
export function paxHeader(
  records: readonly (readonly [string, Text])[],
  flag: "x" | "g" = "x",
): Uint8Array {
  return rawPaxHeader(concat(...records.map(([key, value]) => paxRecord(key, value))), flag);
}

/** A PAX extended header with any body, for malformed ones. */
export function rawPaxHeader(body: Uint8Array, flag: "x" | "g" = "x"): Uint8Array {
  return makeMember({ name: "PaxHeaders/x", type: { flag }, body });
}

/** One record: `LENGTH KEY=VALUE\n`, where the length counts itself. */
export function paxRecord(key: string, value: Text): Uint8Array {
  const rest = concat(encoder.encode(` ${key}=`), toBytes(value), encoder.encode("\n"));
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return concat(encoder.encode(String(length)), rest);
}

/** GNU's long name (`L`) or long link target (`K`). */
export function longMember(flag: "L" | "K", text: Uint8Array): Uint8Array {
  return makeMember({
    name: "././@LongLink",
    type: { flag },
    body: concat(text, new Uint8Array(1)),
    format: "gnu",
  });
}

/** What members of all types may have. */
export type Options = Omit<TarMember, "name" | "type" | "body" | "link">;

/** A regular file. */
export function file(name: Text, body: Text = "", options: Options = {}): TarMember {
  return { ...options, name, body };
}

/** A directory. */
export function directory(name: Text, options: Options = {}): TarMember {
  return { ...options, name, type: "directory" };
}

/** A symbolic link. */
export function symlink(name: Text, target: Text, options: Options = {}): TarMember {
  return { mode: 0o777, ...options, name, type: "symlink", link: target };
}

/** A hard link. */
export function hardlink(name: Text, target: Text, options: Options = {}): TarMember {
  return { ...options, name, type: "link", link: target };
}

/** A character device. */
export function charDevice(
  name: Text,
  major: number,
  minor: number,
  options: Options = {},
): TarMember {
  return { ...options, name, type: "char", major, minor };
}

/** A block device. */
export function blockDevice(
  name: Text,
  major: number,
  minor: number,
  options: Options = {},
): TarMember {
  return { ...options, name, type: "block", major, minor };
}

/** A fifo. */
export function fifo(name: Text, options: Options = {}): TarMember {
  return { ...options, name, type: "fifo" };
}

/** The whiteout of a path. */
export function whiteout(path: string): TarMember {
  const slash = path.lastIndexOf("/") + 1;
  return file(`${path.slice(0, slash)}.wh.${path.slice(slash)}`);
}

/** The mark that makes a directory opaque; "" for the root. */
export function opaque(path: string): TarMember {
  return file(path === "" ? ".wh..wh..opq" : `${path}/.wh..wh..opq`);
}

/** A run of bytes in a sparse file. */
export interface Segment {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A sparse file of `size` bytes with data in some places, in PAX format 1.0 (GNU tar's manual, "Sparse Formats"). */
export function sparse(
  name: string,
  size: number,
  segments: readonly Segment[],
  options: Options = {},
): TarMember {
  const map = segments.flatMap(({ offset, bytes }) => [offset, bytes.length]);
  const list = encoder.encode([segments.length, ...map].map((value) => `${value}\n`).join(""));
  return {
    ...options,
    name: `GNUSparseFile.0/${name}`,
    body: concat(list, padding(list.length), ...segments.map(({ bytes }) => bytes)),
    pax: {
      "GNU.sparse.major": "1",
      "GNU.sparse.minor": "0",
      "GNU.sparse.name": name,
      "GNU.sparse.realsize": String(size),
    },
  };
}
