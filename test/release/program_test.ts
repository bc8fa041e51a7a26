import { assertEquals, assertThrows } from "@std/assert";
import { movedUrls, scriptOf } from "../../src/release/program.ts";

const HIDDEN = [
  "plugins/copy.ts",
  "src/layer/inflate_worker.ts",
  "src/strategy/materialize/worker.ts",
  "plugins/template/README.md",
];
const place = (module: string) => `./${module.replace(/ts$/, "js")}`;

Deno.test("program: a bundle's modules find workers and plugins at their new places", () => {
  const cases: [string, string][] = [
    ["const a = 1;", "const a = 1;"],
    [
      'new Worker(new URL("./inflate_worker.ts", import.meta.url), {})',
      "new Worker(new URL(`./src/layer/inflate_worker.js`, import.meta.url), {})",
    ],
    [
      'a(new URL("./worker.ts", import.meta.url).href); b(new URL("./inflate_worker.ts", import.meta.url))',
      "a(new URL(`./src/strategy/materialize/worker.js`, import.meta.url).href); " +
      "b(new URL(`./src/layer/inflate_worker.js`, import.meta.url))",
    ],
    [
      'read(new URL("../../plugins/template/README.md", import.meta.url))',
      "read(new URL(`./plugins/template/README.md`, import.meta.url))",
    ],
    ['const text = "import.meta.url";', 'const text = "import.meta.url";'],
    [
      'import { createRequire as it } from "node:module";\nvar __require = it(import.meta.url);\n',
      'var __require = (name) => process.getBuiltinModule("node:module").createRequire(import.meta.url)(name);\n',
    ],
    [
      "url: new URL(`../../plugins/${name}.ts`, import.meta.url).href",
      "url: new URL(`./plugins/${name}.js`, import.meta.url).href",
    ],
  ];
  for (const [text, expected] of cases) assertEquals(movedUrls(text, HIDDEN, place), expected);
});

Deno.test("program: what looks for something else by its URL does not get into a bundle", () => {
  for (
    const text of [
      'new URL("./other_worker.ts", import.meta.url)',
      'new URL("../data.txt", import.meta.url)',
      "const here = import.meta.url;",
      'new URL("worker" + ".ts", import.meta.url)',
    ]
  ) assertThrows(() => movedUrls(text, HIDDEN, place), Error, "bundle:", text);
});

Deno.test("program: the script has nothing that only a module may have, and only ASCII", () => {
  const wrapped = (text: string) => `(function (module, __here, __load, require) {${text}\n})`;
  const cases: [string, string][] = [
    ['require("node:crypto"); // import("x")', 'require("node:crypto"); // import("x")'],
    ["await import(url)", "await __load(url)"],
    [
      'const { t } = await import("./typescript.ts"); "import(x)";',
      'const { t } = await __load(new URL("./src/strategy/loading/typescript.js", __here).href); "import(x)";',
    ],
    [
      'new Worker(new URL("./worker.ts", import_meta3.url), await import(it))',
      "new Worker(new URL(`./src/strategy/materialize/worker.js`, __here), await __load(it))",
    ],
    ["'→ …'; /é/; `𝒳`", "'\\u2192 \\u2026'; /\\u00e9/; `\\ud835\\udcb3`"],
  ];
  for (const [text, expected] of cases) {
    assertEquals(scriptOf(text, HIDDEN, place), wrapped(expected));
  }
  assertThrows(() => scriptOf('require("./other.ts")', HIDDEN, place), Error, "other.ts");
});
