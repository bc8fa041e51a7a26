/**
 * Entries that an upper layer replaces, in all directions, and directories that it only implies.
 *
 * @module
 */

import { charDevice, directory, fifo, file, hardlink, symlink, type TarPiece } from "../tar.ts";
import { type Claim, claim, type TreeImage } from "./image.ts";

const TYPES: Readonly<Record<string, (name: string, layer: string) => TarPiece[]>> = {
  file: (name, layer) => [file(name, `of the ${layer} layer`)],
  directory: (name, layer) => [directory(name, { mode: 0o751 }), file(`${name}/${layer}`, layer)],
  symlink: (name, layer) => [symlink(name, `elsewhere/${layer}`)],
  fifo: (name) => [fifo(name)],
  char: (name) => [charDevice(name, 1, 7)],
};

const PAIRS = Object.keys(TYPES).flatMap((from) =>
  Object.keys(TYPES).map((to) => ({ from, to, name: `${from}-to-${to}` }))
);

function pairClaim({ from, to, name }: (typeof PAIRS)[number]): Claim {
  const says = from === to ? `a ${to} over a ${to}` : `a ${to} over a ${from}`;
  const inside: Record<string, string | null> = {};
  // Directory over directory: children of both. Anything else: nothing of the lower one.
  if (from === "directory") inside[`${name}/lower`] = to === "directory" ? "file" : null;
  if (to === "directory") inside[`${name}/upper`] = "file";
  return claim(name, says, { [name]: to, ...inside });
}

/** See the module. */
export const REPLACEMENTS: readonly TreeImage[] = [
  {
    id: "replacements",
    says: "every type over every other",
    layers: () => [
      [...PAIRS.flatMap(({ from, name }) => TYPES[from](name, "lower")), directory("elsewhere")],
      PAIRS.flatMap(({ to, name }) => TYPES[to](name, "upper")),
    ],
    claims: PAIRS.map(pairClaim),
  },
  {
    id: "changes",
    says: "what an upper layer changes, and what it leaves as it is",
    layers: () => [
      [
        file("same", "content"),
        file("shorter", "a long content of the lower layer"),
        directory("merged", { mode: 0o700, uid: 1, mtime: 11, xattrs: { "user.low": "1" } }),
        file("merged/low", "l"),
        file("xattr", "x", { xattrs: { "user.low": "1" } }),
        symlink("to-directory", "merged"),
        file("setuid", "s", { mode: 0o4755 }),
        directory("etc", { mode: 0o710, uid: 3, mtime: 1_111_111_111, xattrs: { "user.e": "1" } }),
        directory("etc/sub", { mode: 0o701, gid: 9, mtime: 1_222_222_222 }),
        file("etc/sub/low", "l"),
      ],
      [
        file("same", "content", { mode: 0o600, uid: 5 }),
        file("shorter", "short"),
        directory("merged", { mode: 0o755, uid: 2, mtime: 12, xattrs: { "user.high": "2" } }),
        file("merged/high", "h"),
        file("xattr", "x", { xattrs: { "user.high": "2" } }),
        directory("to-directory"),
        file("to-directory/new", "n"),
        file("setuid", "s", { mode: 0o755 }),
        file("etc/sub/high", "h"),
      ],
      [file("etc/other/deep/file", "d")],
    ],
    claims: [
      claim("same-content", "mode and owner of a file with the same content", {
        same: "mode=600 owner=5:0 size=7",
      }),
      claim("shorter", "a shorter content", { shorter: "size=5" }),
      claim("directory", "a directory has the upper metadata and both layers' children", {
        merged: "mode=755 owner=2:0 mtime=12.000000000 xattr:user.high=2",
        "merged/low": "file",
        "merged/high": "file",
      }),
      claim("xattrs", "xattrs are replaced, not added to", { xattr: "xattr:user.high=2" }),
      claim("symlink-to-directory", "a directory replaces a link to a directory", {
        "to-directory": "directory",
        "to-directory/new": "file",
        "merged/new": null,
      }),
      claim("setuid", "a setuid bit is taken away", { setuid: "mode=755" }),
      claim(
        "implied-metadata",
        "directories that a layer has no entry for: their metadata comes from below",
        {
          etc: "mode=710 owner=3:0 mtime=1111111111.000000000 xattr:user.e=1",
        },
      ),
      claim("implied-nested", "so does that of one further down", {
        "etc/sub": "mode=701 owner=0:9 mtime=1222222222.000000000",
        "etc/sub/low": "file",
        "etc/sub/high": "file",
      }),
      claim("implied-new", "one that no layer has an entry for is there", {
        "etc/other/deep": "directory",
        "etc/other/deep/file": "file",
      }),
    ],
  },
  {
    id: "implied-symlink",
    says: "an implied directory over a symbolic link to a directory",
    layers: () => [
      [
        directory("usr", { mode: 0o751, mtime: 1_333_333_333 }),
        directory("usr/lib", { mode: 0o705, mtime: 1_444_444_444 }),
        file("usr/lib/low", "l"),
        symlink("lib", "usr/lib"),
        symlink("absolute", "/usr/lib"),
        symlink("two-steps", "lib"),
        symlink("dangling", "nowhere"),
      ],
      [
        file("lib/high", "h"),
        file("absolute/absolute", "a"),
        file("lib/low", "replaced"),
        file("two-steps/far", "f"),
      ],
      [file("dangling/file", "d"), hardlink("lib/low-too", "lib/low")],
    ],
    claims: [
      claim("link", "the link stays a link", { lib: "symlink target=usr/lib" }),
      claim("children", "the children go where it leads", {
        "usr/lib/high": "file",
        "usr/lib/low": "file size=8",
      }),
      claim("absolute", "an absolute one leads inside the root", {
        absolute: "symlink",
        "usr/lib/absolute": "file",
      }),
      claim("two-steps", "so does one that leads to another", {
        "two-steps": "symlink",
        "usr/lib/far": "file",
      }),
      claim("metadata", "the directory keeps its metadata", {
        "usr/lib": "mode=705 mtime=1444444444.000000000",
        usr: "mode=751 mtime=1333333333.000000000",
      }),
      claim("hard-link", "a hard link through it is one file with its target", {
        "usr/lib/low-too": "link=usr/lib/low size=8",
      }),
    ],
  },
];
