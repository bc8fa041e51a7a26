import { assertEquals, assertStringIncludes } from "@std/assert";
import { BUILT_IN, loadPlugins } from "../../src/strategy/loader.ts";
import { findPlugins } from "../../src/strategy/loading/search.ts";
import { minimal, trustedFolder, writeFiles } from "../support/plugins.ts";

function environment(variables: Record<string, string>) {
  return (name: string): string | undefined => variables[name];
}

Deno.test("plugin search: the flag, the variable, the user's directory, the system's; each by name", async () => {
  using folder = trustedFolder();
  const at = (path: string) => `${folder.path}/${path}`;
  writeFiles(folder.path, {
    "flag.ts": minimal("flag"),
    "variable/main.js": minimal("variable"),
    "config/lamina/plugins/b.mjs": minimal("b"),
    "config/lamina/plugins/a/main.ts": minimal("a"),
    "config/lamina/plugins/README.md": "",
    "config/lamina/plugins/types.d.ts": "",
    "config/lamina/plugins/b_test.ts": "",
    "config/lamina/plugins/.b.js.swp": "",
    "config/lamina/plugins/.hidden.js": "",
    "system/z.js": minimal("z"),
  });
  const found = findPlugins({
    files: [at("flag.ts")],
    environment: environment({
      LAMINA_PLUGINS: `:${at("variable")}:`,
      XDG_CONFIG_HOME: at("config"),
      HOME: "/nowhere",
    }),
    system: at("system"),
  });
  const user = at("config/lamina/plugins");
  assertEquals(found.map(({ path, origin }) => [path, origin]), [
    [at("flag.ts"), "--plugin"],
    [at("variable"), "$LAMINA_PLUGINS"],
    [`${user}/a`, user],
    [`${user}/b.mjs`, user],
    [at("system/z.js"), at("system")],
  ]);
  const { loaded, failed } = await loadPlugins({ found });
  assertEquals(failed, []);
  assertEquals(loaded.map(({ name }) => name), [...BUILT_IN, "flag", "variable", "a", "b", "z"]);
  assertEquals(loaded.at(-1)!.origin, at("system"));
});

Deno.test("plugin search: without a variable the user's directory is in ~/.config; relative ones are ignored", () => {
  using folder = trustedFolder();
  writeFiles(folder.path, { ".config/lamina/plugins/a.js": "" });
  const system = `${folder.path}/none`;
  const find = (variables: Record<string, string>) =>
    findPlugins({ environment: environment(variables), system }).map(({ path }) => path);
  const expected = [`${folder.path}/.config/lamina/plugins/a.js`];
  assertEquals(find({ HOME: folder.path }), expected);
  assertEquals(find({ HOME: folder.path, XDG_CONFIG_HOME: "" }), expected);
  assertEquals(find({ HOME: folder.path, XDG_CONFIG_HOME: "relative" }), expected);
  assertEquals(find({ HOME: "relative" }), []);
  assertEquals(find({}), []);
});

Deno.test("plugin search: one file by several paths is loaded once; of two plugins of one name the first", async () => {
  using folder = trustedFolder();
  const at = (path: string) => `${folder.path}/${path}`;
  writeFiles(folder.path, { "p/main.ts": minimal("p"), "q.ts": minimal("p") });
  Deno.symlinkSync(at("p/main.ts"), at("link.ts"));
  const files = ["p", "p/main.ts", "link.ts", "q.ts", "p/../q.ts"].map(at);
  const { loaded, failed } = await loadPlugins({ files });
  assertEquals(loaded.slice(BUILT_IN.length).map(({ source }) => source.file), [at("p/main.ts")]);
  assertEquals(failed.map(({ file }) => file), [at("q.ts")]);
  assertStringIncludes(failed[0].error.message, `calls itself p, as ${at("p/main.ts")} does`);
});

Deno.test("plugin search: a name that is not the file's is warned of", async () => {
  using folder = trustedFolder();
  writeFiles(folder.path, { "foo.ts": minimal("bar") });
  const { loaded } = await loadPlugins({ files: [`${folder.path}/foo.ts`] });
  assertEquals(loaded.at(-1)!.warning, "it calls itself bar, but its file is named foo");
});
