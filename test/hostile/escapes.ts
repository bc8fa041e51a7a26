/**
 * What tries to get out of its layer.
 *
 * @module
 */

import { directory, file, hardlink, symlink } from "../support/tar.ts";
import { type Aim, type HostileCase, type HostileClass } from "./case.ts";
import { DOCUMENTS } from "./documents.ts";

/** The directories that the layer then has instead of the canary's. */
function inside({ outside }: Aim): string[] {
  const parts = outside.slice(1).split("/");
  return parts.map((_, index) => `${parts.slice(0, index + 1).join("/")}/`);
}

const path = ({ outside }: Aim) => outside.slice(1);

const CASES: readonly HostileCase[] = [
  // Names.
  {
    title: "a name with .. at its start",
    layers: [[file("ok", "1"), file("../../../../etc/passwd", "x")]],
    refused: ["entry ../../../../etc/passwd", "'..'"],
  },
  {
    title: "a name with .. half-way",
    layers: [[file("a/../../escaped", "x")]],
    refused: ["entry a/../../escaped", "'..'"],
  },
  {
    title: "a name with .. that would stay inside",
    layers: [[file("a/../b", "x")]],
    refused: ["entry a/../b", "'..'"],
  },
  {
    title: "a name with .. in a PAX record",
    layers: [[file("harmless", "x", { pax: { path: "../escaped" } })]],
    refused: ["entry ../escaped", "'..'"],
  },
  {
    title: "a hard link whose target has ..",
    layers: [[hardlink("h", "../../etc/passwd")]],
    refused: ["entry h", "'..'"],
  },
  {
    title: "a hard link whose target has .. half-way",
    layers: [[file("a/f"), hardlink("h", "a/../../../etc/passwd")]],
    refused: ["entry h", "'..'"],
  },
  {
    title: "a symbolic link whose target has ..: kept as it is",
    layers: [[symlink("s", "../../../../../etc/passwd")]],
    tree: ["s -> ../../../../../etc/passwd"],
  },
  {
    title: "absolute names: below the root",
    layers: (aim) => [[file("/etc/passwd", "mine"), file(`${aim.outside}/secret`, "mine")]],
    tree: (aim) => [...inside(aim), `${path(aim)}/secret: mine`, "etc/", "etc/passwd: mine"].sort(),
  },
  {
    title: "the names . and ./ and / and ./. are the root",
    layers: [[
      directory(".", { mode: 0o700 }),
      directory("./", { mode: 0o711 }),
      directory("/", { mode: 0o710 }),
      directory("./.", { mode: 0o701 }),
    ]],
    tree: ["/ 701"],
  },
  {
    title: "an empty name that is a file",
    layers: [[file("", "x")]],
    refused: ["root would be a file"],
  },
  {
    title: "an empty name that is a directory: the root",
    layers: [[directory("", { mode: 0o750 })]],
    tree: ["/ 750"],
  },
  {
    title: "names with doubled slashes and dots",
    layers: [[file("//a///b/./c", "1"), file("./d", "2")]],
    tree: ["a/", "a/b/", "a/b/c: 1", "d: 2"],
  },
  // The root.
  {
    title: "a root that is a file",
    layers: [[file(".", "x")]],
    refused: ["entry /", "root would be a file"],
  },
  {
    title: "a root that is a symbolic link",
    history: "CVE-2021-29136",
    layers: (aim) => [[symlink("./", aim.outside), file("secret", "overwritten")]],
    refused: ["entry /", "root would be a symlink"],
  },
  {
    title: "a root that is a symbolic link, in an upper layer",
    history: "CVE-2021-29136",
    layers: (aim) => [[file("a")], [symlink("/", aim.outside)]],
    refused: ["layer 2 of 2", "root would be a symlink"],
  },
  {
    title: "a root that is a hard link",
    layers: [[directory("d"), hardlink(".", "d")]],
    refused: ["root would be a link"],
  },
  // Through symbolic links.
  {
    title: "a file through an absolute symbolic link: inside the root",
    history: "CVE-2020-27833",
    layers: (aim) => [[symlink("way", aim.outside), file("way/secret", "mine")]],
    tree: (aim) => [...inside(aim), `${path(aim)}/secret: mine`, `way -> ${aim.outside}`].sort(),
  },
  {
    title: "a file through a relative symbolic link that leads out: inside the root",
    layers: [[symlink("way", "../../../../../../.."), file("way/escaped", "mine")]],
    tree: ["escaped: mine", "way -> ../../../../../../.."],
  },
  {
    title: "two steps: a link in a directory that is a link",
    history: "CVE-2020-27833, CVE-2025-11395",
    layers: [[
      directory("a"),
      symlink("a/up", ".."),
      symlink("b", "a/up/.."),
      file("b/escaped", "mine"),
    ]],
    tree: ["a/", "a/up -> ..", "b -> a/up/..", "escaped: mine"],
  },
  {
    title: "a directory that is replaced by a link, then written through",
    history: "CVE-2025-11395",
    layers: (
      aim,
    ) => [[
      directory("d"),
      file("d/a", "1"),
      symlink("d", aim.outside),
      file("d/secret", "mine"),
    ]],
    tree: (aim) => [...inside(aim), `${path(aim)}/secret: mine`, `d -> ${aim.outside}`].sort(),
  },
  {
    title: "a lower layer's link, written through by an upper layer that implies the directory",
    layers: (aim) => [[symlink("way", aim.outside)], [file("way/secret", "mine")]],
    // What the link leads to is nothing in the image: the path becomes a directory in the link's place.
    tree: ["way/", "way/secret: mine"],
  },
  {
    title: "the same where the link leads out by ..",
    layers: [[directory("etc"), symlink("way", "../../../etc")], [file("way/passwd", "mine")]],
    tree: ["etc/", "etc/passwd: mine", "way -> ../../../etc"],
  },
  {
    title: "a lower layer's link, with an entry for the directory in the upper layer",
    layers: (aim) => [[symlink("way", aim.outside)], [directory("way"), file("way/secret", "1")]],
    tree: ["way/", "way/secret: 1"],
  },
  {
    title: "symbolic links in a circle",
    layers: [[symlink("a", "b"), symlink("b", "a"), file("a/x")]],
    refused: ["entry a/x", "in a circle"],
  },
  {
    title: "a symbolic link to itself",
    layers: [[symlink("a", "a"), file("a/x")]],
    refused: ["entry a/x", "in a circle"],
  },
  {
    title: "links in a circle across layers: directories take their place",
    layers: [[symlink("a", "b"), symlink("b", "a")], [file("a/x", "1")]],
    tree: ["a/", "a/x: 1", "b -> a"],
  },
  {
    title: "links in a circle that nothing goes through: kept",
    layers: [[symlink("a", "b"), symlink("b", "a")]],
    tree: ["a -> b", "b -> a"],
  },
  {
    title: "a link into the unknown and out of it again",
    layers: [[symlink("s", "lower/../../x"), file("s/f")]],
    refused: ["entry s/f", "only lower layers know"],
  },
  // Hard links.
  {
    title: "a hard link to an absolute path outside: inside the root",
    layers: (aim) => [[hardlink("h", `${aim.outside}/secret`)]],
    partlyRight: true,
    refused: ["h is a hard link to", "no lower layer has that file"],
  },
  {
    title: "a hard link through a symbolic link that leads out",
    layers: (aim) => [[symlink("way", aim.outside), hardlink("h", "way/secret")]],
    partlyRight: true,
    refused: ["hard link to way/secret", "no lower layer has that file"],
  },
  {
    title: "a hard link to a symbolic link: to the link itself",
    layers: (aim) => [[symlink("s", `${aim.outside}/secret`), hardlink("h", "s")]],
    tree: (aim) => [`h -> ${aim.outside}/secret`, "s = h"],
  },
  {
    title: "a file over a hard link to a symbolic link: the link goes",
    layers: (
      aim,
    ) => [[symlink("s", `${aim.outside}/secret`), hardlink("h", "s"), file("h", "mine")]],
    tree: (aim) => ["h: mine", `s -> ${aim.outside}/secret`],
  },
  {
    title: "a hard link to a directory",
    layers: [[directory("d"), hardlink("h", "d")]],
    refused: ["entry h", "hard link to the directory d"],
  },
  {
    title: "a hard link to a lower layer's directory",
    layers: [[file("d/f")], [hardlink("h", "d")]],
    partlyRight: true,
    refused: ["h is a hard link to d", "a directory"],
  },
  {
    title: "a hard link to itself",
    layers: [[hardlink("h", "./h")]],
    refused: ["entry h", "itself"],
  },
  {
    title: "a hard link to nothing",
    layers: [[hardlink("h", "nothing")]],
    partlyRight: true,
    refused: ["h is a hard link to nothing", "no lower layer has that file"],
  },
  {
    title: "a hard link to a later entry",
    layers: [[hardlink("h", "later"), file("later", "x")]],
    refused: ["entry h", "later is a later entry"],
  },
  {
    title: "a hard link over an entry",
    layers: [[file("a", "1"), file("b", "2"), hardlink("b", "a")]],
    tree: ["a: 1", "b = a"],
  },
  {
    title: "a hard link over a directory with entries",
    layers: [[file("a", "1"), file("d/x", "2"), hardlink("d", "a")]],
    tree: ["a: 1", "d = a"],
  },
  // Metadata on a link, not through it.
  {
    title: "mode, owner, times of a link whose target is outside",
    history: "CVE-2021-32760",
    layers: (
      aim,
    ) => [[
      symlink("s", `${aim.outside}/secret`, {
        mode: 0o4777,
        uid: 1234,
        gid: 5678,
        mtime: 1,
        xattrs: { "user.x": "dropped: links have none" },
      }),
    ]],
    tree: (aim) => [`s -> ${aim.outside}/secret 1234:5678 @1`],
  },
  {
    title: "a link that becomes a file, with the file's metadata",
    history: "CVE-2021-32760",
    layers: (aim) => [[symlink("s", `${aim.outside}/secret`)], [
      file("s", "mine", { mode: 0o4755, uid: 1, gid: 2, xattrs: { "user.x": "y" } }),
    ]],
    tree: ["s: mine 4755 1:2 user.x=y"],
  },
  ...DOCUMENTS,
];

/** See the module. */
export const ESCAPES: HostileClass = {
  name: "escapes",
  cases: CASES,
  elsewhere: [
    [
      "a layer directory that is swapped for a symbolic link while it is written (CVE-2025-47290, CVE-2018-15664)",
      "layer/fault_test.ts",
    ],
    ["any change to a document, digests as paths: properties", "oci/documents_test.ts"],
    ["digests are checked for their spelling, in all documents", "oci/layout_test.ts"],
    ["contents of other images' files in error messages", "oci/documents_test.ts"],
  ],
};
