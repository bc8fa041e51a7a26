import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { loadPlugin, loadPlugins } from "../../src/strategy/loader.ts";
import { isRoot, needs } from "../support/root.ts";
import { minimal, trustedFolder, writeFiles } from "../support/plugins.ts";

/** Loads one plugin out of these files. */
async function load(files: Record<string, string>, path = "plugin.ts") {
  using folder = trustedFolder();
  writeFiles(folder.path, files);
  const { loaded, failed } = await loadPlugins({ files: [`${folder.path}/${path}`] });
  const plugin = loaded.find(({ source }) => source.file !== undefined);
  return { folder: folder.path, plugin, failed, error: failed[0]?.error };
}

/** What a test's plugin says for itself. */
function saying(expression: string): string {
  return minimal("plugin").replace('"a test"', expression);
}

Deno.test("plugin modules: TypeScript with helpers in it, above it, in a circle; types need not be there", async () => {
  const { plugin, failed } = await load({
    "plugin.ts": `import type { Plugin } from "../nowhere/contract.ts";
import { type Depth, leaf } from "./lib/leaf.mts";
import data from "./data.json" with { type: "json" };
import { basename } from "node:path";
import { plain } from "./plain.js";
enum Mode { Fast = "fast" }
class Box<T> { #value: T; constructor(value: T, readonly tag = "tag") { this.#value = value; } get() { return this.#value; } }
const depth: Depth = 1;
const box = new Box<string>(Mode.Fast);
${
      saying("[leaf(), data.key, basename('/a/b'), plain, box.get(), box.tag, depth].join(' ')")
        .replace(/;\n$/, " satisfies Plugin;\n")
    }`,
    "plain.js": `export const plain = "plain";`,
    "data.json": `{ "key": "json" }`,
    "lib/leaf.mts": `import { up } from "../up.ts";
export type Depth = number;
export const name = "leaf";
export function leaf(): string { return up(); }`,
    "up.ts": `import { name } from "./lib/leaf.mts";
export function up(): string { return "up/" + name; }`,
  });
  assertEquals(failed, []);
  assertEquals(plugin!.summary, "up/leaf json b plain fast tag 1");
});

Deno.test("plugin modules: what was read is what runs, in any thread, after the files have changed or gone", async () => {
  using folder = trustedFolder();
  writeFiles(folder.path, {
    "plugin.ts": `import { word } from "./word.ts";\n${saying("word as string")}`,
    "word.ts": `export const word: string = "before";`,
  });
  const { loaded } = await loadPlugins({ files: [`${folder.path}/plugin.ts`] });
  const { source } = loaded.at(-1)!;
  writeFiles(folder.path, { "word.ts": `export const word: string = "after";` });
  assertEquals((await loadPlugin(structuredClone(source))).summary, "before");
  Deno.removeSync(folder.path, { recursive: true });
  assertEquals((await loadPlugin(source)).summary, "before");
});

Deno.test("plugin modules: every file has a say in the digest", async () => {
  const files = { "plugin.ts": `import "./a.ts";\n${minimal("plugin")}`, "a.ts": "let a = 1;" };
  const digests = [files, files, { ...files, "a.ts": "let a = 2;" }].map(async (all) =>
    (await load(all)).plugin!.source.code!.digest
  );
  const [first, same, other] = await Promise.all(digests);
  assertEquals(first, same);
  assertEquals(first === other, false);
});

Deno.test("plugin modules: a module that is imported later is there later", async () => {
  const { plugin } = await load({
    "plugin.ts": `export const later = async (): Promise<string> => (await import("./later.ts")).x;
${minimal("plugin").replace("create:", "later, create:")}`,
    "later.ts": `export const x: string = "later";`,
  });
  const { later } = plugin!.plugin as unknown as { later(): Promise<string> };
  assertEquals(await later(), "later");
});

Deno.test("plugin modules: import.meta and stack traces are those of the plugin's own file", async () => {
  const { folder, plugin } = await load({
    "plugin.ts": `type A = {
  a: number;
};
export const trace = (): string => new Error("here").stack!;
${minimal("plugin").replace("create:", "trace, meta: import.meta, create:")}`,
  });
  const { trace, meta } = plugin!.plugin as unknown as { trace(): string; meta: ImportMeta };
  assertStringIncludes(trace(), `file://${folder}/plugin.ts:4:`);
  assertEquals(
    [meta.url, meta.filename, meta.dirname],
    [`file://${folder}/plugin.ts`, `${folder}/plugin.ts`, folder],
  );
});

Deno.test("plugin modules: a folder's main module is the first that it has", async () => {
  for (const name of ["main.ts", "main.js", "mod.mts", "index.mjs"]) {
    const files = { [`own/${name}`]: minimal("own"), "own/index.mjs": minimal("own") };
    const { folder, plugin, failed } = await load(files, "own");
    assertEquals(failed, []);
    assertEquals(plugin!.source.file, `${folder}/own/${name}`);
    assertEquals(plugin!.warning, undefined);
  }
  const { error } = await load({ "own/other.ts": minimal("own") }, "own");
  assertStringIncludes(error.message, "the folder has no main module");
  assertStringIncludes(error.hint!, "main.ts");
});

const REFUSED: readonly [name: string, files: Record<string, string>, says: RegExp][] = [
  ["out of its folder", { "plugin.ts": `import "../x.ts";` }, /"\.\.\/x\.ts": that leads out/],
  ["a package", { "plugin.ts": `import "npm:left-pad";` }, /"npm:left-pad": a plugin can import/],
  ["a bare name", { "plugin.ts": `import "@std/path";` }, /"@std\/path": a plugin can import/],
  ["a URL", { "plugin.ts": `import "https://x.invalid/y.js";` }, /a plugin can import/],
  ["an absolute path", { "plugin.ts": `import "/etc/x.js";` }, /a plugin can import/],
  ["without its ending", { "plugin.ts": `import "./x";` }, /it must name a file with its ending/],
  ["a query", { "plugin.ts": `import "./x.ts?a";` }, /without \? and #/],
  ["not there", { "plugin.ts": `import "./x.ts";` }, /"\.\/x\.ts": there is no such file/],
  [
    "in a helper",
    { "plugin.ts": `import "./a/h.ts";`, "a/h.ts": `import "../../b.ts";` },
    /a\/h\.ts imports "\.\.\/\.\.\/b\.ts"/,
  ],
  ["bad types", { "plugin.ts": `let a: = 1;` }, /plugin\.ts: .*\(1:8\)/],
  [
    "no module",
    { "plugin.ts": `import "./x.js";`, "x.js": `\n\nimport {` },
    /x\.js:3: it cannot be/,
  ],
  [
    "bad syntax",
    { "plugin.ts": `import "./x.js";`, "x.js": `\n\nlet 1 = 2;` },
    /\/x\.js:3$/,
  ],
  [
    "an export that is missing",
    { "plugin.ts": `import { a } from "./x.ts"; a();`, "x.ts": `export const b: number = 1;` },
    /'\.\/x\.ts' does not provide an export named 'a' at \/.*plugin\.ts:1/,
  ],
  [
    "a throw at the top",
    { "plugin.ts": `import "./x.ts";`, "x.ts": `type A = 1;\nthrow new Error("no disk");` },
    /no disk at \/.*x\.ts:2$/,
  ],
];

for (const [name, files, says] of REFUSED) {
  Deno.test(`plugin modules: refused, with the file's name: ${name}`, async () => {
    const { folder, error } = await load({ "plugin.ts": "", ...files });
    assertStringIncludes(error.message, `loading plugin ${folder}/plugin.ts: `);
    assertMatch(error.message, says);
  });
}

Deno.test({
  ...needs(
    "plugin modules: root reads no helper that others can write",
    isRoot ? undefined : "not root",
  ),
  async fn() {
    using folder = trustedFolder();
    writeFiles(folder.path, {
      "plugin.ts": `import "./lib/helper.ts";\n${minimal("plugin")}`,
      "lib/helper.ts": "export {};",
    });
    const files = [`${folder.path}/plugin.ts`];
    for (const path of ["lib/helper.ts", "lib"]) {
      Deno.chownSync(`${folder.path}/${path}`, 1, 1);
      const { failed } = await loadPlugins({ files });
      assertStringIncludes(failed[0].error.message, `${folder.path}/${path} belongs to user 1`);
      Deno.chownSync(`${folder.path}/${path}`, 0, 0);
    }
    assertEquals((await loadPlugins({ files })).failed, []);
  },
});
