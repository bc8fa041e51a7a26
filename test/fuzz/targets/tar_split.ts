/**
 * tar-split files: what their lines say.
 *
 * @module
 */

import { gzipSync } from "node:zlib";
import { readTarSplit } from "../../../src/layer/tar_split.ts";
import { scratch } from "../scratch.ts";
import { bytesOf, orRefused, type Target } from "../target.ts";
import { mutateLines } from "./json.ts";

const LINES = [
  { type: 2, payload: btoa("header") },
  { type: 1, name: "a", size: 5, payload: btoa("12345678") },
  { type: 1, name_raw: btoa("\xff"), size: 7 },
  { type: 1, name: "d/", payload: null },
  { type: 2, payload: btoa("\0".repeat(1024)) },
];

const TEXT = bytesOf(LINES.map((line) => `${JSON.stringify(line)}\n`).join(""));
const file = scratch("tar-split");

const target: Target = {
  name: "tar_split",
  starts: () => [TEXT, new Uint8Array(gzipSync(TEXT)), bytesOf("{}\n")],
  mutate: mutateLines,
  run(bytes) {
    Deno.writeFileSync(file(), bytes);
    orRefused(() =>
      readTarSplit(file(), {
        bytes(piece) {
          if (!(piece instanceof Uint8Array)) throw new TypeError("bytes that are none");
        },
        file({ name, size }) {
          if (!(name.length > 0 && size > 0)) throw new Error("a file without a name or a size");
        },
      })
    );
  },
};

export default target;
