/**
 * Archives to begin with: of every form that the reader knows, well-formed, and their headers made right again.
 *
 * @module
 */

import { BLOCK, parseNumber } from "../../../src/tar/header.ts";
import {
  charDevice,
  concat,
  directory,
  fifo,
  file,
  hardlink,
  longMember,
  makeTar,
  number,
  opaque,
  padding,
  paxHeader,
  sparseFile,
  symlink,
  toBytes,
  whiteout,
} from "../../support/tar.ts";
import { bytesOf, textOf } from "../target.ts";

const SEGMENTS = [
  { offset: 0, bytes: new Uint8Array(10).fill(0x61) },
  { offset: 4096, bytes: new Uint8Array(600).fill(0x62) },
];
const MANY = Array.from({ length: 30 }, (_, i) => ({
  offset: 1000 * i,
  bytes: new Uint8Array(3).fill(0x63),
}));

/** CAP_NET_RAW, permitted and effective (capabilities(7), VFS_CAP_REVISION_2). */
const CAPABILITY = Uint8Array.from({ length: 20 }, (_, i) => [1, 0, 0, 2, 0, 0x20][i] ?? 0);

/** Well-formed archives. */
export function archives(): Uint8Array[] {
  const long = `${"n".repeat(80)}/${"m".repeat(120)}`;
  return [
    makeTar([]),
    makeTar([file("a", "1"), directory("d/"), file("d/b", "x".repeat(700)), symlink("l", "d")]),
    makeTar([
      directory("d", { mode: 0o1777, mtimeText: "-1.25" }),
      file("d/f", "y".repeat(100), {
        xattrs: { "user.a": "1", "security.capability": CAPABILITY },
        mtimeText: "1700000000.123456789",
        uid: 3_000_000,
        mode: 0o4755,
      }),
      hardlink("h", "d/f"),
      hardlink("lower", "some/where"),
      charDevice("c", 1, 3),
      fifo("p"),
    ]),
    makeTar([file(long, "z"), symlink("s", long)]),
    makeTar([file(long, "z", { format: "gnu" }), symlink("s", long, { format: "gnu", mtime: -7 })]),
    makeTar([longMember("L", toBytes(long)), longMember("K", toBytes(long)), symlink("s", "t")]),
    makeTar([
      paxHeader([["uid", "7"], ["SCHILY.xattr.user.g", "g"], ["mtime", "5.5"]], "g"),
      file("f", "1", { pax: { "SCHILY.xattr.user.a%3Db": "\0", path: "long/name", size: "1" } }),
    ]),
    ...(["old", "0.0", "0.1", "1.0"] as const).flatMap((form) => [
      makeTar(sparseFile(form, "s", 5000, SEGMENTS)),
      makeTar(sparseFile(form, "many", 40_000, MANY)),
    ]),
    makeTar([
      whiteout("a"),
      directory("d"),
      opaque("d"),
      file("d/x"),
      symlink("d/l", "../e"),
      file("d/l/y", "y".repeat(100)),
    ]),
    makeTar([
      file("a", "1"),
      directory("a"),
      file("a/b", "2"),
      symlink("a", "b"),
      file("a/c", "3"),
    ]),
  ];
}

/** What has a meaning in archives. */
export const TAR_WORDS: readonly string[] = [
  ...["path", "linkpath", "size", "uid", "gid", "mtime", "SCHILY.xattr.", "user.", "trusted."],
  ...["GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.name", "GNU.sparse.realsize"],
  ...["GNU.sparse.size", "GNU.sparse.numblocks", "GNU.sparse.offset", "GNU.sparse.numbytes"],
  ...[
    "GNU.sparse.map",
    "ustar\x0000",
    "ustar  \0",
    "tar\0",
    "\x80\0\0\0\0\0\0\0",
    "\xff\xff\xff\xff",
  ],
  ...[".wh.", ".wh..wh..opq", "../", "/", "./", "..", "-", ".", "=", "\n", " ", "%3D", "%25"],
  ...["trusted.overlay.opaque", "user.overlay.whiteout", "security.capability", "\0".repeat(512)],
];

const PAX_FLAGS = "xXg";

/**
 * Makes the checksums of headers, the lengths of PAX records and the sizes of what holds these right again, as far as they can be found.
 */
export function mendArchive(archive: Uint8Array): Uint8Array {
  const out: Uint8Array[] = [];
  let at = 0;
  for (; at + BLOCK <= archive.length; at += BLOCK) {
    const header = archive.slice(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) {
      out.push(header);
      continue;
    }
    const size = parseNumber(header, 124, 12);
    let body = archive.subarray(at + BLOCK, at + BLOCK);
    if (size > 0 && at + BLOCK + size <= archive.length && hasData(header[156])) {
      body = archive.subarray(at + BLOCK, at + BLOCK + size);
      at += Math.ceil(size / BLOCK) * BLOCK;
      if (PAX_FLAGS.includes(String.fromCharCode(header[156]))) {
        body = mendRecords(body);
        number(header, 124, 12, body.length, false);
      }
    }
    seal(header);
    out.push(header, body, padding(body.length));
  }
  out.push(archive.subarray(at));
  return concat(...out);
}

function hasData(flag: number): boolean {
  return "\x0007xXgLKVDS".includes(String.fromCharCode(flag));
}

function seal(header: Uint8Array): void {
  header.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.set(bytesOf(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
}

/** Gives the lines of a PAX header, each a record, the lengths that they have. */
export function mendRecords(body: Uint8Array): Uint8Array {
  const lines = textOf(body).split("\n");
  if (lines.at(-1) === "") lines.pop();
  return bytesOf(
    lines.map((line) => {
      const rest = ` ${line.slice(line.indexOf(" ") + 1)}\n`;
      let length = rest.length + 1;
      while (String(length).length + rest.length !== length) {
        length = String(length).length + rest.length;
      }
      return length + rest;
    }).join(""),
  );
}
