/**
 * Empty, tall, deep and wide images.
 *
 * @module
 */

import { directory, file, hardlink, symlink, type TarPiece, whiteout } from "../tar.ts";
import { bytesOf, claim, type TreeImage } from "./image.ts";

const LAYERS = 120;
const LONG = Array.from({ length: 40 }, (_, depth) => `${depth}-${"d".repeat(180)}`).join("/");
const SHORT = Array.from({ length: 300 }, (_, depth) => `${depth}`).join("/");

/** See the module. */
export const SHAPES: readonly TreeImage[] = [
  {
    id: "empty",
    says: "an image with nothing in it",
    layers: () => [[]],
    claims: [claim("root", "there is a root and nothing else", { ".": "directory" })],
  },
  {
    id: "empty-layers",
    says: "layers with nothing in them, and one layer twice",
    layers: () => {
      const layer = [directory("d", { mtime: 5 }), file("d/f", "f")];
      return [[], layer, [], [whiteout("d/f"), file("d/g", "g")], [], layer, []];
    },
    claims: [
      claim("content", "what the others have is there", { d: "directory", "d/g": "file" }),
      claim("again", "a layer that comes again brings back what was hidden", { "d/f": "file" }),
    ],
  },
  {
    id: "layers",
    says: `${LAYERS} layers`,
    layers: () =>
      Array.from({ length: LAYERS }, (_, i) => [
        file(`layer-${i}`, `${i}`),
        file("top", `${i}`),
        directory(`d${i % 7}`, { mode: 0o700 + i % 8, mtime: 1_000_000_000 + i }),
        file(`d${i % 7}/of-${i}`, `${i}`),
        ...i % 10 === 9 ? [whiteout(`layer-${i - 5}`)] : [],
      ]),
    claims: [
      claim("lowest", "the lowest layer is there", { "layer-0": "file size=1" }),
      claim("highest", "the highest one is there", { [`layer-${LAYERS - 1}`]: "file size=3" }),
      claim("last-wins", "what all have is that of the highest", { top: "file size=3" }),
      claim("merged", "directories have the entries of many layers", {
        "d1/of-1": "file",
        "d1/of-113": "file",
        d0: "directory mode=707 mtime=1000000119.000000000",
      }),
      claim("hidden", "what one in the middle hides is hidden", {
        "layer-4": null,
        "layer-114": null,
      }),
    ],
  },
  {
    id: "deep",
    says: "paths longer than the kernel takes",
    layers: () => [[
      file(`${LONG}/bottom`, bytesOf(3000, 6)),
      hardlink(`${LONG}/bottom-too`, `${LONG}/bottom`),
      file(`${SHORT}/bottom`, "short names"),
      file("top", "t"),
    ], [file(`${LONG}/from-above`, bytesOf(2000, 7))]],
    claims: [
      claim("long-names", "a path of more than 7,000 bytes", { [`${LONG}/bottom`]: "size=3000" }),
      claim("link", "a hard link at its end", {
        [`${LONG}/bottom-too`]: `size=3000 link=${LONG}/bottom`,
      }),
      claim("two-layers", "a second layer adds to it", { [`${LONG}/from-above`]: "size=2000" }),
      claim("many-levels", "300 levels", { [`${SHORT}/bottom`]: "size=11" }),
    ],
  },
  {
    id: "wide",
    says: "enough entries for two threads, with links between what they make",
    large: true,
    layers: () => {
      const pieces: TarPiece[] = [directory("shared", { mtime: 1_000_000_001 })];
      for (let i = 0; i < 40; i++) pieces.push(file(`shared/group-${i}`, bytesOf(i * 40, i)));
      for (let d = 0; d < 44; d++) {
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
      for (let i = 0; i < 600; i++) pieces.push(file(`one/${i}`, i % 3 === 0 ? "" : `${i}`));
      return [pieces, [hardlink("d3/across", "d43/f1"), file("d3/f4", "replaced")]];
    },
    claims: [
      claim("directories", "44 directories with eighty files each", {
        d0: "mode=750 mtime=1000000100.000000000",
        d43: "mode=750 mtime=1000000143.000000000",
        "d43/f79": "file mtime=1100000079.000000000",
      }),
      claim("links", "hard links between directories", {
        "d0/linked": "link=d0/linked",
        "shared/group-0": "link=d0/linked",
        "d40/linked": "link=d0/linked",
      }),
      claim("across", "a hard link of another layer", {
        "d3/across": "link=d3/across",
        "d43/f1": "link=d3/across",
      }),
      claim("one-directory", "600 entries in one directory", {
        "one/0": "size=0",
        "one/599": "size=3",
      }),
    ],
  },
];
