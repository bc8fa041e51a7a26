import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { BUILT_IN, builtIn, loadPlugin, loadPlugins } from "../../src/strategy/loader.ts";
import { distrust } from "../../src/strategy/trust.ts";
import { minimal, trustedFolder } from "../support/plugins.ts";
import { isRoot, needs } from "../support/root.ts";

function write(folder: string, name: string, source: string): string {
  const file = `${folder}/${name}`;
  Deno.writeTextFileSync(file, source);
  return file;
}

Deno.test("loader: the built-in plugins, in their order, each named as its file", async () => {
  const { loaded, failed } = await loadPlugins();
  assertEquals(failed, []);
  assertEquals(loaded.map((plugin) => plugin.name), [...BUILT_IN]);
  for (const plugin of loaded) assertEquals(plugin.source, builtIn(plugin.name));
});

Deno.test("loader: every module in plugins/ is a built-in plugin", () => {
  const files = [...Deno.readDirSync(new URL("../../plugins", import.meta.url))];
  const modules = files.filter(({ name }) => name.endsWith(".ts")).map(({ name }) => name);
  assertEquals(modules.sort(), BUILT_IN.map((name) => `${name}.ts`).sort());
});

Deno.test("loader: built-in plugins import nothing but types", () => {
  for (const name of BUILT_IN) {
    const source = Deno.readTextFileSync(new URL(`../../plugins/${name}.ts`, import.meta.url));
    const imports = source.match(/^import\b[^;]*;/gm) ?? [];
    for (const one of imports) assertStringIncludes(one, "import type");
  }
});

Deno.test("loader: a file, with relative imports", async () => {
  using folder = trustedFolder();
  write(folder.path, "name.js", `export const name = "outside";`);
  const file = write(
    folder.path,
    "main.js",
    `import { name } from "./name.js";\n${minimal("x").replace('"x"', "name")}`,
  );
  const { loaded, failed } = await loadPlugins({ files: [file] });
  assertEquals(failed, []);
  const plugin = loaded.at(-1)!;
  assertEquals([plugin.name, plugin.version, plugin.source.file], ["outside", "7", file]);
});

const BAD: readonly { name: string; source: string; kind: string; says: string }[] = [
  { name: "syntax", source: "export default {", kind: "invalid", says: "bad.js" },
  { name: "throws", source: `throw new Error("at load");`, kind: "invalid", says: "at load" },
  { name: "no default", source: "export const x = 1;", kind: "invalid", says: "default export" },
  {
    name: "another contract",
    source: minimal("x").replace("apiVersion: 1", "apiVersion: 2"),
    kind: "unsupported",
    says: "version 2",
  },
  {
    name: "no contract",
    source: minimal("x").replace("apiVersion: 1,", ""),
    kind: "unsupported",
    says: "version undefined",
  },
  { name: "bad name", source: minimal("A B"), kind: "invalid", says: "lower-case" },
  { name: "reserved name", source: minimal("auto"), kind: "invalid", says: "taken" },
  {
    name: "a built-in one's name",
    source: minimal("overlay"),
    kind: "invalid",
    says: "as a built-in plugin does",
  },
  {
    name: "no create",
    source: minimal("x").replace("create: () => strategy", "create: 1"),
    kind: "invalid",
    says: "create(host)",
  },
  {
    name: "two lines of summary",
    source: minimal("x").replace("a test", "a\\ntest"),
    kind: "invalid",
    says: "summary",
  },
];

Deno.test("loader: bad plugins are reported, each for itself, and the others go on", async () => {
  using folder = trustedFolder();
  const files = BAD.map(({ source }, i) => {
    Deno.mkdirSync(`${folder.path}/${i}`);
    return write(folder.path, `${i}/bad.js`, source);
  });
  const good = write(folder.path, "good.js", minimal("good"));
  const { loaded, failed } = await loadPlugins({ files: [...files, good] });
  assertEquals(loaded.map((plugin) => plugin.name), [...BUILT_IN, "good"]);
  for (const [i, { name, kind, says }] of BAD.entries()) {
    const { error } = failed.find(({ file }) => file === files[i])!;
    assertEquals([name, error.kind], [name, kind]);
    assertStringIncludes(error.message, files[i]);
    assertStringIncludes(error.message, says);
  }
  assertEquals(failed.length, BAD.length);
});

Deno.test("loader: a file that is not there is not found", async () => {
  const source = { url: "file:///nowhere/plugin.js", file: "/nowhere/plugin.js" };
  const error = await assertRejects(() => loadPlugin(source), LaminaError, "/nowhere/plugin.js");
  assertEquals((error as LaminaError).kind, "not-found");
});

Deno.test({
  ...needs("loader: root loads nothing that others can write", isRoot ? undefined : "not root"),
  async fn(t) {
    using folder = trustedFolder();
    const file = write(folder.path, "plugin.js", minimal("trusted"));
    assertEquals(distrust(file), undefined);
    const cases: readonly [name: string, change: () => void, says: string][] = [
      ["file writable by the group", () => Deno.chmodSync(file, 0o664), `${file} can be written`],
      ["file writable by all", () => Deno.chmodSync(file, 0o646), `${file} can be written`],
      ["file of another user", () => Deno.chownSync(file, 1, 0), `${file} belongs to user 1`],
      [
        "folder writable",
        () => Deno.chmodSync(folder.path, 0o777),
        `${folder.path} can be written`,
      ],
      ["folder writable, sticky", () => Deno.chmodSync(folder.path, 0o1777), "can be written"],
      ["folder of another user", () => Deno.chownSync(folder.path, 1, 0), "belongs to user 1"],
    ];
    for (const [name, change, says] of cases) {
      await t.step(name, async () => {
        change();
        try {
          const { failed } = await loadPlugins({ files: [file] });
          assertEquals(failed.length, 1);
          assertStringIncludes(failed[0].error.message, says);
        } finally {
          Deno.chownSync(file, 0, 0);
          Deno.chmodSync(file, 0o644);
          Deno.chownSync(folder.path, 0, 0);
          Deno.chmodSync(folder.path, 0o700);
        }
      });
    }
    await t.step("a link to a trusted file in a folder that is not", async () => {
      const open = Deno.makeTempDirSync({ dir: "/tmp" });
      try {
        Deno.symlinkSync(file, `${open}/link.js`);
        const { failed } = await loadPlugins({ files: [`${open}/link.js`] });
        assertStringIncludes(failed[0].error.message, "/tmp can be written");
      } finally {
        Deno.removeSync(open, { recursive: true });
      }
    });
  },
});
