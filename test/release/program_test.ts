import { assertEquals, assertThrows } from "@std/assert";
import { partOf } from "../../src/release/parts.ts";
import { movedUrls } from "../../src/release/program.ts";

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

Deno.test("program: a part has nothing that only a module may have, and only ASCII", () => {
  const wrapped = (text: string) =>
    `function (__part, __here, __load, require) {"use strict";\n${text}\n}`;
  const cases: [string, string][] = [
    [
      'f(); // import("x")\nexport {\n  a,\n  b as c\n};\n',
      'f(); // import("x")\nreturn { a, c: b };',
    ],
    ["await import(url)", "await __load(url)\nreturn {};"],
    [
      'import "./x.js";\nimport {\n  a,\n  b as b2\n} from "./y.js";\n"import(x)";',
      ';\nvar { a, b: b2 } = __part("./y.js");\n"import(x)";\nreturn {};',
    ],
    [
      'import { createHash as hash } from "node:crypto";\nimport zlib from "node:zlib";',
      'var { createHash: hash } = require("node:crypto");\nvar zlib = require("node:zlib");\nreturn {};',
    ],
    [
      "new Worker(new URL(`./worker.js`, import.meta.url), await import(it))",
      "new Worker(new URL(`./worker.js`, __here), await __load(it))\nreturn {};",
    ],
    ["'→ …'; /é/; `𝒳`", "'\\u2192 \\u2026'; /\\u00e9/; `\\ud835\\udcb3`\nreturn {};"],
  ];
  for (const [text, expected] of cases) assertEquals(partOf(text), wrapped(expected));
});

Deno.test("program: what the bundler does not write is refused, not guessed", () => {
  for (const text of ['import * as x from "./x.js";', "export default 1;", "export const a = 1;"]) {
    assertThrows(() => partOf(text), Error, "bundle:", text);
  }
  assertThrows(() => partOf("\nexport {\n  f,\n  errno2 as errno\n};", ["errno"]), Error, "errno");
});
