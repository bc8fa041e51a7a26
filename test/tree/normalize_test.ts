import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LaminaError } from "../../src/error.ts";
import {
  countTree,
  formatDump,
  fsVerityDigest,
  type Inode,
  normalizeOci,
  objectPath,
  parseDump,
  S_IFMT,
  S_IFREG,
  toHex,
} from "../../src/tree/mod.ts";
import { anyLeaf, anyTree, describeTree } from "./arbitrary.ts";

function tree(...lines: string[]): Inode {
  return parseDump(Uint8Array.from([...lines, ""].join("\n"), (c) => c.charCodeAt(0)));
}

function lines(root: Inode): string[] {
  return new TextDecoder().decode(formatDump(root)).trimEnd().split("\n");
}

const ROOT = "/ 4096 40700 2 9 9 0 99.9 - - - user.root=1";
const C = "security.capability=cap";

Deno.test("the profile takes the root's metadata from /usr, empties /run, and filters xattrs", () => {
  const digest = "cd".repeat(32);
  const object = `${digest.slice(0, 2)}/${digest.slice(2)}`;
  const root = tree(
    ROOT,
    `/big 100 100755 2 0 0 0 1.0 elsewhere - ${digest} user.a=1 ${C} security.selinux=l`,
    "/bin 0 120777 1 0 0 0 2.0 usr/bin - -",
    "/run 0 41777 2 7 8 0 3.0 - - - user.r=1",
    "/run/lock 0 40755 2 0 0 0 3.0 - - -",
    "/run/link 0 @100644 1 0 0 0 0.0 /big - -",
    "/small 3 100644 1 0 0 0 4.5 x abc " + digest,
    `/usr 0 40755 2 1 2 0 5.6 - - - user.u=1 ${C}`,
    "/usr/copy 0 @100644 1 0 0 0 0.0 /big - -",
  );
  const before = describeTree(root);
  const after = lines(normalizeOci(root));
  assertEquals(describeTree(root), before, "the tree itself was changed");
  // The sizes of directories are those of their entries, stubs included.
  assertEquals(after, [
    `/ 4096 40755 4 1 2 0 5.6 - - - ${C}`,
    `/big 100 100755 2 0 0 0 1.0 ${object} - ${digest} ${C}`,
    "/bin 7 120777 1 0 0 0 2.0 usr/bin - -",
    "/run 27 41777 2 7 8 0 5.6 - - -",
    "/small 3 100644 1 0 0 0 4.5 - abc -",
    `/usr 43 40755 2 1 2 0 5.6 - - - ${C}`,
    `/usr/copy 100 @100755 2 0 0 0 1.0 /big - ${digest} ${C}`,
  ]);
});

for (
  const [name, usr] of [
    ["nothing", []],
    ["a symbolic link", ["/usr 0 120777 1 5 5 0 5.5 x - -"]],
  ] as [string, string[]][]
) {
  Deno.test(`an image with ${name} at /usr has a plain root`, () => {
    const after = lines(normalizeOci(tree(ROOT, "/run 0 40700 2 1 1 0 7.7 - - -", ...usr)));
    assertEquals(after[0], "/ 4096 40755 3 0 0 0 0.0 - - -");
    assertEquals(after[1], "/run 27 40700 2 1 1 0 0.0 - - -");
  });
}

Deno.test("content of more than 64 bytes becomes an object", () => {
  const content = "z".repeat(65);
  const digest = fsVerityDigest(new TextEncoder().encode(content));
  const after = lines(normalizeOci(tree(ROOT, `/a 65 100644 1 0 0 0 0.0 - ${content} -`)));
  assertEquals(after[1], `/a 65 100644 1 0 0 0 0.0 ${objectPath(digest)} - ${toHex(digest)}`);
});

const lacking: [string, string, string][] = [
  [
    "a small file without content",
    `/a 64 100644 1 0 0 0 0.0 - - ${"ab".repeat(32)}`,
    "normalizing /a for the profile oci-v1: its content is not in the tree",
  ],
  [
    "a large file without digest",
    "/a 65 100644 1 0 0 0 0.0 ab/cd - -",
    "normalizing /a for the profile oci-v1: the digest of its content is not known",
  ],
];

for (const [name, line, message] of lacking) {
  Deno.test(`the profile refuses ${name}`, () => {
    const error = assertThrows(() => normalizeOci(tree(ROOT, line)), LaminaError);
    assertEquals([error.kind, error.message], ["invalid", message]);
  });
}

Deno.test("property: the profile of a tree in its form is that tree", () => {
  fc.assert(fc.property(anyTree(anyLeaf), (root) => {
    let once: Inode;
    try {
      once = normalizeOci(root);
    } catch {
      // Files without content or digest: in another test.
      return;
    }
    assertEquals(describeTree(normalizeOci(once)), describeTree(once));
  }));
});

Deno.test("property: a tree is counted as its entries say", () => {
  fc.assert(fc.property(anyTree(), (root) => {
    const all = new Set<Inode>();
    let entries = 0;
    const visit = (inode: Inode) => {
      all.add(inode);
      for (const child of inode.children?.values() ?? []) {
        entries++;
        visit(child);
      }
    };
    visit(root);
    const directories = [...all].filter((inode) => inode.children !== null).length;
    const files = [...all].filter((inode) => (inode.mode & S_IFMT) === S_IFREG);
    assertEquals(countTree(root), {
      directories,
      files: entries - directories + 1,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      large: files.filter(({ size }) => size > 4096).length,
    });
  }));
});
