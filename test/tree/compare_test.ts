import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  compareTrees,
  formatDump,
  type Inode,
  parseDump,
  readErofs,
  type TreeChange,
  writeErofs,
} from "../../src/tree/mod.ts";
import { anyTree } from "./arbitrary.ts";

const encoder = new TextEncoder();

/** A tree from lines of a dump behind the root's. */
function tree(...lines: string[]): Inode {
  return parseDump(
    encoder.encode(["/ 0 40755 2 0 0 0 0.0 - - -", ...lines, ""].join("\n")),
  );
}

/** Changes as text: `C /path mode 0644>0600, …`. */
function changes(from: Inode, to: Inode): string[] {
  return Array.from(compareTrees(from, to), ({ kind, path, fields }) => {
    const texts = fields.map((field) => `${field.field} ${field.from ?? ""}>${field.to ?? ""}`);
    return [`${kind} ${path}`, ...texts].join(" | ");
  });
}

const DIGEST = "ab".repeat(32);
const OTHER = "cd".repeat(32);
const FILE = "/f 1 100644 1 0 0 0 5.0 - x -";

const CASES: [string, string[], string[], string[]][] = [
  ["nothing", [FILE], [FILE], []],
  ["mode", [FILE], ["/f 1 104755 1 0 0 0 5.0 - x -"], ["C /f | mode 0644>4755"]],
  ["owner", [FILE], ["/f 1 100644 1 1 70000 0 5.0 - x -"], ["C /f | owner 0:0>1:70000"]],
  ["mtime", [FILE], ["/f 1 100644 1 0 0 0 -5.7 - x -"], [
    "C /f | mtime 5.000000000>-5.000000007",
  ]],
  ["type", [FILE], ["/f 0 40644 2 0 0 0 5.0 - - -", "/f/a 0 10644 1 0 0 0 5.0 - - -"], [
    "C /f | type file>directory",
    "A /f/a",
  ]],
  ["target", ["/l 1 120777 1 0 0 0 0.0 a - -"], ["/l 3 120777 1 0 0 0 0.0 b\\x20\\n - -"], [
    "C /l | target a>b \\n",
  ]],
  ["device", ["/n 0 20666 1 0 0 259 0.0 - - -"], ["/n 0 20666 1 0 0 260 0.0 - - -"], [
    "C /n | device 1:3>1:4",
  ]],
  ["xattrs", [`${FILE} user.a=1 user.b=2`], [`${FILE} user.b=3 user.c=\\x00`], [
    "C /f | xattr user.a 1> | xattr user.b 2>3 | xattr user.c >\\x00",
  ]],
  ["object", [`/f 100 100644 1 0 0 0 5.0 ab/${DIGEST.slice(2)} - ${DIGEST}`], [
    `/f 101 100644 1 0 0 0 5.0 cd/${OTHER.slice(2)} - ${OTHER}`,
  ], [`C /f | size 100>101 | content ${DIGEST}>${OTHER}`]],
  ["added and removed", ["/d 0 40755 2 0 0 0 0.0 - - -", "/d/a 0 10644 1 0 0 0 5.0 - - -"], [
    "/e 0 40755 2 0 0 0 0.0 - - -",
    "/e/a 0 10644 1 0 0 0 5.0 - - -",
  ], ["D /d", "D /d/a", "A /e", "A /e/a"]],
  [
    "a hard link cut",
    [FILE, "/g 1 @100644 1 0 0 0 5.0 /f - -"],
    [FILE, "/g 1 100644 1 0 0 0 5.0 - x -"],
    ["C /f | links /f>", "C /g | links /f>"],
  ],
];

for (const [name, from, to, expected] of CASES) {
  Deno.test(`trees that differ in: ${name}`, () => {
    assertEquals(changes(tree(...from), tree(...to)), expected);
  });
}

Deno.test("content is the same wherever it is kept", () => {
  const [change] = changes(
    tree(FILE),
    tree(`/f 1 100644 1 0 0 0 5.0 ab/${DIGEST.slice(2)} - ${DIGEST}`),
  );
  const inline = /content ([0-9a-f]{64})>/.exec(change)![1];
  const object = `/f 1 100644 1 0 0 0 5.0 x/y - ${inline}`;
  assertEquals(changes(tree(FILE), tree(object)), []);
});

Deno.test("property: a tree is like itself, and swapped the changes are reversed", () => {
  // A second reading of the same bytes: nothing is the same object.
  const normal = (root: Inode) => readErofs(writeErofs(root, { format: "v1" }));
  fc.assert(fc.property(anyTree(), anyTree(), (a, b) => {
    assertEquals(changes(normal(a), normal(a)), []);
    const there = [...compareTrees(a, b)];
    const back = Array.from(compareTrees(b, a), ({ kind, path, fields }): TreeChange => ({
      kind: kind === "A" ? "D" : kind === "D" ? "A" : kind,
      path,
      fields: fields.map(({ field, from, to }) => ({ field, from: to, to: from })),
    }));
    assertEquals(back, there);
  }));
});

Deno.test("property: what is compared is all that a dump says", () => {
  const text = (root: Inode) => new TextDecoder().decode(formatDump(root));
  const few = fc.constantFrom(0, 1);
  const fields = fc.record({ mode: few, uid: few, gid: few, mtime: few, nsec: few, body: few });
  const leaf = ({ mode, uid, gid, mtime, nsec, body }: Record<string, number>) =>
    tree(
      `/f 1 ${mode === 0 ? 100644 : 100600} 1 ${uid} ${gid} 0 ${mtime}.${nsec} - ${"xy"[body]} -`,
    );
  fc.assert(fc.property(fields, fields, (one, two) => {
    const [a, b] = [leaf(one), leaf(two)];
    assertEquals(changes(a, b).length === 0, text(a) === text(b));
  }));
});
