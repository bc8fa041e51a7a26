// Golden images: dumps, and what mkcomposefs 1.0.8 makes of them in every version of the format.

import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { formatDump } from "../../src/tree/dump_writer.ts";
import { parseDump } from "../../src/tree/dump_parser.ts";
import { type ErofsFormat, writeErofs } from "../../src/tree/erofs_writer.ts";
import { toHex } from "../../src/tree/digest.ts";
import { fsVerityDigest } from "../../src/tree/verity.ts";
import { describeTree } from "./arbitrary.ts";

const directory = new URL("./vectors/", import.meta.url);
const rows = Deno.readTextFileSync(new URL("vectors.tsv", directory)).trim().split("\n").slice(1)
  .map((line) => line.split("\t"));

for (const [file, format, sha256, digest, size] of rows) {
  Deno.test(`${file} as ${format} is the image of mkcomposefs`, () => {
    const root = parseDump(Deno.readFileSync(new URL(file, directory)));
    const image = writeErofs(root, { format: format as ErofsFormat });
    assertEquals(
      {
        size: image.length,
        sha256: createHash("sha256").update(image).digest("hex"),
        digest: toHex(fsVerityDigest(image)),
      },
      { size: Number(size), sha256, digest },
    );
  });
}

for (const file of new Set(rows.map(([file]) => file))) {
  Deno.test(`${file} parses to the same tree after it was formatted`, () => {
    const root = parseDump(Deno.readFileSync(new URL(file, directory)));
    assertEquals(describeTree(parseDump(formatDump(root))), describeTree(root));
  });
}
