/**
 * Contents: every size around a boundary, sparse files, equal contents; and special files.
 *
 * @module
 */

import { blockDevice, charDevice, directory, fifo, file, sparse } from "../tar.ts";
import { bytesOf, claim, type TreeImage } from "./image.ts";

const SIZES = [0, 1, 63, 64, 65, 1023, 1024, 2047, 2048, 4095, 4096, 4097, 8191, 8192, 8193, 16383]
  .concat([16384, 16385, 65535, 65536, 65537, 131072, 262145, 1048576, 3_000_001, 9_437_185]);

const MIB = 1 << 20;

/** See the module. */
export const CONTENTS: readonly TreeImage[] = [
  {
    id: "sizes",
    says: "sizes around every boundary",
    layers: () => [SIZES.map((size) => file(`size-${size}`, bytesOf(size, size)))],
    claims: SIZES.map((size) =>
      claim(String(size), `a file of ${size} bytes`, { [`size-${size}`]: `file size=${size}` })
    ),
  },
  {
    id: "sparse",
    says: "files with holes",
    layers: () => [[
      sparse("holes", 8 * MIB, [
        { offset: MIB, bytes: bytesOf(5000, 1) },
        { offset: 3 * MIB + 123, bytes: bytesOf(70_000, 2) },
        { offset: 8 * MIB - 100, bytes: bytesOf(100, 3) },
      ]),
      sparse("head", 2 * MIB, [{ offset: 0, bytes: bytesOf(4096, 4) }]),
      sparse("tail", 2 * MIB + 17, [{ offset: 2 * MIB, bytes: bytesOf(17, 5) }]),
      sparse("hole-only", 3 * MIB + 1, []),
      file("zeros", new Uint8Array(2 * MIB)),
      file("small-zeros", new Uint8Array(5000)),
    ]],
    claims: [
      claim("holes", "data between holes is in its place", { holes: `size=${8 * MIB}` }),
      claim("hole-last", "a hole at the end counts", { head: `size=${2 * MIB}` }),
      claim("hole-first", "so does one at the beginning", { tail: `size=${2 * MIB + 17}` }),
      claim("hole-only", "a file that is one hole has its size", {
        "hole-only": `size=${3 * MIB + 1}`,
      }),
      claim("zeros", "zeros that were written", { zeros: `size=${2 * MIB}` }),
      claim("small-zeros", "a few zeros", { "small-zeros": "size=5000" }),
    ],
  },
  {
    id: "equal",
    says: "files of one content, which a store may keep once",
    layers: () => [
      [
        file("a", bytesOf(9000, 4), { mode: 0o644 }),
        file("b", bytesOf(9000, 4), { mode: 0o644 }),
        file("other-mode", bytesOf(9000, 4), { mode: 0o755 }),
        file("other-owner", bytesOf(9000, 4), { uid: 5 }),
        file("other-time", bytesOf(9000, 4), { mtime: 1_111_111_111 }),
        file("tiny-1", "t"),
        file("tiny-2", "t"),
      ],
      [file("upper", bytesOf(9000, 4), { mode: 0o600 }), file("upper-same", bytesOf(9000, 4))],
    ],
    claims: [
      claim("not-linked", "two files of equal content and metadata are two", {
        a: "size=9000",
        b: "size=9000",
      }),
      claim("tiny", "two tiny ones too", { "tiny-1": "size=1", "tiny-2": "size=1" }),
      claim("mode", "one has its own mode", { "other-mode": "mode=755" }),
      claim("owner", "one has its own owner", { "other-owner": "owner=5:0" }),
      claim("time", "one has its own time", { "other-time": "mtime=1111111111.000000000" }),
      claim("layer", "one of another layer has its own mode", { upper: "mode=600" }),
      claim("layer-same", "one of another layer that is equal in all is there", {
        "upper-same": "size=9000",
      }),
    ],
  },
  {
    id: "specials",
    says: "devices and fifos",
    layers: () => [[
      directory("dev"),
      charDevice("dev/null", 1, 3, { mode: 0o666 }),
      charDevice("dev/large", 511, 262143, { mode: 0o640, gid: 5 }),
      charDevice("dev/console", 5, 1, { mode: 0o600 }),
      blockDevice("dev/sda", 8, 0, { mode: 0o660, gid: 6 }),
      blockDevice("dev/large-block", 259, 70000),
      fifo("dev/initctl", { mode: 0o600 }),
    ], [charDevice("dev/console", 5, 2, { mode: 0o620 })]],
    claims: [
      claim("char", "a character device", { "dev/null": "char mode=666 rdev=1:3" }),
      claim("char-large", "one with large numbers", {
        "dev/large": "char owner=0:5 rdev=511:262143",
      }),
      claim("char-replaced", "one that another layer replaces", {
        "dev/console": "char mode=620 rdev=5:2",
      }),
      claim("block", "a block device", { "dev/sda": "block mode=660 owner=0:6 rdev=8:0" }),
      claim("block-large", "one with large numbers", { "dev/large-block": "block rdev=259:70000" }),
      claim("fifo", "a fifo", { "dev/initctl": "fifo mode=600" }),
    ],
  },
];
