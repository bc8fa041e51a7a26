/**
 * The tar reader: archives in any chunks, read or passed over.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Limits } from "../../../src/limits.ts";
import { TarReader } from "../../../src/tar/mod.ts";
import { readTar } from "../../tar/support.ts";
import { orRefused, Refused, type Target } from "../target.ts";
import { archives, mendArchive, TAR_WORDS } from "./archives.ts";

/** Sizes of chunks that no block begins or ends with. */
const PIECES = [[1, 511, 513, 7, 512, 100, 1024, 3], [512], [337]];

const LIMITS: Partial<Limits> = { headerBytes: 1 << 20, sparseParts: 10_000 };

/** How many entries an archive has, all data passed over. */
function countSkipping(archive: Uint8Array): number {
  const reader = new TarReader({ entry() {}, data() {}, endEntry() {} }, LIMITS);
  for (let at = 0; at < archive.length;) {
    const skip = Math.min(reader.skippable, archive.length - at);
    if (skip > 0) {
      reader.skip(skip);
      at += skip;
    } else {
      reader.push(archive.subarray(at, at + 100));
      at += 100;
    }
  }
  reader.end();
  return reader.entries;
}

const target: Target = {
  name: "tar",
  starts: archives,
  words: TAR_WORDS,
  mend: mendArchive,
  run(archive) {
    const whole = orRefused(() => readTar(archive, { limits: LIMITS }));
    for (const pieces of PIECES) {
      const again = orRefused(() => readTar(archive, { limits: LIMITS, pieces }));
      if (whole instanceof Refused) assertEquals(String(again), String(whole));
      else assertEquals(again, whole);
    }
    if (whole instanceof Refused) return;
    for (const { size, sparse, data, mode, nsec, uid, gid } of whole) {
      let end = 0;
      let stored = 0;
      for (let i = 0; i < (sparse ?? []).length; i += 2) {
        const [offset, length] = sparse!.slice(i, i + 2);
        if (offset < end || length < 1) throw new Error("parts of a sparse file out of order");
        end = offset + length;
        stored += length;
      }
      assertEquals(data.length, sparse === null ? size : stored);
      const sane = end <= size && mode <= 0o7777 && nsec >= 0 && nsec < 1e9 &&
        uid >= 0 && uid < 0xffffffff && gid >= 0 && gid < 0xffffffff;
      if (!sane) throw new Error("an entry with impossible values");
    }
    assertEquals(countSkipping(archive), whole.length);
  },
};

export default target;
