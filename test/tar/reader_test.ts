import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { limitFlag, type Limits } from "../../src/limits.ts";
import { TarReader } from "../../src/tar/mod.ts";
import {
  blockDevice,
  charDevice,
  concat,
  directory,
  fifo,
  file,
  hardlink,
  longMember,
  makeMember,
  makeTar,
  paxHeader,
  paxRecord,
  rawPaxHeader,
  sparseFile,
  symlink,
  type TarPiece,
} from "../support/tar.ts";
import { byteString, type ReadEntry, readTar } from "./support.ts";

const bytes = (...values: number[]) => new Uint8Array(values);
const utf8 = (text: string) => new TextEncoder().encode(text);

interface Case {
  readonly title: string;
  readonly pieces: readonly TarPiece[];
  readonly end?: boolean;
  readonly limits?: Partial<Limits>;
  /** What the entries are, as far as it matters here. */
  readonly entries: readonly Partial<ReadEntry>[];
}

const long = "d/".repeat(80) + "name";
const hundred = "n".repeat(100);

const GOOD: Case[] = [
  {
    title: "every type, ustar",
    pieces: [
      directory("d/", { mode: 0o1777, uid: 1, gid: 2, mtime: 3 }),
      file("f", "content", { mode: 0o4755 }),
      symlink("s", "../target"),
      hardlink("h", "f"),
      charDevice("c", 1, 3, { mode: 0o666 }),
      blockDevice("b", 259, 1_000_000),
      fifo("p"),
    ],
    entries: [
      { type: "directory", name: "d/", mode: 0o1777, uid: 1, gid: 2, mtime: 3, nsec: 0, size: 0 },
      { type: "file", name: "f", mode: 0o4755, size: 7, data: "content", offset: 512 },
      { type: "symlink", name: "s", link: "../target" },
      { type: "link", name: "h", link: "f" },
      { type: "char", name: "c", major: 1, minor: 3 },
      { type: "block", name: "b", major: 259, minor: 1_000_000 },
      { type: "fifo", name: "p", major: 0, xattrs: null, sparse: null },
    ],
  },
  { title: "an empty stream", pieces: [], end: false, entries: [] },
  { title: "an end mark and nothing else", pieces: [], entries: [] },
  {
    title: "no end mark",
    pieces: [file("a", "x")],
    end: false,
    entries: [{ name: "a", data: "x" }],
  },
  {
    title: "no end mark and no padding",
    pieces: [makeMember(file("a", "x")).subarray(0, 513)],
    end: false,
    entries: [{ name: "a", data: "x" }],
  },
  {
    title: "one block of zeros at the end",
    pieces: [file("a"), new Uint8Array(512)],
    end: false,
    entries: [{ name: "a" }],
  },
  {
    title: "junk behind the end mark",
    pieces: [file("a"), new Uint8Array(1024), bytes(1, 2, 3), new Uint8Array(600).fill(9)],
    end: false,
    entries: [{ name: "a" }],
  },
  {
    title: "ustar prefix",
    pieces: [{
      name: "base",
      patch: (block) => block.set(utf8("a/long/prefix"), 345),
    }],
    entries: [{ name: "a/long/prefix/base" }],
  },
  {
    title: "star's shorter prefix",
    pieces: [{
      name: "base",
      patch: (block) => {
        block.set(utf8("p".repeat(131)), 345);
        block.set(utf8("00000000000 00000000000 "), 476);
        block.set(utf8("tar\0"), 508);
      },
    }],
    entries: [{ name: `${"p".repeat(131)}/base` }],
  },
  {
    title: "GNU has no prefix where POSIX has one",
    pieces: [{ name: "base", format: "gnu", patch: (block) => block.set(utf8("123"), 345) }],
    entries: [{ name: "base" }],
  },
  {
    title: "v7: a name with a slash at its end is a directory",
    pieces: [{ name: "old/", format: "v7", type: { flag: "\0" } }, {
      name: "old/f",
      format: "v7",
      type: { flag: "\0" },
      body: "v7",
    }],
    entries: [{ type: "directory", name: "old/" }, { type: "file", name: "old/f", data: "v7" }],
  },
  {
    title: "contiguous files are files",
    pieces: [{ name: "c", type: { flag: "7" }, body: "abc" }],
    entries: [{ type: "file", data: "abc" }],
  },
  {
    title: "names of exactly 100 bytes, without a NUL",
    pieces: [file(hundred, "x"), symlink("s", hundred)],
    entries: [{ name: hundred }, { link: hundred }],
  },
  {
    title: "PAX path and linkpath",
    pieces: [file(long, "1"), symlink("s", long), hardlink(`${long}2`, long)],
    entries: [{ name: long, data: "1" }, { link: long }, { name: `${long}2`, link: long }],
  },
  {
    title: "GNU long name and long link",
    pieces: [file(long, "1", { format: "gnu" }), symlink(long, `${long}t`, { format: "gnu" })],
    entries: [{ name: long, data: "1" }, { name: long, link: `${long}t` }],
  },
  {
    title: "PAX before GNU before the header",
    pieces: [
      longMember("L", utf8("gnu")),
      file("header", "", { pax: { path: "pax" } }),
      longMember("L", utf8("gnu")),
      file("header"),
      file("header"),
    ],
    entries: [{ name: "pax" }, { name: "gnu" }, { name: "header" }],
  },
  {
    title: "names that are no UTF-8",
    pieces: [
      file(bytes(0x66, 0xff, 0x80, 0x0a)),
      file("x", "", { pax: { path: bytes(0xc0, 0x80) } }),
    ],
    entries: [{ name: "f\xff\x80\n" }, { name: "\xc0\x80" }],
  },
  {
    title: "PAX size before the header's",
    pieces: [
      paxHeader([["size", "3"]]),
      makeMember({ name: "f", body: "abc", size: 1536 }),
      file("g", "next"),
    ],
    entries: [{ name: "f", size: 3, data: "abc" }, { name: "g", data: "next" }],
  },
  {
    title: "PAX uid, gid, size beyond octal; GNU base-256",
    pieces: [
      file("a", "", { uid: 4_000_000_000, gid: 2_097_152 }),
      file("b", "", { uid: 4_000_000_000, gid: 2_097_152, format: "gnu" }),
    ],
    entries: [
      { uid: 4_000_000_000, gid: 2_097_152 },
      { uid: 4_000_000_000, gid: 2_097_152 },
    ],
  },
  {
    title: "times",
    pieces: [
      file("a", "", { mtimeText: "1700000000.123456789" }),
      file("b", "", { mtimeText: "1.5" }),
      file("c", "", { mtimeText: "1.1234567899" }),
      file("d", "", { mtimeText: "-1.25" }),
      file("e", "", { mtimeText: "-3" }),
      file("f", "", { mtimeText: "-0.9999999999" }),
      file("g", "", { mtimeText: "7." }),
      file("h", "", { mtime: -5, format: "gnu" }),
      file("i", "", { mtime: 2 ** 35, format: "gnu" }),
    ],
    entries: [
      { mtime: 1_700_000_000, nsec: 123_456_789 },
      { mtime: 1, nsec: 500_000_000 },
      { mtime: 1, nsec: 123_456_789 },
      { mtime: -2, nsec: 750_000_000 },
      { mtime: -3, nsec: 0 },
      { mtime: -1, nsec: 0 },
      { mtime: 7, nsec: 0 },
      { mtime: -5, nsec: 0 },
      { mtime: 2 ** 35, nsec: 0 },
    ],
  },
  {
    title: "extended attributes: binary, empty, with = and % in the name",
    pieces: [
      file("a", "", {
        xattrs: {
          "user.bin": bytes(0, 255, 10, 61, 0),
          "user.empty": "",
          "user.a%3Db%25": "v=w",
          "security.capability": bytes(1, 0, 0, 2, 0, 32, 0, 0),
        },
      }),
      file("b"),
    ],
    entries: [
      {
        xattrs: {
          "user.bin": "\x00\xff\n=\x00",
          "user.empty": "",
          "user.a=b%": "v=w",
          "security.capability": "\x01\x00\x00\x02\x00 \x00\x00",
        },
      },
      { xattrs: null },
    ],
  },
  {
    title: "attributes of other dialects are passed over",
    pieces: [file("a", "", {
      pax: {
        "LIBARCHIVE.xattr.user.x": "eA==",
        "SCHILY.acl.access": "user::rw-",
        "RHT.security.selinux": "x",
        comment: "c",
        atime: "nonsense",
        uname: "root",
      },
    })],
    entries: [{ name: "a", xattrs: null }],
  },
  {
    title: "global headers count until they are taken back",
    pieces: [
      paxHeader([["mtime", "9.5"], ["uid", "7"], ["SCHILY.xattr.user.g", "all"]], "g"),
      file("a", "", { mtime: 1, uid: 1 }),
      file("b", "", { mtimeText: "2", xattrs: { "user.own": "b" } }),
      paxHeader([["mtime", ""], ["comment", "x"]], "g"),
      file("c", "", { mtime: 1, uid: 1 }),
      paxHeader([["gid", "8"]], "g"),
    ],
    entries: [
      { mtime: 9, nsec: 500_000_000, uid: 7, xattrs: { "user.g": "all" } },
      { mtime: 2, nsec: 0, uid: 7, xattrs: { "user.g": "all", "user.own": "b" } },
      { mtime: 1, nsec: 0, uid: 7 },
    ],
  },
  {
    title: "an empty PAX value takes nothing from the header",
    pieces: [file("name", "", { pax: { path: "", mtime: "" }, mtime: 5 })],
    entries: [{ name: "name", mtime: 5 }],
  },
  {
    title: "the last of two records counts",
    pieces: [rawPaxHeader(concat(paxRecord("path", "one"), paxRecord("path", "two"))), file("h")],
    entries: [{ name: "two" }],
  },
  {
    title: "Solaris' X is x",
    pieces: [{ name: "X", type: { flag: "X" }, body: paxRecord("path", "solaris") }, file("h")],
    entries: [{ name: "solaris" }],
  },
  {
    title: "a size in the header of what has no data",
    pieces: [
      { name: "d/", type: "directory", size: 4096 },
      { name: "l", type: "link", link: "d", size: 9 },
      { name: "s", type: "symlink", link: "d", size: 9 },
      { name: "c", type: "char", major: 1, minor: 1, size: 9 },
      file("f", "x"),
    ],
    entries: [
      { name: "d/", size: 0, data: "" },
      { name: "l" },
      { name: "s" },
      { name: "c" },
      { name: "f", data: "x" },
    ],
  },
  {
    title: "GNU's volume label and incremental directory",
    pieces: [
      { name: "label", type: { flag: "V" } },
      { name: "d/", type: { flag: "D" }, body: "Yfile\0\0" },
      file("d/file", "x"),
    ],
    entries: [{ type: "directory", name: "d/", size: 0, data: "" }, { name: "d/file", data: "x" }],
  },
  {
    title: "a type in the mode field is cut off",
    pieces: [file("f", "", { mode: 0o100644 })],
    entries: [{ mode: 0o644 }],
  },
  {
    title: "blank and space-padded numbers",
    pieces: [{
      name: "f",
      patch: (block) => {
        block.fill(0, 108, 116);
        block.set(utf8("   17 \0"), 116);
      },
    }],
    entries: [{ uid: 0, gid: 0o17 }],
  },
  {
    title: "a checksum of signed characters",
    pieces: [(() => {
      const name = bytes(0xe9, 0xe8);
      const block = makeMember({ name });
      let sum = 0;
      block.fill(0x20, 148, 156);
      for (const byte of block) sum += byte < 128 ? byte : byte - 256;
      return makeMember({ name, checksum: sum });
    })()],
    entries: [{ name: "\xe9\xe8" }],
  },
  ...(["old", "0.0", "0.1", "1.0"] as const).flatMap((form): Case[] => [
    {
      title: `sparse, ${form}`,
      pieces: [
        ...sparseFile(form, "sparse", 100_000, [
          { offset: 512, bytes: utf8("one") },
          { offset: 4096, bytes: utf8("two") },
        ]),
        file("after", "x"),
      ],
      entries: [
        {
          type: "file",
          name: "sparse",
          size: 100_000,
          sparse: [512, 3, 4096, 3],
          data: "onetwo",
        },
        { name: "after", data: "x", sparse: null },
      ],
    },
    {
      title: `sparse, ${form}, in 60 parts`,
      pieces: [
        ...sparseFile(
          form,
          "sparse",
          1_000_000,
          Array.from({ length: 60 }, (_, i) => ({ offset: i * 10_000, bytes: utf8("x") })),
        ),
        file("after"),
      ],
      entries: [
        {
          size: 1_000_000,
          sparse: Array.from({ length: 60 }, (_, i) => [i * 10_000, 1]).flat(),
          data: "x".repeat(60),
        },
        { name: "after" },
      ],
    },
    {
      title: `sparse, ${form}, nothing but a hole`,
      pieces: [
        ...sparseFile(form, "sparse", 5000, [{ offset: 5000, bytes: new Uint8Array(0) }]),
        file("after"),
      ],
      entries: [{ size: 5000, sparse: [], data: "" }, { name: "after" }],
    },
    {
      title: `sparse, ${form}, without a hole`,
      pieces: [...sparseFile(form, "full", 3, [{ offset: 0, bytes: utf8("abc") }]), file("after")],
      entries: [{ size: 3, sparse: null, data: "abc" }, { name: "after" }],
    },
  ]),
];

for (const { title, pieces, end, limits, entries } of GOOD) {
  Deno.test(`tar: ${title}`, () => {
    const archive = makeTar(pieces, { end });
    const read = readTar(archive, { limits });
    assertEquals(read.length, entries.length);
    entries.forEach((expected, index) => {
      const keys = Object.keys(expected) as (keyof ReadEntry)[];
      assertEquals(Object.fromEntries(keys.map((key) => [key, read[index][key]])), expected);
    });
  });
}

interface BadCase {
  readonly title: string;
  readonly pieces: readonly TarPiece[];
  readonly end?: boolean;
  readonly limits?: Partial<Limits>;
  /** Parts of the message. */
  readonly says: readonly string[];
}

const BAD: BadCase[] = [
  {
    title: "a wrong checksum",
    pieces: [file("fine"), { name: "bad", checksum: 1 }],
    says: ["byte 512", "fine", "checksum"],
  },
  {
    title: "what is no tar at all",
    pieces: [utf8("#!/bin/sh\n".repeat(60))],
    says: ["byte 0", "no tar header"],
  },
  {
    title: "zeros between entries",
    pieces: [file("a"), new Uint8Array(512), file("b")],
    says: ["a single block of zeros"],
  },
  {
    title: "a header cut short",
    pieces: [file("a"), makeMember(file("b")).subarray(0, 300)],
    end: false,
    says: ["cut short", "within a header", "byte 812"],
  },
  {
    title: "a body cut short",
    pieces: [makeMember(file("dir/body", "x".repeat(1000))).subarray(0, 900)],
    end: false,
    says: ["cut short", "within entry dir/body"],
  },
  {
    title: "an extended header cut short",
    pieces: [paxHeader([["path", "x".repeat(600)]]).subarray(0, 700)],
    end: false,
    says: ["cut short", "within an extended header"],
  },
  {
    title: "an extended header without its entry",
    pieces: [paxHeader([["path", "x"]])],
    end: false,
    says: ["between an extended header and its entry"],
  },
  {
    title: "an end mark behind an extended header",
    pieces: [paxHeader([["path", "x"]])],
    says: ["ends behind an extended header"],
  },
  {
    title: "a sparse map cut short",
    pieces: [
      concat(
        ...sparseFile("1.0", "s", 9000, [{ offset: 1, bytes: utf8("x") }]).map((piece) =>
          makeTar([piece], { end: false })
        ),
      ).subarray(0, 2000),
    ],
    end: false,
    says: ["within entry s"],
  },
  {
    title: "a socket",
    pieces: [{ name: "s", type: { flag: "s" } }],
    says: ["entry s", "type 's'"],
  },
  {
    title: "a multi-volume part",
    pieces: [{ name: "m", type: { flag: "M" } }],
    says: ["type 'M'"],
  },
  {
    title: "a type that is no letter",
    pieces: [{ name: "m", type: { flag: "\x01" } }],
    says: ["type 0x1"],
  },
  {
    title: "letters in a number",
    pieces: [{ name: "n", patch: (block) => block.set(utf8("12x"), 108) }],
    says: ["entry n", "uid", "no usable number"],
  },
  {
    title: "a negative size",
    pieces: [{ name: "n", patch: (block) => block.fill(0xff, 124, 136) }],
    says: ["size", "no usable number"],
  },
  {
    title: "a size of exabytes",
    pieces: [{
      name: "n",
      patch: (block) => block.set(bytes(0x80, 0, 0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0), 124),
    }],
    says: ["size", "no usable number"],
  },
  {
    title: "the uid that chown(2) takes for none",
    pieces: [file("n", "", { pax: { uid: "4294967295" } })],
    says: ["uid 4294967295 is out of range"],
  },
  {
    title: "a negative gid",
    pieces: [{ name: "n", patch: (block) => block.fill(0xff, 116, 124) }],
    says: ["gid"],
  },
  {
    title: "a directory with data, by the old name",
    pieces: [file("d/", "data"), file("e")],
    says: ["entry d/", "has data"],
  },
  { title: "a link without a target", pieces: [symlink("s", "")], says: ["without a target"] },
  {
    title: "a PAX length that is too long",
    pieces: [rawPaxHeader(utf8("99 path=x\n")), file("a")],
    says: ["byte 0", "length is wrong"],
  },
  {
    title: "a PAX length that is too short",
    pieces: [rawPaxHeader(utf8("8 path=x\n")), file("a")],
    says: ["length is wrong"],
  },
  {
    title: "a PAX length of zero",
    pieces: [rawPaxHeader(utf8("9 path=x\n0 path=y\n")), file("a")],
    says: ["record at byte 9"],
  },
  {
    title: "a PAX record without a length",
    pieces: [rawPaxHeader(utf8("path=x\n")), file("a")],
    says: ["length is wrong"],
  },
  {
    title: "a PAX record without =",
    pieces: [rawPaxHeader(utf8("8 path1\n")), file("a")],
    says: ["no KEYWORD=VALUE"],
  },
  {
    title: "a PAX record without a keyword",
    pieces: [rawPaxHeader(utf8("6 =ab\n")), file("a")],
    says: ["no KEYWORD=VALUE"],
  },
  {
    title: "a NUL in a PAX path",
    pieces: [file("a", "", { pax: { path: "x\0y" } })],
    says: ["path holds a NUL"],
  },
  {
    title: "a PAX size that is no number",
    pieces: [file("a", "", { pax: { size: "0x10" } })],
    says: ["size is no usable number"],
  },
  {
    title: "a PAX time that is no number",
    pieces: [file("a", "", { pax: { mtime: "1e9" } })],
    says: ["mtime is no usable number"],
  },
  {
    title: "a PAX time without seconds",
    pieces: [file("a", "", { pax: { mtime: ".5" } })],
    says: ["mtime"],
  },
  ...["path", "linkpath", "size", "GNU.sparse.map"].map((key): BadCase => ({
    title: `a global ${key}`,
    pieces: [paxHeader([[key, "1"]], "g"), file("a")],
    says: ["global header sets", key],
  })),
  {
    title: "a sparse map that overlaps",
    pieces: [file("s", "ab", { pax: { "GNU.sparse.size": "9", "GNU.sparse.map": "0,1,0,1" } })],
    says: ["entry s", "overlap"],
  },
  {
    title: "a sparse map beyond the end",
    pieces: [file("s", "ab", { pax: { "GNU.sparse.size": "9", "GNU.sparse.map": "8,2" } })],
    says: ["beyond the file's end"],
  },
  {
    title: "a sparse map of other data than there is",
    pieces: [file("s", "ab", { pax: { "GNU.sparse.size": "9", "GNU.sparse.map": "0,3" } })],
    says: ["lists 3 bytes of data where the archive has 2"],
  },
  {
    title: "a sparse map with half a part",
    pieces: [file("s", "ab", { pax: { "GNU.sparse.size": "9", "GNU.sparse.map": "0,2,5" } })],
    says: ["no length"],
  },
  {
    title: "sparse offsets without lengths",
    pieces: [
      rawPaxHeader(concat(
        paxRecord("GNU.sparse.offset", "1"),
        paxRecord("GNU.sparse.offset", "2"),
      )),
      file("s"),
    ],
    says: ["do not alternate"],
  },
  {
    title: "a sparse file without a size",
    pieces: [file("s", "ab", { pax: { "GNU.sparse.map": "0,2" } })],
    says: ["size of a sparse file is missing"],
  },
  {
    title: "a sparse format of the future",
    pieces: [file("s", "", { pax: { "GNU.sparse.major": "2", "GNU.sparse.realsize": "1" } })],
    says: ["sparse format 2.0"],
  },
  {
    title: "a sparse map of letters",
    pieces: [file("s", `1\nx\n1\n${"\0".repeat(600)}`, {
      pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" },
    })],
    says: ["a number in it is malformed"],
  },
  {
    title: "a sparse map that the data is too short for",
    pieces: [file("s", "5\n1\n1\n".padEnd(512, "\n"), {
      pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" },
    })],
    says: ["a number in it is missing"],
  },
  {
    title: "a sparse file of exabytes",
    pieces: sparseFile("0.1", "s", 2 ** 52, [{ offset: 5, bytes: utf8("x") }]),
    says: ["entry s", "file-bytes=1T", "4503599627370496"],
  },
];

for (const { title, pieces, end, limits, says } of BAD) {
  Deno.test(`tar refuses ${title}`, () => {
    const archive = makeTar(pieces, { end });
    const error = assertThrows(() => readTar(archive, { limits }), LaminaError);
    assertEquals(error.kind, "invalid");
    assert(error.hint, `no hint: ${error.message}`);
    for (const part of says) assertStringIncludes(error.message, part);
    // The same in the smallest pieces.
    const again = assertThrows(() => readTar(archive, { limits, pieces: [1] }), LaminaError);
    assertEquals(again.message, error.message);
  });
}

const LIMITS: [keyof Limits, number, readonly TarPiece[]][] = [
  ["entries", 2, [file("a"), file("b"), file("c")]],
  ["pathBytes", 10, [file("a/path/of/more")]],
  ["pathBytes", 10, [hardlink("a", "a/path/of/more")]],
  ["symlinkBytes", 10, [symlink("a", "a/path/of/more")]],
  ["headerBytes", 2000, [file("a", "", { pax: { comment: "c".repeat(2000) } })]],
  ["headerBytes", 2000, [longMember("L", new Uint8Array(3000).fill(97)), file("a")]],
  ["xattrs", 2, [file("a", "", { xattrs: { "user.1": "", "user.2": "", "user.3": "" } })]],
  ["xattrValueBytes", 5, [file("a", "", { xattrs: { "user.1": "123456" } })]],
  ["xattrBytes", 30, [file("a", "", { xattrs: { "user.1": "123456", "user.2": "123456" } })]],
  ["fileBytes", 5, [file("a", "123456")]],
  ["sparseParts", 1, sparseFile("old", "s", 9, parts(2))],
  ["sparseParts", 5, sparseFile("old", "s", 99, parts(30))],
  ["sparseParts", 1, sparseFile("0.0", "s", 9, parts(2))],
  ["sparseParts", 1, sparseFile("0.1", "s", 9, parts(2))],
  ["sparseParts", 1, sparseFile("1.0", "s", 9, parts(2))],
  ["sparseParts", 1, [
    rawPaxHeader(concat(
      paxRecord("GNU.sparse.size", "9"),
      ...[1, 2, 3].flatMap((at) => [
        paxRecord("GNU.sparse.offset", String(at)),
        paxRecord("GNU.sparse.numbytes", "0"),
      ]),
    )),
    file("s"),
  ]],
];

function parts(count: number) {
  return Array.from({ length: count }, (_, i) => ({ offset: 2 * i, bytes: utf8("x") }));
}

LIMITS.forEach(([limit, value, pieces], index) => {
  Deno.test(`tar: the limit ${limit} (${index}) has its own error and can be raised`, () => {
    const archive = makeTar(pieces);
    const error = assertThrows(
      () => readTar(archive, { limits: { [limit]: value } }),
      LaminaError,
      `over the limit ${limitFlag(limit)}=${value}`,
    );
    assertEquals(error.kind, "invalid");
    assertStringIncludes(error.hint ?? "", `raise the limit: --limit ${limitFlag(limit)}=`);
    readTar(archive, { limits: { [limit]: 1_000_000 } });
  });
});

Deno.test("tar: data is handed on without a copy", () => {
  const archive = makeTar([file("a", "x".repeat(5000))]);
  let seen: ArrayBufferLike | undefined;
  const reader = new TarReader({
    entry() {},
    data: (piece) => void (seen = piece.buffer),
    endEntry() {},
  });
  reader.push(archive);
  assertEquals(seen, archive.buffer);
});

Deno.test("tar: data can be skipped without being pushed", () => {
  const archive = makeTar([file("a", "x".repeat(5000)), file("b"), file("c", "yz")]);
  const offsets: Record<string, string> = {};
  const reader = new TarReader({
    entry: (entry) => {
      const { dataOffset, size } = entry;
      offsets[entry.name] = byteString(archive.subarray(dataOffset, dataOffset + size));
    },
    data: () => {
      throw new Error("all data should be skipped");
    },
    endEntry() {},
  });
  let pushed = 0;
  for (let at = 0; at < archive.length;) {
    if (reader.skippable > 0) {
      const step = Math.min(reader.skippable, 700);
      reader.skip(step);
      at += step;
    } else {
      reader.push(archive.subarray(at, at + 512));
      at += 512;
      pushed++;
    }
  }
  reader.end();
  assertEquals(offsets, { a: "x".repeat(5000), b: "", c: "yz" });
  assertEquals(pushed, 5);
  assertEquals(reader.ended, true);
  assertThrows(() => reader.skip(1), RangeError);
});

Deno.test("tar: an exception of the sink goes through", () => {
  const reader = new TarReader({
    entry: () => {
      throw new TypeError("sink");
    },
    data() {},
    endEntry() {},
  });
  assertThrows(() => reader.push(makeTar([file("a")])), TypeError, "sink");
});

Deno.test("tar: an extended header of many small records is read in time that grows with its size", () => {
  const record = paxRecord("path", "x");
  const body = new Uint8Array(record.length * 400_000);
  for (let at = 0; at < body.length; at += record.length) body.set(record, at);
  const begun = performance.now();
  assertEquals(readTar(makeTar([rawPaxHeader(body), file("a")]))[0].name, "x");
  // A search through all the rest for each record would take minutes.
  assertEquals(performance.now() - begun < 5000, true);
});
