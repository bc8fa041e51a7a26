/**
 * An ordinary small image, for what is not about trees.
 *
 * @module
 */

import { bytesOf, type TreeImage } from "./images/mod.ts";
import { directory, file, hardlink, symlink } from "./tar.ts";

/** Two layers with files of all sizes, links and directories. */
export const SIMPLE: Pick<TreeImage, "id" | "layers"> = {
  id: "simple",
  layers: () => [
    [
      directory("etc", { mode: 0o755 }),
      file("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
      file("etc/config", bytesOf(3000, 1)),
      directory("usr/bin"),
      file("usr/bin/tool", bytesOf(200_000, 2), { mode: 0o755 }),
      hardlink("usr/bin/tool-too", "usr/bin/tool"),
      file("usr/bin/small", bytesOf(5000, 3), { mode: 0o755 }),
      symlink("bin", "usr/bin"),
      directory("var/lib"),
      file("var/lib/state", bytesOf(40_000, 4)),
      directory("mnt"),
    ],
    [file("etc/motd", "hello"), file("usr/bin/small", bytesOf(6000, 5), { mode: 0o755 })],
  ],
};

/** An image of its own for each number. */
export function simpleVariant(number: number): Pick<TreeImage, "id" | "layers"> {
  const layer = () => [file("etc/number", bytesOf(9000, number)), file("etc/motd", `${number}`)];
  return { id: `simple-${number}`, layers: () => [...SIMPLE.layers(), layer()] };
}
