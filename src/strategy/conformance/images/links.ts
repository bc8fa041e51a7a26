/**
 * Hard links, within a layer and across layers.
 *
 * @module
 */

import { charDevice, directory, fifo, file, hardlink, symlink, whiteout } from "../tar.ts";
import { bytesOf, claim, type TreeImage } from "./image.ts";

/** See the module. */
export const LINKS: readonly TreeImage[] = [
  {
    id: "links",
    says: "hard links within a layer",
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
      file("alone", bytesOf(5000, 3), { mode: 0o4711, uid: 12, xattrs: { "user.x": "y" } }),
      file("hub", "hub"),
      ...Array.from({ length: 40 }, (_, i) => hardlink(`spokes/${i}`, "hub")),
    ]],
    claims: [
      claim("three", "three names of one file", {
        first: "link=first mode=4711",
        second: "link=first mode=4711",
        "sub/third": "link=first mode=4711",
      }),
      claim("small", "two names of a small file", {
        small: "link=small",
        "sub/small-too": "link=small",
      }),
      claim("empty", "two names of an empty file", { aa: "link=aa", zz: "link=aa" }),
      claim("symlink", "two names of a symbolic link", {
        link: "symlink link=link",
        "sub/link-too": "symlink link=link",
      }),
      claim("fifo", "two names of a fifo", {
        fifo: "fifo link=fifo",
        "sub/fifo-too": "fifo link=fifo",
      }),
      claim("device", "two names of a device", {
        device: "char link=device",
        "sub/device-too": "char link=device",
      }),
      claim("alone", "a file that is equal in all but not linked stays alone", {
        alone: "mode=4711",
      }),
      claim("many", "forty names more", {
        hub: "link=hub",
        "spokes/0": "link=hub",
        "spokes/39": "link=hub",
      }),
    ],
  },
  {
    id: "links-across",
    says: "hard links to what lower layers hold",
    layers: () => [
      [
        file("base", bytesOf(3000, 5), { mode: 0o755 }),
        file("gone", "g"),
        directory("d"),
        file("d/x", "x"),
        symlink("s", "d"),
        file("kept-below", bytesOf(5000, 8)),
        hardlink("one-of-two", "kept-below"),
      ],
      [
        hardlink("d/base-too", "base"),
        hardlink("again", "base"),
        hardlink("kept", "gone"),
        hardlink("s-too", "s"),
        file("one-of-two", "by itself"),
      ],
      [whiteout("gone"), file("base", "replaced"), hardlink("x-too", "d/x")],
    ],
    claims: [
      claim("group", "links in an upper layer are one file with each other", {
        again: "link=again mode=755 size=3000",
        "d/base-too": "link=again mode=755 size=3000",
      }),
      claim("replaced", "the name that they were made from is another file by now", {
        base: "size=8",
      }),
      claim("whiteout", "a link survives that its target is removed", {
        gone: null,
        kept: "file size=1",
      }),
      claim("two", "a link and its target in two layers are one file", {
        "d/x": "link=d/x",
        "x-too": "link=d/x",
      }),
      claim("symlink", "so are two names of a symbolic link", {
        s: "symlink link=s",
        "s-too": "symlink link=s",
      }),
      claim("left", "a group of which one name is replaced loses that name", {
        "kept-below": "size=5000",
        "one-of-two": "size=9",
      }),
    ],
  },
];
