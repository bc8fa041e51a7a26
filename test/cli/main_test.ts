import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { completionModel, leaves } from "../../src/cli/completions/model.ts";
import { commandHelp, groupHelp, overview } from "../../src/cli/help.ts";
import { resolveCommand } from "../../src/cli/resolve.ts";
import { makeScreen } from "../../src/cli/terminal/screen.ts";
import { VERSION } from "../../src/version.ts";
import { TempDir } from "../support/temp.ts";

const MAIN = fromFileUrl(new URL("../../src/cli/main.ts", import.meta.url));

/** Runs the command line with a store that is not there. */
async function lamina(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  using temp = new TempDir();
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, ...args],
    env: { LAMINA_ROOT: `${temp.path}/store`, NO_COLOR: "1", LAMINA_PLUGINS: "" },
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}

const PAGE = makeScreen({ terminal: false, columns: 100, rows: 0, unicode: true, color: false });

Deno.test("main: versions and overviews", async () => {
  assertEquals(await lamina("--version"), { code: 0, out: `lamina ${VERSION}\n`, err: "" });
  assertEquals(await lamina("--version", "--json"), {
    code: 0,
    out: `{\n  "version": "${VERSION}"\n}\n`,
    err: "",
  });
  const help = await lamina("--help");
  assertEquals(help, { code: 0, out: overview({ ...PAGE, columns: Infinity }), err: "" });
  assertEquals((await lamina("help")).out, help.out);
  assertEquals(await lamina(), { code: 2, out: "", err: help.out });
});

Deno.test("main: wrong lines", async () => {
  const cases: [string[], string][] = [
    [
      ["imgaes"],
      "lamina: there is no command `imgaes`\nhint: did you mean `lamina images`?\n",
    ],
    [["--rooot", "x"], "lamina: unknown flag `--rooot`\nhint: did you mean `--root`?\n"],
    [
      ["composefs", "bild"],
      "lamina: composefs: there is no command `bild`\nhint: did you mean `lamina composefs build`?\n",
    ],
    [
      ["composefs"],
      "lamina: composefs: which one? build, digest, dump, ls, diff\nhint: see `lamina composefs --help`\n",
    ],
    [
      ["tag", "x"],
      "lamina: tag: NAME is missing: the name to give\nhint: see `lamina tag --help`\n",
    ],
    [
      ["release"],
      "lamina: release: name targets or ids, or say --all\nhint: see `lamina release --help`\n",
    ],
  ];
  for (const [line, err] of cases) {
    assertEquals(await lamina(...line), { code: 2, out: "", err }, line.join(" "));
  }
  const json = await lamina("imgaes", "--json");
  assertEquals([json.code, json.err], [2, ""]);
  assertEquals(JSON.parse(json.out), {
    error: {
      kind: "usage",
      message: "there is no command `imgaes`",
      hint: "did you mean `lamina images`?",
    },
  });
});

Deno.test("main: without a store", async () => {
  for (const line of [["images"], ["ps"], ["inspect", "x"], ["compose", "x", "/nowhere"]]) {
    const { code, out, err } = await lamina(...line);
    assertEquals([code, out], [3, ""], line.join(" "));
    assertStringIncludes(err, "lamina: opening the store: there is none at ");
    assertStringIncludes(err, "\nhint: ");
  }
});

Deno.test("main: a plugin that was named must load; one of $LAMINA_PLUGINS need not", async () => {
  const { code, out } = await lamina("--json", "--plugin", "/nowhere/x.js", "probe");
  assertEquals(code, 3);
  assertEquals(JSON.parse(out).error.kind, "not-found");
});

/** `LAMINA_GOLDEN=write` writes what is there now. */
Deno.test("help: every page is as it was read last", async () => {
  const pages = [overview(PAGE)];
  const model = await completionModel();
  for (const group of model.commands.filter((node) => node.group.length > 0)) {
    const { entry, title } = resolveCommand([group.name]);
    pages.push(groupHelp(entry, title, PAGE));
  }
  for (const { path } of leaves(model.commands)) {
    const { entry, title } = resolveCommand(path);
    const { default: command } = await entry.load!();
    pages.push(commandHelp(command.spec, title, entry.summary, PAGE));
  }
  const actual = pages.join(`\n${"=".repeat(100)}\n`);
  const golden = new URL("help.golden.txt", import.meta.url);
  if (Deno.env.get("LAMINA_GOLDEN") === "write") Deno.writeTextFileSync(golden, actual);
  assertEquals(actual, Deno.readTextFileSync(golden));
  for (const line of actual.split("\n")) assert(line.length <= 100, line);
});

Deno.test("help: specs are sound", async () => {
  const model = await completionModel();
  for (const { path, node } of leaves(model.commands)) {
    const flags = [...node.flags, ...model.globals];
    const names = flags.flatMap((flag) => [flag.name, ...(flag.short ? [flag.short] : [])]);
    assertEquals(names.length, new Set(names).size, `${path.join(" ")}: a flag twice`);
    for (const [i, argument] of node.arguments.entries()) {
      assert(!argument.repeat || i === node.arguments.length - 1, `${path}: ${argument.name}`);
      assert(/^[A-Z]+$/.test(argument.name), argument.name);
    }
  }
});

Deno.test("the version and the pinned Deno are said in one way", () => {
  const read = (path: string) => Deno.readTextFileSync(new URL(`../../${path}`, import.meta.url));
  assertEquals(JSON.parse(read("deno.json")).version, VERSION);
  const pinned = read(".deno-version").trim();
  const said = [...read("README.md").matchAll(/deno@(\S+)/g)].map((match) => match[1]);
  assert(said.length >= 2);
  assertEquals(new Set(said), new Set([pinned]));
});
