/**
 * Names and link targets of all kinds.
 *
 * @module
 */

import { charDevice, concat, directory, file, symlink, type Text, toBytes } from "../tar.ts";
import { byteString, type Claim, claim, type TreeImage } from "./image.ts";

const NAMES: readonly (readonly [id: string, says: string, name: Text])[] = [
  ["space", "a space", " "],
  ["inner-space", "a space within", "with space"],
  ["newline", "a line break", "new\nline"],
  ["tab", "a tab", "tab\t"],
  ["colon", "a colon", "co:lon"],
  ["comma", "a comma", "com,ma"],
  ["backslash", "a backslash", "back\\slash"],
  ["trailing-backslash", "a backslash at the end", "back\\"],
  ["octal", "what looks like mountinfo's escapes", "oct\\040al"],
  ["percent", "a percent sign", "per%cent%41"],
  ["quotes", "quotes", "quote\"'`"],
  ["option", "a dash first", "-rf"],
  ["tilde", "a tilde", "~"],
  ["glob", "a pattern", "*?[x]"],
  ["dollar", "a dollar sign", "$HOME"],
  ["utf8", "letters beyond ASCII", "ünïcödé"],
  ["decomposed", "a combining character", "u\u0308"],
  ["composed", "the same letter in one character", "\u00fc"],
  ["cjk", "Chinese characters", "日本語"],
  ["emoji", "a character beyond 16 bits", "🦙"],
  ["upper-case", "upper case", "Case"],
  ["lower-case", "the same in lower case", "case"],
  ["hidden", "a dot first", ".hidden"],
  ["two-dots", "two dots first", "..dots"],
  ["three-dots", "three dots", "..."],
  ["whiteout-like", "almost the prefix of whiteouts", ".wh"],
  ["longest", "255 bytes", "x".repeat(255)],
  ["not-utf8", "bytes that are no UTF-8", new Uint8Array([0xff, 0xfe, 0x80])],
  ["half-utf8", "half of a UTF-8 sequence", new Uint8Array([0x61, 0xe6, 0x97])],
  ["control", "control characters", new Uint8Array([0x01, 0x02, 0x7f])],
];

const SLASH = new Uint8Array([0x2f]);

const join = (...parts: Text[]) =>
  concat(...parts.flatMap((part, i) => i === 0 ? [toBytes(part)] : [SLASH, toBytes(part)]));

function nameClaims(): Claim[] {
  return NAMES.flatMap(([id, says, name]) => [
    {
      id: `${id}-file`,
      says: `a file whose name is ${says}`,
      shows: { [byteString(name)]: "file" },
    },
    {
      id: `${id}-directory`,
      says: `a directory, and a file in it, whose names are ${says}`,
      shows: {
        [byteString(join("sub", name))]: "directory",
        [byteString(join("sub", name, name))]: "file size=4",
      },
    },
  ]);
}

const TARGETS: readonly (readonly [id: string, says: string, target: Text])[] = [
  ["relative", "relative", "../somewhere/else"],
  ["absolute", "absolute", "/etc/passwd"],
  ["outside", "beyond the root", "../../../../../../etc/passwd"],
  ["dot", "a dot", "."],
  ["itself", "the link itself", "target-itself"],
  ["trailing-slash", "with a slash at its end", "usr/"],
  ["strange", "no UTF-8", new Uint8Array([0xff, 0x0a, 0x3a])],
  // XFS takes 1,024 bytes, the others 4,095.
  ["long", "1,023 bytes long", "t".repeat(1023)],
];

/** See the module. */
export const NAME_IMAGES: readonly TreeImage[] = [
  {
    id: "names",
    says: "names and link targets of all kinds",
    layers: () => [
      [
        ...NAMES.map(([id, , name]) => file(name, `content of ${id}`)),
        ...TARGETS.map(([id, , target]) => symlink(`target-${id}`, target)),
      ],
      [
        directory("sub"),
        ...NAMES.flatMap(([, , name]) => [
          directory(join("sub", name)),
          file(join("sub", name, name), "deep"),
        ]),
      ],
    ],
    claims: [
      ...nameClaims(),
      ...TARGETS.map(([id, says, target]) =>
        claim(
          `target-${id}`,
          `a symbolic link, which nobody follows, with a target that is ${says}`,
          {
            [`target-${id}`]: typeof target === "string" ? `symlink target=${target}` : "symlink",
          },
        )
      ),
    ],
  },
  {
    id: "longest-target",
    says: "the longest target of a symbolic link",
    layers: () => [[symlink("link", "t".repeat(4094))]],
    claims: [
      claim("kept", "a target of 4,094 bytes is whole", { link: `target=${"t".repeat(4094)}` }),
    ],
  },
  {
    id: "object-names",
    says: "names that composefs images have in their roots",
    layers: () => [[
      directory("00"),
      file("00/file", "x"),
      file("a0", "file"),
      symlink("ff", "00"),
      charDevice("7f", 1, 5),
      file("sub/00", "x"),
    ]],
    claims: [
      claim("directory", "a directory 00 with a file", { "00": "directory", "00/file": "file" }),
      claim("file", "a file a0", { a0: "file" }),
      claim("symlink", "a symbolic link ff", { ff: "symlink target=00" }),
      claim("device", "a device 7f", { "7f": "char rdev=1:5" }),
      claim("nested", "a file 00 further down", { "sub/00": "file" }),
    ],
  },
];
