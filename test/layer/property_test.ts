/**
 * Random archives: what is on disk is what the index says, and both are what the entries mean.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { LaminaError } from "../../src/error.ts";
import type { Inode } from "../../src/tree/mod.ts";
import { needs, notRoot } from "../support/root.ts";
import {
  directory,
  fifo,
  file,
  hardlink,
  makeTar,
  opaque,
  symlink,
  type TarPiece,
  whiteout,
} from "../support/tar.ts";
import { FAST } from "../support/temp.ts";
import { sharedThreads } from "../support/threads.ts";
import { assertDiskMatches, describe, Workshop } from "./support.ts";

type Step =
  | { readonly kind: "file" | "directory" | "fifo" | "whiteout" | "opaque"; readonly path: string }
  | { readonly kind: "symlink" | "hardlink"; readonly path: string; readonly target: string };

/** Few names, so that entries meet. */
const name = fc.constantFrom("a", "b", "c");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));

const plain: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom("file", "file", "directory", "directory", "fifo", "whiteout", "opaque"),
  path,
});

const any: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: plain },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom("symlink", "hardlink"),
      path,
      target: fc.oneof(path, path.map((p) => `/${p}`), path.map((p) => `../${p}`)),
    }),
  },
);

function piece(step: Step, index: number): TarPiece {
  switch (step.kind) {
    case "file":
      // Some stand in the index, some are objects.
      return file(step.path, `${index} `.repeat(index % 2 === 0 ? 5 : 60));
    case "directory":
      return directory(step.path, { mtime: index });
    case "fifo":
      return fifo(step.path);
    case "whiteout":
      return whiteout(step.path);
    case "opaque":
      return opaque(step.path);
    case "symlink":
      return symlink(step.path, step.target);
    case "hardlink":
      return hardlink(step.path, step.target);
  }
}

/** What the entries mean, told by paths alone; undefined where one is below a file. */
function meaning(steps: readonly Step[]): string[] | undefined {
  const tree = new Map<string, string>([["", "/ implied"]]);
  const isDirectory = (path: string) => tree.get(path)?.includes("/") ?? false;
  const mark = (path: string, on: string, off?: string) => {
    const words = tree.get(path)!.split(" ").filter((word) => word !== on && word !== off);
    const order = ["/", "implied", "opaque"];
    tree.set(path, [...words, on].sort((a, b) => order.indexOf(a) - order.indexOf(b)).join(" "));
  };
  for (const [index, step] of steps.entries()) {
    const parents = step.path.split("/").map((_, i, parts) => parts.slice(0, i + 1).join("/"));
    if (step.kind !== "opaque") parents.pop();
    for (const parent of parents) {
      const there = tree.get(parent);
      if (there === undefined) tree.set(parent, "/ implied");
      else if (there === " whiteout") tree.set(parent, "/ opaque");
      else if (!isDirectory(parent)) return undefined;
    }
    const there = tree.get(step.path);
    if (step.kind === "opaque") mark(step.path, "opaque");
    else if (step.kind === "whiteout") {
      if (there === undefined) tree.set(step.path, " whiteout");
      else if (isDirectory(step.path)) mark(step.path, "opaque", "implied");
    } else if (step.kind === "directory") {
      if (isDirectory(step.path)) tree.set(step.path, there!.replace(" implied", ""));
      else tree.set(step.path, there === undefined ? "/" : "/ opaque");
    } else {
      for (const below of [...tree.keys()]) {
        if (below.startsWith(`${step.path}/`)) tree.delete(below);
      }
      tree.set(step.path, step.kind === "fifo" ? " fifo" : `: ${index} `);
    }
  }
  for (const [path, line] of [...tree]) {
    const above = path.includes("/") ? path.replace(/\/[^/]*$/, "") : "";
    if (line === " whiteout" && tree.get(above)!.includes("opaque")) tree.delete(path);
  }
  return [...tree].sort(([a], [b]) => a < b ? -1 : 1).map(([path, line]) => path + line);
}

Deno.test({
  ...needs("layer property: plain entries in any order mean what they say", notRoot()),
  async fn() {
    await using workshop = new Workshop({ where: FAST, pipeline: sharedThreads(true) });
    await fc.assert(
      fc.asyncProperty(fc.array(plain, { maxLength: 14 }), async (steps) => {
        const expected = meaning(steps);
        const archive = makeTar(steps.map(piece));
        if (expected === undefined) {
          await workshop.refuse(archive, ["on its path is no directory"]);
          return;
        }
        const layer = await workshop.ingest(archive);
        assertEquals(describe(layer).map((line) => line.replace(/(: \d+ ).*/, "$1")), expected);
        assertDiskMatches(layer);
      }),
      { numRuns: 250 },
    );
  },
});

function assertSane(directory: Inode): void {
  const isOpaque = directory.xattrs?.has("trusted.overlay.opaque") ?? false;
  for (const inode of directory.children!.values()) {
    assertEquals(isOpaque && (inode.mode & 0o170000) === 0o020000, false);
    if (inode.children !== null) assertSane(inode);
  }
}

Deno.test({
  ...needs(
    "layer property: with links too, disk and index agree or the layer is refused",
    notRoot(),
  ),
  async fn() {
    await using workshop = new Workshop({ where: FAST, pipeline: sharedThreads(true) });
    // What a link that leads out would reach.
    const bait = `${workshop.path}/a`;
    Deno.writeTextFileSync(bait, "untouched");
    await fc.assert(
      fc.asyncProperty(fc.array(any, { maxLength: 14 }), async (steps) => {
        const archive = makeTar(steps.map(piece));
        try {
          const layer = await workshop.ingest(archive);
          assertDiskMatches(layer);
          assertSane(layer.root);
        } catch (error) {
          if (!(error instanceof LaminaError) || error.kind !== "invalid") throw error;
        }
        assertEquals(Deno.readTextFileSync(bait), "untouched");
      }),
      { numRuns: 400 },
    );
    assertEquals(
      [...Deno.readDirSync(workshop.path)].map(({ name }) => name)
        .filter((name) => !name.startsWith("staging-")).sort(),
      ["a", "objects"],
    );
  },
});
