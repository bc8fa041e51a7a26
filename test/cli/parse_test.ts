import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LaminaError } from "../../src/error.ts";
import type { Globals } from "../../src/cli/globals.ts";
import { parseCommand, parseHead, suggest } from "../../src/cli/parse.ts";
import type { CommandSpec } from "../../src/cli/spec.ts";

const NONE: Globals = parseHead([]).globals;

const SPEC = {
  arguments: [
    { name: "IMAGE", summary: "an image" },
    { name: "TARGET", summary: "a directory", optional: true },
  ],
  flags: [
    { name: "strategy", value: "NAME", default: "auto", summary: "how" },
    { name: "access", value: "ACCESS", choices: ["ro", "rw"], default: "rw", summary: "what for" },
    { name: "writable", value: "PATH", repeat: true, summary: "where" },
    { name: "upper", value: "DIR", summary: "on what" },
    { name: "explain", summary: "why" },
  ],
  examples: [],
} as const satisfies CommandSpec;

const REST: CommandSpec = {
  arguments: [{ name: "ID", repeat: true, optional: true, summary: "compositions" }],
  flags: [],
  examples: [],
};

function parse(line: readonly string[], spec: CommandSpec = SPEC) {
  return parseCommand(spec, line, NONE, "lamina try").input;
}

const DEFAULTS = {
  strategy: "auto",
  access: "rw",
  writable: [],
  upper: undefined,
  explain: false,
};

Deno.test("parse: flags, values, repeated flags, arguments in any order", () => {
  const cases: [string[], Record<string, unknown>, Record<string, unknown>][] = [
    [["a"], {}, { image: "a", target: undefined }],
    [["a", "b"], {}, { image: "a", target: "b" }],
    [["--explain", "a", "b"], { explain: true }, { image: "a", target: "b" }],
    [["a", "--strategy", "copy", "b"], { strategy: "copy" }, { image: "a", target: "b" }],
    [["a", "--strategy=copy"], { strategy: "copy" }, { image: "a", target: undefined }],
    [["--upper=a=b", "a"], { upper: "a=b" }, { image: "a", target: undefined }],
    [["--upper=-x", "a"], { upper: "-x" }, { image: "a", target: undefined }],
    [["--writable", "x", "a", "--writable=y"], { writable: ["x", "y"] }, {
      image: "a",
      target: undefined,
    }],
    [["--", "-a", "--explain"], {}, { image: "-a", target: "--explain" }],
    [["a", "--access", "ro", "--access", "rw"], {}, { image: "a", target: undefined }],
    [["-"], {}, { image: "-", target: undefined }],
  ];
  for (const [line, flags, args] of cases) {
    const input = parse(line);
    const { strategy, access, writable, upper, explain } = input.flags;
    const message = line.join(" ");
    assertEquals(
      { strategy, access, writable, upper, explain },
      { ...DEFAULTS, ...flags },
      message,
    );
    assertEquals(input.args, args, message);
  }
});

Deno.test("parse: what looks like a number or a boolean stays the string it is", () => {
  for (const value of ["1", "0x10", "1e3", "007", "true", "NaN", "1.50"]) {
    const input = parse([value, value, "--upper", value, "--writable", value]);
    assertEquals(input.args, { image: value, target: value });
    assertEquals(input.flags.upper, value);
    assertEquals(input.flags.writable, [value]);
  }
});

Deno.test("parse: a repeated argument takes all that is left", () => {
  assertEquals(parse([], REST).args, { id: [] });
  assertEquals(parse(["a", "b", "c"], REST).args, { id: ["a", "b", "c"] });
});

Deno.test("parse: words for another program are taken as they are, from the first argument on", () => {
  const spec: CommandSpec = {
    arguments: [
      { name: "IMAGE", summary: "an image" },
      { name: "COMMAND", repeat: true, optional: true, verbatim: true, summary: "a command" },
    ],
    flags: [{ name: "env", short: "e", value: "NAME", repeat: true, summary: "a variable" }],
    examples: [],
  };
  const cases: [string[], string[], string[]][] = [
    [["a"], [], []],
    [["-e", "X=1", "--env=Y", "a", "ls", "-e", "--all"], ["X=1", "Y"], ["ls", "-e", "--all"]],
    [["a", "--", "ls", "--", "-x"], [], ["ls", "--", "-x"]],
    [["a", "ls", "--", "-x"], [], ["ls", "--", "-x"]],
    [["--", "a", "ls", "-x"], [], ["ls", "-x"]],
    [["a", "printf", "", "--json=no", "--help", "1"], [], [
      "printf",
      "",
      "--json=no",
      "--help",
      "1",
    ]],
  ];
  for (const [line, env, command] of cases) {
    // As the program reads it: first what stands before the command's name.
    const head = parseHead(["--quiet", "run", ...line]);
    assertEquals(head.rest, ["run", ...line]);
    const { input } = parseCommand(spec, head.rest.slice(1), NONE, "lamina try");
    assertEquals([input.flags.env, input.args], [env, { image: "a", command }], line.join(" "));
  }
  assertThrows(() => parse(["--all", "a"], spec), LaminaError, "unknown flag");
});

Deno.test("parse: wrong lines are usage errors that say what is wrong and what to do", () => {
  const cases: [string[], string, string][] = [
    [[], "IMAGE is missing: an image", "lamina try --help"],
    [["a", "b", "c"], "`c` is one argument too many", "lamina try --help"],
    [["a", "--explan"], "unknown flag `--explan`", "did you mean `--explain`?"],
    [["a", "--explan=1"], "unknown flag `--explan`", "did you mean `--explain`?"],
    [["a", "--sparkle"], "unknown flag `--sparkle`", "lamina try --help"],
    [["a", "-x"], "unknown flag `-x`", "lamina try --help"],
    [["a", "-qx"], "unknown flag `-x`", "lamina try --help"],
    [["a", "--no-json"], "unknown flag `--no-json`", "lamina try --help"],
    [["a", "--upper.x=1"], "unknown flag `--upper.x`", ""],
    [["a", "--__proto__=1"], "unknown flag `--__proto__`", ""],
    [["a", "--upper"], "--upper needs a value", "write `--upper=DIR`"],
    [["a", "--upper="], "--upper needs a value", "write `--upper=DIR`"],
    [["a", "--upper", "--explain"], "--upper needs a value", "write `--upper=DIR`"],
    [["a", "--writable", "--explain"], "--writable needs a value", "write `--writable=PATH`"],
    [["a", "--access", "r0"], "--access is one of ro, rw, not `r0`", "did you mean `ro`?"],
    [["a", "--explain=no"], "`--explain` takes no value", ""],
    [["a", "-q=no"], "`-q` takes no value", ""],
    [[""], "IMAGE is an empty string", ""],
    [["a", "", "--explain"], "TARGET is an empty string", ""],
  ];
  for (const [line, what, hint] of cases) {
    const error = assertThrows(() => parse(line), LaminaError, what, line.join(" ")) as LaminaError;
    assertEquals(error.kind, "usage");
    assertStringIncludes(error.message, "try: ");
    assertStringIncludes(error.hint ?? "", hint);
  }
});

Deno.test("parse: global flags before and after the command come together", () => {
  const head = parseHead([
    "--root",
    "/s",
    "--plugin=a.js",
    "-q",
    "try",
    "--json",
    "x",
    "--plugin",
    "b.js",
  ]);
  assertEquals(head.rest, ["try", "--json", "x", "--plugin", "b.js"]);
  const { globals, input } = parseCommand(SPEC, head.rest.slice(1), head.globals, "lamina try");
  assertEquals(globals, {
    root: "/s",
    plugin: ["a.js", "b.js"],
    json: true,
    quiet: true,
    verbose: false,
    help: false,
    version: false,
  });
  assertEquals(input.args.image, "x");
  assertThrows(
    () => parseHead(["--strategy", "copy", "try"]),
    LaminaError,
    "unknown flag `--strategy`",
  );
});

Deno.test("parse: --help does not ask for arguments", () => {
  assertEquals(parseCommand(SPEC, ["--help"], NONE, "lamina try").globals.help, true);
  assertEquals(parseCommand(SPEC, ["-h"], NONE, "lamina try").globals.help, true);
});

Deno.test("parse: any value comes back as it was given", () => {
  const value = fc.string({ minLength: 1, unit: "grapheme" });
  fc.assert(fc.property(value, fc.array(value), value, (image, writable, upper) => {
    const line = [...writable.map((path) => `--writable=${path}`), `--upper=${upper}`, "--", image];
    const input = parse(line);
    assertEquals(input.args.image, image);
    assertEquals(input.flags.writable, writable);
    assertEquals(input.flags.upper, upper);
  }));
});

Deno.test("suggest: the nearest word, if it is near", () => {
  const words = ["pull", "images", "inspect", "compose", "composefs", "release", "ps"];
  const cases: [string, string | undefined][] = [
    ["pul", "pull"],
    ["plul", "pull"],
    ["imgaes", "images"],
    ["composfs", "composefs"],
    ["realease", "release"],
    ["frobnicate", undefined],
    ["x", undefined],
    ["", undefined],
  ];
  for (const [word, expected] of cases) assertEquals(suggest(word, words), expected, word);
});
