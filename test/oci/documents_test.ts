import { assert } from "@std/assert";
import fc from "fast-check";
import { LaminaError } from "../../src/error.ts";
import { parseConfig, parseIndex, parseManifest } from "../../src/oci/documents.ts";
import { json } from "../support/images.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const descriptor = {
  mediaType: MANIFEST,
  digest: DIGEST,
  size: 7,
  annotations: { a: "b" },
  platform: { os: "linux", architecture: "amd64", variant: "v2" },
};

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Good documents, and what reads them. */
const DOCUMENTS: [Json, (bytes: Uint8Array) => { digest: string }[]][] = [
  [
    { schemaVersion: 2, mediaType: INDEX, manifests: [descriptor, descriptor] },
    (bytes) => parseIndex(bytes, INDEX, "index"),
  ],
  [
    { schemaVersion: 2, mediaType: MANIFEST, config: descriptor, layers: [descriptor] },
    (bytes) => {
      const { config, layers } = parseManifest(bytes, MANIFEST, "manifest");
      return [config, ...layers];
    },
  ],
  [
    { os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: [DIGEST] } },
    (bytes) => parseConfig(bytes, "config").diffIds.map((digest) => ({ digest })),
  ],
];

/** All places in a document. */
function places(value: Json, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [path];
  const below = Array.isArray(value)
    ? value.flatMap((item, index) => places(item, [...path, index]))
    : Object.entries(value).flatMap(([key, item]) => places(item, [...path, key]));
  return [path, ...below];
}

/** A document with something else at a place; undefined removes it. */
function change(
  value: Json,
  path: readonly (string | number)[],
  other: Json | undefined,
): Json | undefined {
  if (path.length === 0) return other;
  const [key, ...rest] = path;
  if (Array.isArray(value)) {
    return value.flatMap((item, index) =>
      index === key ? change(item, rest, other) ?? [] : [item]
    ) as Json[];
  }
  const copy = { ...(value as { [key: string]: Json }) };
  const changed = change(copy[key], rest, other);
  if (changed === undefined) delete copy[key];
  else copy[key] = changed;
  return copy;
}

Deno.test("any change to a document is read strictly or refused, never worse", () => {
  const value: fc.Arbitrary<Json | undefined> = fc.oneof(
    fc.constantFrom<(Json | undefined)[]>(
      undefined,
      null,
      0,
      -1,
      2,
      1.5,
      1e300,
      "",
      "2",
      "sha256:",
      DIGEST,
      DIGEST.toUpperCase(),
      `${DIGEST}/../x`,
      [],
      {},
      [[]],
      [{}],
      "__proto__",
      MANIFEST,
      INDEX,
      true,
    ),
    fc.jsonValue() as fc.Arbitrary<Json>,
  );
  for (const [good, read] of DOCUMENTS) {
    assert(read(json(good)).length > 0);
    fc.assert(
      fc.property(fc.constantFrom(...places(good)), value, (path, other) => {
        const changed = change(good, path, other);
        try {
          for (const { digest } of read(json(changed ?? null))) {
            assert(/^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(digest), digest);
          }
        } catch (error) {
          assert(error instanceof LaminaError, `${(error as Error).stack}`);
          assert(error.kind === "invalid" || error.kind === "unsupported", error.message);
          assert(error.hint !== undefined && error.hint !== "");
        }
      }),
      { numRuns: 500 },
    );
  }
});

Deno.test("what is read as JSON is never quoted: it may be a file that the reader must not see", () => {
  const secret = "root:$6$secret:19723:0:99999:7:::";
  for (const [, read] of DOCUMENTS) {
    try {
      read(new TextEncoder().encode(secret));
      assert(false, "it was read");
    } catch (error) {
      assert(error instanceof LaminaError);
      assert(!`${error.message} ${error.hint} ${error.cause}`.includes("root"), error.message);
    }
  }
});

Deno.test("JSON that is nested very deep, and bytes that are not UTF-8, are refused", () => {
  for (const [, read] of DOCUMENTS) {
    for (
      const bytes of [
        new TextEncoder().encode("[".repeat(1_000_000)),
        new Uint8Array([0x7b, 0xff, 0x7d]),
        new Uint8Array(),
      ]
    ) {
      try {
        read(bytes);
        assert(false, "it was read");
      } catch (error) {
        assert(error instanceof LaminaError, `${error}`);
      }
    }
  }
});
