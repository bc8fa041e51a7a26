/**
 * Tar archives for tests: the builder of the conformance suite, and the forms of sparse files that only the reader has to know.
 *
 * @module
 */

import {
  concat,
  makeMember,
  number,
  type Options,
  padding,
  paxHeader,
  type Segment,
  sparse,
  type TarPiece,
} from "../../src/strategy/conformance/tar.ts";

export * from "../../src/strategy/conformance/tar.ts";

/** A sparse file of `size` bytes with data in some places, in the form that GNU tar calls so (tar(5) of libarchive, GNU tar's manual, "Sparse Formats"). */
export function sparseFile(
  form: "old" | "0.0" | "0.1" | "1.0",
  name: string,
  size: number,
  segments: readonly Segment[],
  options: Options = {},
): TarPiece[] {
  const data = concat(...segments.map(({ bytes }) => bytes));
  const map = segments.map(({ offset, bytes }) => [offset, bytes.length] as const);
  const stored = `GNUSparseFile.0/${name}`;
  switch (form) {
    case "0.0":
      return [
        paxHeader([
          ["GNU.sparse.size", String(size)],
          ["GNU.sparse.numblocks", String(map.length)],
          ...map.flatMap(([offset, length]): [string, string][] => [
            ["GNU.sparse.offset", String(offset)],
            ["GNU.sparse.numbytes", String(length)],
          ]),
        ]),
        { ...options, name, body: data },
      ];
    case "0.1":
      return [{
        ...options,
        name: stored,
        body: data,
        pax: {
          "GNU.sparse.size": String(size),
          "GNU.sparse.numblocks": String(map.length),
          "GNU.sparse.map": map.flat().join(","),
          "GNU.sparse.name": name,
        },
      }];
    case "1.0":
      return [sparse(name, size, segments, options)];
    case "old":
      return oldSparse(name, size, map, data, options);
  }
}

/** Old GNU format: four segments in the header (type `S`), 21 in each block that follows it. */
function oldSparse(
  name: string,
  size: number,
  map: readonly (readonly [number, number])[],
  data: Uint8Array,
  options: Options,
): TarPiece[] {
  const put = (block: Uint8Array, at: number, entries: readonly (readonly [number, number])[]) =>
    entries.forEach(([offset, length], index) => {
      number(block, at + index * 24, 12, offset, true);
      number(block, at + index * 24 + 12, 12, length, true);
    });
  const blocks: Uint8Array[] = [];
  for (let at = 4; at < map.length; at += 21) {
    const block = new Uint8Array(512);
    put(block, 0, map.slice(at, at + 21));
    block[504] = at + 21 < map.length ? 1 : 0;
    blocks.push(block);
  }
  const header = makeMember({
    ...options,
    name,
    type: { flag: "S" },
    size: data.length,
    format: "gnu",
    patch: (block) => {
      put(block, 386, map.slice(0, 4));
      block[482] = map.length > 4 ? 1 : 0;
      number(block, 483, 12, size, true);
    },
  });
  return [header, ...blocks, data, padding(data.length)];
}
