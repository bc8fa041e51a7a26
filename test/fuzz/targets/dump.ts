/**
 * The parser of dumps: what it accepts is written and read again alike, as a dump and as an image.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  erofsFormat,
  formatDump,
  parseDump,
  readErofs,
  writeErofs,
} from "../../../src/tree/mod.ts";
import { anyTree, describeTree } from "../../tree/arbitrary.ts";
import { bytesOf, orRefused, Refused, type Target } from "../target.ts";

const LINES = `/ 0 40755 2 0 0 0 1.0 - - - user.a=\\x00
/d 0 40755 2 0 0 0 -1.5 - - -
/d/f 5 100644 2 0 0 0 0.0 - he\\nlo -
/d/l 0 120777 1 0 0 0 0.0 to\\x20there - -
/g 70 100644 1 4294967295 0 0 0.0 ab/${"cd".repeat(31)} - ab${"cd".repeat(31)}
/h 0 @100644 1 0 0 0 0.0 /d/f - -
/n 0 20666 1 0 0 259 0.0 - - -
/w 0 20000 1 0 0 0 0.0 - - -
`;

const target: Target = {
  name: "dump",
  starts: () => [
    bytesOf(LINES),
    ...fc.sample(anyTree(undefined, 8), { seed: 1, numRuns: 12 }).map((tree) => formatDump(tree)),
  ],
  words: [
    ...[" - - -", " @100644", " 40755", " 120777", "/", "/d/", "\\x00", "\\x2f", "\\n", "\\", "\n"],
    ...["/. ", "/.. ", "trusted.overlay.whiteout=", "user.overlay.whiteout=", " 0.999999999", "="],
  ],
  run(text) {
    orRefused(() => parseDump(text, { strict: true }));
    const tree = orRefused(() => parseDump(text));
    if (tree instanceof Refused) return;
    const dump = formatDump(tree);
    const again = parseDump(dump);
    assertEquals(describeTree(again), describeTree(tree));
    assertEquals(formatDump(again), dump);
    const image = orRefused(() => writeErofs(tree));
    if (image instanceof Refused) return;
    const written = writeErofs(readErofs(image), { format: erofsFormat(image) });
    assertEquals(written, image);
  },
};

export default target;
