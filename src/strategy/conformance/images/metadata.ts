/**
 * Modes, owners and times of all types of entries, and of the root.
 *
 * @module
 */

import { charDevice, directory, fifo, file, type Options, symlink, type TarPiece } from "../tar.ts";
import { type Claim, claim, type TreeImage } from "./image.ts";

const TYPES: readonly {
  readonly type: string;
  readonly make: (name: string, options: Options) => TarPiece[];
}[] = [
  { type: "file", make: (name, options) => [file(name, name.repeat(40), options)] },
  {
    type: "directory",
    make: (name, options) => [directory(name, options), file(`${name}/inside`, "child")],
  },
  { type: "symlink", make: (name, options) => [symlink(name, `/target/${name}`, options)] },
  { type: "fifo", make: (name, options) => [fifo(name, options)] },
  { type: "char", make: (name, options) => [charDevice(name, 1, 3, options)] },
];

const MODES = [0, 0o200, 0o444, 0o600, 0o644, 0o755, 0o1777, 0o2755, 0o4755, 0o6711, 0o7777];

const OWNERS = [1, 1000, 65534, 65535, 65536, 70_000, 2_147_483_647, 4_294_967_294];

const TIMES = [
  "0",
  "1",
  "-1",
  "-5.5",
  "1500000000.000000001",
  "1500000000.999999999",
  "1234567890.120000000",
  "2147483648.25",
];

/** The field of a snapshot for a time as it stands in an archive. */
function mtimeField(text: string): string {
  const [seconds, fraction = ""] = text.split(".");
  const nanoseconds = Number(fraction.padEnd(9, "0"));
  // Before the epoch the fraction counts back: -5.5 is half a second after -6.
  const back = text.startsWith("-") && nanoseconds > 0;
  const [whole, rest] = back
    ? [Number(seconds) - 1, 1_000_000_000 - nanoseconds]
    : [Number(seconds), nanoseconds];
  return `mtime=${whole}.${String(rest).padStart(9, "0")}`;
}

interface Variant {
  readonly id: string;
  readonly says: string;
  readonly options: Options;
  readonly field: string;
}

function all(
  folder: string,
  variants: readonly Variant[],
  types = TYPES,
): { pieces: TarPiece[]; claims: Claim[] } {
  const pieces: TarPiece[] = [];
  const claims: Claim[] = [];
  for (const { id, says, options, field } of variants) {
    for (const { type, make } of types) {
      const name = `${folder}/${type}-${id}`;
      pieces.push(...make(name, options));
      claims.push(claim(name, `a ${type} with ${says}`, { [name]: `${type} ${field}` }));
    }
  }
  return { pieces, claims };
}

const modes = all(
  "modes",
  MODES.map((mode) => ({
    id: mode.toString(8).padStart(4, "0"),
    says: `mode ${mode.toString(8).padStart(4, "0")}`,
    options: { mode, uid: 7, gid: 8, mtimeText: "1.5" },
    field: `mode=${mode.toString(8)}`,
  })),
  // A symbolic link's mode is nobody's concern.
  TYPES.filter(({ type }) => type !== "symlink"),
);

const owners = all(
  "owners",
  OWNERS.map((id) => ({
    id: String(id),
    says: `owner ${id} and group ${id - 1}`,
    options: { uid: id, gid: id - 1, mode: 0o4711 },
    field: `owner=${id}:${id - 1}`,
  })),
);

const times = all(
  "times",
  TIMES.map((mtimeText) => ({
    id: mtimeText,
    says: `the time ${mtimeText}`,
    options: { mtimeText },
    field: mtimeField(mtimeText),
  })),
);

/** See the module. */
export const METADATA: readonly TreeImage[] = [
  {
    id: "metadata",
    says: "what entries of all types have",
    layers: () => [[...modes.pieces, ...owners.pieces, ...times.pieces]],
    claims: [...modes.claims, ...owners.claims, ...times.claims],
  },
  {
    id: "root",
    says: "what the root itself has",
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
    claims: [
      claim("mode", "the root has the mode that a layer gives it", { ".": "mode=711" }),
      claim("owner", "the root has the owner that a layer gives it", { ".": "owner=3:4" }),
      claim("time", "the root has its time, whatever was made in it", {
        ".": "mtime=1500000000.250000000",
      }),
      claim("xattr", "the root has its xattrs", { ".": "xattr:user.root=yes" }),
    ],
  },
  {
    id: "root-replaced",
    says: "what an upper layer gives to the root",
    layers: () => [
      [directory("./", { mode: 0o700, uid: 1, xattrs: { "user.low": "1" } }), file("file", "x")],
      [directory("./", { mode: 0o1777, gid: 5, mtime: 1_600_000_000 })],
    ],
    claims: [
      claim("all", "the root has what the uppermost layer says of it", {
        ".": "mode=1777 owner=0:5 mtime=1600000000.000000000",
      }),
    ],
  },
  {
    id: "order",
    says: "read-only directories with children, and an odd order of entries",
    layers: () => [[
      file("ro/a", "a"),
      file("ro/sub/b", "b"),
      directory("ro/sub", { mode: 0o555, mtime: 76 }),
      directory("ro", { mode: 0o500, mtime: 77 }),
      file("ro/c", "c"),
      directory("none", { mode: 0, mtime: 78 }),
      file("none/x", "x"),
      directory("outer", { mtime: 79 }),
      directory("outer/inner", { mtime: 80 }),
      directory("outer/inner/empty", { mtime: 81 }),
      symlink("outer/link", "inner", { mtime: 82 }),
    ]],
    claims: [
      claim("read-only", "a read-only directory has its children, mode and time", {
        ro: "directory mode=500 mtime=77.000000000",
        "ro/a": "file",
        "ro/c": "file",
      }),
      claim("below-read-only", "so has one below it", {
        "ro/sub": "directory mode=555 mtime=76.000000000",
        "ro/sub/b": "file",
      }),
      claim("no-rights", "a directory of mode 0 has its children", {
        none: "directory mode=0 mtime=78.000000000",
        "none/x": "file",
      }),
      claim("times", "directories have their times after their children were made", {
        outer: "mtime=79.000000000",
        "outer/inner": "mtime=80.000000000",
        "outer/inner/empty": "mtime=81.000000000",
      }),
      claim("link-time", "a symbolic link has a time of its own", {
        "outer/link": "symlink mtime=82.000000000",
      }),
    ],
  },
];
