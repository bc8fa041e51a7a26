/**
 * Images that every strategy has to compose exactly: each a few layers of archive members, lowest first.
 *
 * @module
 */

import {
  blockDevice,
  charDevice,
  directory,
  fifo,
  file,
  hardlink,
  opaque,
  symlink,
  type TarPiece,
  toBytes,
  whiteout,
} from "../support/tar.ts";

/** One image. */
export interface ConformanceCase {
  readonly name: string;
  readonly layers: () => TarPiece[][];
}

/** Bytes that differ from place to place, so that a piece in the wrong place shows. */
export function bytesOf(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** `security.capability` as setcap writes it: cap_net_raw=ep (struct vfs_cap_data, revision 2). */
const CAPABILITY = new Uint8Array([1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** A POSIX ACL: user::rw- user:1000:r-- group::r-- mask::r-- other::r-- (struct posix_acl_xattr). */
const ACL = new Uint8Array(
  [
    [2, 0, 0, 0],
    [1, 0, 6, 0, 255, 255, 255, 255],
    [2, 0, 4, 0, 232, 3, 0, 0],
    [4, 0, 4, 0, 255, 255, 255, 255],
    [16, 0, 4, 0, 255, 255, 255, 255],
    [32, 0, 4, 0, 255, 255, 255, 255],
  ].flat(),
);

const NAMES: readonly (string | Uint8Array)[] = [
  " ",
  "with space",
  "new\nline",
  "tab\t",
  "co:lon",
  "com,ma",
  "back\\slash",
  "per%cent%41",
  "quote\"'`",
  "-rf",
  "~",
  "*?[x]",
  "ünïcödé",
  "u\u0308",
  "\u00fc",
  "日本語",
  "Case",
  "case",
  ".hidden",
  "..dots",
  "...",
  "x".repeat(255),
  new Uint8Array([0xff, 0xfe, 0x80]),
  new Uint8Array([0x01, 0x02, 0x7f]),
];

export const CASES: readonly ConformanceCase[] = [
  {
    name: "an empty image",
    layers: () => [[]],
  },
  {
    name: "metadata of the root",
    layers: () => [
      [
        directory("./", {
          mode: 0o711,
          uid: 3,
          gid: 4,
          mtimeText: "1500000000.25",
          xattrs: { "user.root": "yes" },
        }),
        file("file", "x"),
      ],
      [file("other", "y")],
    ],
  },
  {
    name: "modes, owners and times of all types",
    layers: () => [
      [0o000, 0o200, 0o444, 0o600, 0o644, 0o755, 0o1777, 0o2755, 0o4755, 0o6711, 0o7777].flatMap(
        (mode, index) => {
          const more = {
            mode,
            uid: index * 1000,
            gid: index * 70_000,
            mtimeText: `${index * 100_000_000 - 5}.${String(index * 12_345_678).padStart(9, "0")}`,
          };
          const id = mode.toString(8);
          return [
            directory(`d${id}`, more),
            file(`d${id}/inside`, id, { ...more, mtimeText: "1.5" }),
            directory(`d${id}/empty`, more),
            file(`f${id}`, id.repeat(index * 100), more),
            symlink(`l${id}`, `/target/${id}`, more),
            fifo(`p${id}`, more),
            charDevice(`c${id}`, 1, 3, more),
          ];
        },
      ),
    ],
  },
  {
    name: "devices",
    layers: () => [[
      directory("dev"),
      charDevice("dev/null", 1, 3, { mode: 0o666 }),
      charDevice("dev/large", 511, 262143, { mode: 0o640, gid: 5 }),
      blockDevice("dev/sda", 8, 0, { mode: 0o660, gid: 6 }),
      blockDevice("dev/large-block", 259, 70000),
      fifo("dev/initctl", { mode: 0o600 }),
    ]],
  },
  {
    name: "xattrs of all kinds",
    layers: () => [[
      file("capable", bytesOf(100, 1), {
        mode: 0o755,
        uid: 7,
        gid: 8,
        xattrs: { "security.capability": CAPABILITY },
      }),
      file("capable-small", "x", {
        mode: 0o4755,
        uid: 9,
        xattrs: { "security.capability": CAPABILITY },
      }),
      file("acl", "acl", { mode: 0o644, xattrs: { "system.posix_acl_access": ACL } }),
      directory("with-acl", { mode: 0o755, xattrs: { "system.posix_acl_default": ACL } }),
      file("with-acl/inherits-nothing", "x", { mode: 0o600 }),
      directory("with-acl/nor-this", { mode: 0o700 }),
      file("user", "u", {
        mode: 0o444,
        xattrs: {
          "user.a": "1",
          "user.empty": "",
          "user.binary": new Uint8Array([0, 1, 10, 61, 255]),
        },
      }),
      file("large", "l", { xattrs: { "user.large": "v".repeat(2000) } }),
      directory("directory", { xattrs: { "user.d": "d", "trusted.d": "t" } }),
      symlink("link", "nowhere", { xattrs: { "trusted.link": "t" } }),
      fifo("fifo", { xattrs: { "trusted.fifo": "t" } }),
    ]],
  },
  {
    name: "names of all kinds",
    layers: () => [
      NAMES.map((name, index) => file(name, `content ${index}`)),
      [
        directory("sub"),
        ...NAMES.flatMap((name) => {
          const inner = new Uint8Array([...toBytes("sub/"), ...toBytes(name)]);
          return [
            directory(inner),
            file(new Uint8Array([...inner, 0x2f, ...toBytes(name)]), "deep"),
          ];
        }),
        // XFS takes 1,024 bytes, the others 4,095.
        symlink("long-target", "t".repeat(1023)),
        symlink("strange-target", new Uint8Array([0xff, 0x0a, 0x3a])),
      ],
    ],
  },
  {
    name: "names that composefs uses in its roots",
    layers: () => [[
      directory("00"),
      file("00/file", "x"),
      file("a0", "file"),
      symlink("ff", "00"),
      charDevice("7f", 1, 5),
      file("sub/00", "x"),
    ]],
  },
  {
    name: "sizes around every boundary",
    layers: () => [
      [
        0,
        1,
        63,
        64,
        65,
        1023,
        1024,
        2047,
        2048,
        4095,
        4096,
        4097,
        16383,
        16384,
        65535,
        65536,
        65537,
      ]
        .concat([131072, 262145, 1048576, 3_000_001])
        .map((size) => file(`size-${size}`, bytesOf(size, size))),
    ],
  },
  {
    name: "a file of zeros with some data",
    layers: () => {
      const body = new Uint8Array(6 << 20);
      body.set(bytesOf(5000, 1), 1 << 20);
      body.set(bytesOf(100, 2), body.length - 100);
      return [[file("sparse", body), file("zeros", new Uint8Array(2 << 20))]];
    },
  },
  {
    name: "hard links within a layer",
    layers: () => [[
      file("first", bytesOf(5000, 3), { mode: 0o4711, uid: 12, xattrs: { "user.x": "y" } }),
      hardlink("second", "first"),
      directory("sub"),
      hardlink("sub/third", "first"),
      file("small", "inline"),
      hardlink("sub/small-too", "small"),
      file("zz", ""),
      hardlink("aa", "zz"),
      symlink("link", "target"),
      hardlink("sub/link-too", "link"),
      fifo("fifo"),
      hardlink("sub/fifo-too", "fifo"),
      charDevice("device", 1, 7),
      hardlink("sub/device-too", "device"),
      file("equal-1", bytesOf(9000, 4)),
      file("equal-2", bytesOf(9000, 4)),
    ]],
  },
  {
    name: "hard links across layers",
    layers: () => [
      [
        file("base", bytesOf(3000, 5), { mode: 0o755 }),
        file("gone", "g"),
        directory("d"),
        file("d/x", "x"),
      ],
      [hardlink("d/base-too", "base"), hardlink("again", "base"), hardlink("kept", "gone")],
      [whiteout("gone"), file("base", "replaced"), hardlink("x-too", "d/x")],
    ],
  },
  {
    name: "whiteouts of everything",
    layers: () => [
      [
        file("file", "f"),
        directory("directory"),
        file("directory/inside", "i"),
        symlink("link", "file"),
        fifo("fifo"),
        charDevice("device", 1, 3),
        directory("keep"),
        file("keep/gone", "x"),
        file("keep/stays", "y"),
        file("back", "first"),
      ],
      ["file", "directory", "link", "fifo", "device", "keep/gone", "back", "never-there"].map((
        path,
      ) => whiteout(path)),
      [file("back", "again"), directory("directory"), file("directory/new", "n")],
    ],
  },
  {
    name: "opaque directories",
    layers: () => [
      [
        directory("a"),
        file("a/low", "1"),
        directory("a/sub"),
        file("a/sub/low", "2"),
        file("b/low", "3"),
      ],
      [
        directory("a", { mode: 0o700 }),
        opaque("a"),
        file("a/high", "4"),
        opaque("b"),
        file("b/high", "5"),
      ],
      [directory("a/sub"), file("a/sub/top", "6")],
    ],
  },
  {
    name: "replacements in all directions",
    layers: () => [
      [
        file("file-to-directory", "f"),
        file("file-to-link", "f"),
        directory("directory-to-file"),
        file("directory-to-file/x", "x"),
        directory("directory-to-link"),
        file("directory-to-link/x", "x"),
        symlink("link-to-directory", "elsewhere"),
        symlink("link-to-file", "elsewhere"),
        fifo("fifo-to-file"),
        file("same", "content"),
        directory("elsewhere"),
        file("elsewhere/kept", "k"),
      ],
      [
        directory("file-to-directory"),
        file("file-to-directory/new", "n"),
        symlink("file-to-link", "directory-to-file"),
        file("directory-to-file", "now a file"),
        symlink("directory-to-link", "elsewhere"),
        directory("link-to-directory"),
        file("link-to-directory/new", "n"),
        file("link-to-file", "now a file"),
        file("fifo-to-file", "now a file"),
        file("same", "content", { mode: 0o600, uid: 5 }),
      ],
    ],
  },
  {
    name: "directories that are only implied keep their metadata",
    layers: () => [
      [
        directory("etc", { mode: 0o710, uid: 3, mtime: 1_111_111_111, xattrs: { "user.e": "1" } }),
        directory("etc/sub", { mode: 0o701, gid: 9, mtime: 1_222_222_222 }),
        file("etc/sub/low", "l"),
      ],
      [file("etc/sub/high", "h")],
      [file("etc/other/deep/file", "d")],
    ],
  },
  {
    name: "an implied directory over a symbolic link",
    layers: () => [
      [
        directory("usr", { mode: 0o751, mtime: 1_333_333_333 }),
        directory("usr/lib", { mode: 0o705, mtime: 1_444_444_444 }),
        file("usr/lib/low", "l"),
        symlink("lib", "usr/lib"),
        symlink("absolute", "/usr/lib"),
        symlink("dangling", "nowhere"),
      ],
      [file("lib/high", "h"), file("absolute/absolute", "a"), file("lib/low", "replaced")],
      [file("dangling/file", "d"), hardlink("lib/low-too", "lib/low")],
    ],
  },
  {
    name: "read-only directories with children, and an odd order of entries",
    layers: () => [[
      file("ro/a", "a"),
      file("ro/sub/b", "b"),
      directory("ro/sub", { mode: 0o555 }),
      directory("ro", { mode: 0o500, mtime: 77 }),
      file("ro/c", "c"),
      directory("none", { mode: 0 }),
      file("none/x", "x"),
    ]],
  },
  {
    name: "a deep tree, with paths longer than the kernel takes",
    layers: () => {
      const names = Array.from({ length: 40 }, (_, depth) => `${depth}-${"d".repeat(180)}`);
      const deep = names.join("/");
      const short = Array.from({ length: 300 }, (_, depth) => `${depth}`).join("/");
      return [[
        file(`${deep}/bottom`, bytesOf(3000, 6)),
        hardlink(`${deep}/bottom-too`, `${deep}/bottom`),
        file(`${short}/bottom`, "short names"),
        file("top", "t"),
      ], [file(`${deep}/from-above`, bytesOf(2000, 7))]];
    },
  },
  {
    name: "enough entries for two threads, with links between what they make",
    layers: () => {
      const pieces: TarPiece[] = [directory("shared", { mtime: 1_000_000_001 })];
      for (let i = 0; i < 40; i++) pieces.push(file(`shared/group-${i}`, bytesOf(i * 40, i)));
      for (let d = 0; d < 60; d++) {
        pieces.push(directory(`d${d}`, { mode: 0o750, mtime: 1_000_000_100 + d }));
        for (let f = 0; f < 80; f++) {
          pieces.push(
            file(`d${d}/f${f}`, bytesOf((d * f) % 300, d + f), { mtime: 1_100_000_000 + f }),
          );
        }
        pieces.push(hardlink(`d${d}/linked`, `shared/group-${d % 40}`));
        pieces.push(
          directory(`d${d}/deeper/still`),
          symlink(`d${d}/deeper/still/link`, `../../f${d}`),
        );
      }
      return [pieces, [hardlink("d3/across", "d59/f1"), file("d3/f4", "replaced")]];
    },
  },
];
