import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LaminaError } from "../../src/error.ts";
import { formatDump, parseDump } from "../../src/tree/mod.ts";
import { anyTree, describeTree } from "./arbitrary.ts";

const ROOT = "/ 4096 40755 2 0 0 0 0.0 - - -";
const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const dump = (...lines: string[]) => bytes([ROOT, ...lines, ""].join("\n"));
const DIGEST = "ab".repeat(32);

/** What is wrong, the lines behind the root's, and what is said of the last one. */
const malformed: [string, string[], string][] = [
  ["empty line", [""], "PATH is empty"],
  ["missing fields", ["/a 0 100644 1 0 0 0 0.0 - -"], "it has 10 fields, 11 are needed"],
  ["two spaces", ["/a  0 100644 1 0 0 0 0.0 - - -"], "SIZE is empty"],
  ["NUL byte", ["/a\0b 0 100644 1 0 0 0 0.0 - - -"], "byte 3 is NUL"],
  ["relative path", ["a 0 100644 1 0 0 0 0.0 - - -"], "PATH does not start with /"],
  ["empty path", [" 0 100644 1 0 0 0 0.0 - - -"], "PATH is empty"],
  ["escaped NUL in path", ["/a\\x00 0 100644 1 0 0 0 0.0 - - -"], "PATH has a NUL byte"],
  ["second root", [ROOT], "the root is there already"],
  [
    "trailing slash",
    ["/a/ 0 40755 1 0 0 0 0.0 - - -"],
    'PATH ends in "", which cannot be a name',
  ],
  ["dot", ["/. 0 100644 1 0 0 0 0.0 - - -"], 'PATH ends in ".", which cannot be a name'],
  ["dots", ["/.. 0 100644 1 0 0 0 0.0 - - -"], 'PATH ends in "..", which cannot be a name'],
  [
    "name of 256 bytes",
    [`/${"n".repeat(256)} 0 100644 1 0 0 0 0.0 - - -`],
    `PATH ends in "${"n".repeat(256)}", which cannot be a name`,
  ],
  [
    "missing parent",
    ["/d/a 0 100644 1 0 0 0 0.0 - - -"],
    "the directory /d is not there (parents come before what is in them)",
  ],
  [
    "two slashes",
    ["/d 0 40755 1 0 0 0 0.0 - - -", "/d//a 0 100644 1 0 0 0 0.0 - - -"],
    "the directory /d/ is not there (parents come before what is in them)",
  ],
  [
    "file as parent",
    ["/f 0 100644 1 0 0 0 0.0 - - -", "/f/a 0 100644 1 0 0 0 0.0 - - -"],
    "/f is not a directory",
  ],
  [
    "same path",
    ["/f 0 100644 1 0 0 0 0.0 - - -", "/f 0 40755 1 0 0 0 0.0 - - -"],
    "/f is there already",
  ],
  ["negative size", ["/a -1 100644 1 0 0 0 0.0 - - -"], 'SIZE "-1" is not a decimal number'],
  [
    "size of more than 8 PiB",
    ["/a 9007199254740993 100644 1 0 0 0 0.0 - - -"],
    "SIZE 9007199254740993 is larger than 9007199254740992",
  ],
  ["plus sign", ["/a +1 100644 1 0 0 0 0.0 - - -"], 'SIZE "+1" is not a decimal number'],
  ["mode not octal", ["/a 0 100648 1 0 0 0 0.0 - - -"], 'MODE "100648" is not an octal number'],
  ["mode without type", ["/a 0 644 1 0 0 0 0.0 - - -"], "MODE 644 has no file type"],
  ["mode of 17 bits", ["/a 0 200644 1 0 0 0 0.0 - - -"], "MODE 200644 is larger than 177777"],
  ["link count", ["/a 0 100644 x 0 0 0 0.0 - - -"], 'NLINK "x" is not a decimal number'],
  [
    "owner of 33 bits",
    ["/a 0 100644 1 4294967296 0 0 0.0 - - -"],
    "UID 4294967296 is larger than 4294967295",
  ],
  ["group", ["/a 0 100644 1 0 0x1 0 0.0 - - -"], 'GID "0x1" is not a decimal number'],
  ["device number", ["/a 0 20644 1 0 0 - 0.0 - - -"], 'RDEV "-" is not a decimal number'],
  [
    "time without point",
    ["/a 0 100644 1 0 0 0 5 - - -"],
    'MTIME "5" is not SECONDS.NANOSECONDS',
  ],
  ["time without seconds", ["/a 0 100644 1 0 0 0 .5 - - -"], 'MTIME "" is not a decimal number'],
  [
    "nanoseconds",
    ["/a 0 100644 1 0 0 0 0.1000000000 - - -"],
    "MTIME's nanoseconds 1000000000 is larger than 999999999",
  ],
  ["unknown escape", ["/a 0 100644 1 0 0 0 0.0 a\\q - -"], "PAYLOAD has the unknown escape \\q"],
  ["half escape", ["/a\\ 0 100644 1 0 0 0 0.0 - - -"], "PATH ends in a backslash"],
  [
    "half hexadecimal escape",
    ["/a 1 100644 1 0 0 0 0.0 - \\x1 -"],
    "CONTENT has \\x without two hexadecimal digits",
  ],
  [
    "content of another size",
    ["/a 2 100644 1 0 0 0 0.0 - abc -"],
    "SIZE is 2, but CONTENT has 3 bytes",
  ],
  [
    "content of 5001 bytes",
    [`/a 5001 100644 1 0 0 0 0.0 - ${"c".repeat(5001)} -`],
    "CONTENT is longer than 5000 bytes",
  ],
  [
    "payload of 4096 bytes",
    [`/a 1 100644 1 0 0 0 0.0 ${"p".repeat(4096)} - -`],
    "PAYLOAD is longer than 4095 bytes",
  ],
  [
    "short digest",
    [`/a 1 100644 1 0 0 0 0.0 - - ${DIGEST.slice(1)}`],
    "DIGEST is not 64 hexadecimal digits",
  ],
  [
    "digest with other letters",
    [`/a 1 100644 1 0 0 0 0.0 - - ${DIGEST.slice(1)}g`],
    "DIGEST is not 64 hexadecimal digits",
  ],
  ["link without target", ["/a 0 120777 1 0 0 0 0.0 - - -"], "the symbolic link has no target"],
  [
    "link with an empty target",
    ["/a 0 120777 1 0 0 0 0.0  - -"],
    "the target is not 1 to 4095 bytes long",
  ],
  [
    "link with a target of 4096 bytes",
    [`/a 0 120777 1 0 0 0 0.0 ${"t".repeat(4096)} - -`],
    "the target is not 1 to 4095 bytes long",
  ],
  [
    "payload of a directory",
    ["/a 0 40755 1 0 0 0 0.0 p - -"],
    "PAYLOAD is for files, links and symbolic links",
  ],
  ["content of a fifo", ["/a 1 10644 1 0 0 0 0.0 - c -"], "CONTENT is for regular files"],
  [
    "digest of a symbolic link",
    [`/a 0 120777 1 0 0 0 0.0 t - ${DIGEST}`],
    "DIGEST is for regular files",
  ],
  ["xattr without =", ["/a 0 100644 1 0 0 0 0.0 - - - user.a"], 'the xattr "user.a" has no ='],
  ["space at the end", ["/a 0 100644 1 0 0 0 0.0 - - - "], 'the xattr "" has no ='],
  [
    "xattr without key",
    ["/a 0 100644 1 0 0 0 0.0 - - - =v"],
    "an xattr's KEY is not 1 to 255 bytes long",
  ],
  [
    "xattr with NUL in its key",
    ["/a 0 100644 1 0 0 0 0.0 - - - user.\\x00=v"],
    "an xattr's KEY has a NUL byte",
  ],
  [
    "xattr with a key of 256 bytes",
    [`/a 0 100644 1 0 0 0 0.0 - - - ${"k".repeat(256)}=v`],
    "an xattr's KEY is not 1 to 255 bytes long",
  ],
  [
    "too large xattrs",
    [`/a 0 100644 1 0 0 0 0.0 - - - user.a=${"v".repeat(32767 - 12 - 7 - 6 + 1)}`],
    "the xattrs are larger than 32767 bytes",
  ],
  [
    "too long xattrs",
    [`/a 0 100644 1 0 0 0 0.0 - - - user.a=${"\\x00".repeat(16400)}`],
    "the xattrs are longer than 65535 bytes",
  ],
  [
    "hard link that is a directory",
    ["/a 0 @40755 1 0 0 0 0.0 / - -"],
    "a directory cannot be a hard link",
  ],
  [
    "hard link without target",
    ["/a 0 @100644 1 0 0 0 0.0 - - -"],
    "the hard link has no target",
  ],
  [
    "hard link to a relative path",
    ["/a 0 @100644 1 0 0 0 0.0 b - -"],
    "the target of the hard link does not start with /",
  ],
  [
    "hard link to nothing",
    ["/a 0 @100644 1 0 0 0 0.0 /b - -"],
    "the target /b of the hard link is not there",
  ],
  [
    "hard link to the root",
    ["/a 0 @100644 1 0 0 0 0.0 / - -"],
    "the target / of the hard link is a directory",
  ],
  [
    "hard link to itself",
    ["/a 0 @100644 1 0 0 0 0.0 /a - -"],
    "the hard link leads back to itself",
  ],
  [
    "hard links in a circle",
    ["/b 0 @100644 1 0 0 0 0.0 /a - -", "/a 0 @100644 1 0 0 0 0.0 /b - -"],
    "the hard link leads back to itself",
  ],
];

for (const [name, lines, reason] of malformed) {
  Deno.test(`a dump with ${name} is refused`, () => {
    const error = assertThrows(() => parseDump(dump(...lines)), LaminaError);
    assertEquals(error.kind, "invalid");
    assertEquals(error.message, `line ${lines.length + 1} of the dump: ${reason}`);
  });
}

const refused: [string, Uint8Array, string][] = [
  ["nothing", bytes(""), "the dump is empty"],
  [
    "no root",
    bytes("/a 0 100644 1 0 0 0 0.0 - - -\n"),
    "line 1 of the dump: the root is not the first entry",
  ],
  [
    "a file as root",
    bytes("/ 0 100644 1 0 0 0 0.0 - - -\n"),
    "line 1 of the dump: the root is not a directory",
  ],
  [
    "a link as root",
    bytes("/ 0 @100644 1 0 0 0 0.0 /a - -\n"),
    "line 1 of the dump: the root is not a directory",
  ],
];

for (const [name, text, message] of refused) {
  Deno.test(`a dump with ${name} is refused`, () => {
    assertEquals(assertThrows(() => parseDump(text), LaminaError).message, message);
  });
}

const strict: [string, Uint8Array, string][] = [
  [
    "no newline at the end",
    bytes(ROOT + "\n/a 0 100644 1 0 0 0 0.0 - - -"),
    "line 2 of the dump: it does not end in a newline",
  ],
  [
    "a device number on a file",
    dump("/a 0 100644 1 0 0 5 0.0 - - -"),
    "line 2 of the dump: RDEV is not 0, but this is not a device",
  ],
  [
    "a symbolic link of another size",
    dump("/a 3 120777 1 0 0 0 0.0 b - -"),
    "line 2 of the dump: SIZE 3 is not the length of the target, 1",
  ],
];

for (const [name, text, message] of strict) {
  Deno.test(`a dump with ${name} is refused only if strictness was asked for`, () => {
    assertEquals(parseDump(text).children!.size, 1);
    const error = assertThrows(() => parseDump(text, { strict: true }), LaminaError);
    assertEquals(error.message, message);
  });
}

Deno.test("every field of a dump is taken", () => {
  const root = parseDump(dump(
    "/f\\x20\\n 70000 104755 2 1 2 0 -7.5 ab/cd - " + DIGEST +
      " user.a\\x3db=\\x00= user.a\\x3db=2",
    "/c 20 20600 1 0 0 259 1.999999999 - - -",
    "/- 1 100600 1 0 0 0 0.0 - \\x2d -",
    "/s 0 120777 1 0 0 0 0.0 \\x2d - -",
    "/l 0 @100644 9 9 9 9 9.9 /f\\x20\\n - -",
  ));
  const file = root.children!.get("f \n")!;
  assertEquals(
    {
      size: file.size,
      mode: file.mode,
      nlink: file.nlink,
      uid: file.uid,
      gid: file.gid,
      mtime: file.mtime,
      nsec: file.nsec,
      payload: file.payload,
      digest: file.digest,
      xattrs: [...file.xattrs!],
      canonical: file.canonical,
    },
    {
      size: 70000,
      mode: 0o104755,
      nlink: 2,
      uid: 1,
      gid: 2,
      mtime: -7,
      nsec: 5,
      payload: "ab/cd",
      digest: new Uint8Array(32).fill(0xab),
      xattrs: [["user.a=b", bytes("2")]],
      canonical: "",
    },
  );
  assertEquals(root.children!.get("l"), file);
  assertEquals(root.children!.get("c")!.rdev, 259);
  assertEquals(root.children!.get("-")!.content, bytes("-"));
  assertEquals(root.children!.get("s")!.target, "-");
});

Deno.test("a hard link may come before its target, and lead over another one", () => {
  const root = parseDump(dump(
    "/a 0 @100644 1 0 0 0 0.0 /b - -",
    "/b 0 @100644 1 0 0 0 0.0 /c - -",
    "/c 5 100644 3 0 0 0 0.0 - hello -",
  ));
  const { children } = root;
  assertEquals([children!.get("a"), children!.get("b")], [children!.get("c"), children!.get("c")]);
  assertEquals(children!.get("c")!.canonical, "c");
  const text = new TextDecoder().decode(formatDump(root)).split("\n");
  assertEquals(text[1], "/a 5 @100644 3 0 0 0 0.0 /c hello -");
  assertEquals(text[3], "/c 5 100644 3 0 0 0 0.0 - hello -");
});

Deno.test("property: a tree is the same after it was formatted and parsed", () => {
  fc.assert(fc.property(anyTree(), (root) => {
    const before = describeTree(root);
    assertEquals(describeTree(parseDump(formatDump(root), { strict: true })), before);
  }));
});

Deno.test("property: a dump with changed bytes is parsed or refused, never anything else", () => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255), remove: fc.nat(3) });
  fc.assert(
    fc.property(
      anyTree(),
      fc.array(change, { minLength: 1, maxLength: 5 }),
      (root, changes) => {
        let text = formatDump(root);
        for (const { at, byte, remove } of changes) {
          const where = at % text.length;
          const rest = text.subarray(where + remove);
          const changed = new Uint8Array(where + 1 + rest.length);
          changed.set(text.subarray(0, where));
          changed[where] = byte;
          changed.set(rest, where + 1);
          text = changed;
        }
        try {
          parseDump(text);
        } catch (error) {
          if (!(error instanceof LaminaError) || error.kind !== "invalid") throw error;
        }
      },
    ),
    { numRuns: 300 },
  );
});
