/**
 * Modules of a bundle as functions, so that a script can have many of them and runs each when it is asked for: a script may have V8's code beside it, which
 * modules may not.
 *
 * @module
 */

import { parse } from "es-module-lexer/minimal/js";

/** What the lexer says in `d` of an `import.meta`, and of a static import. Others stand in texts, as in the compiler that the program carries. */
const [IMPORT_META, STATIC] = [-2, -1];

/**
 * Makes a {@link script!Part} of a module that the bundler made: its imports, static and dynamic ones and of its own URL, come in as parameters, its exports are
 * what the function returns. Only ASCII, of which V8 keeps half as many bytes as of anything else.
 *
 * @param changing Variables that are assigned to after their module has run: others must not have them, as they would have what they were.
 * @throws {Error} For forms of import and export that this bundler does not write, and where one of `changing` is exported.
 */
export function partOf(text: string, changing: readonly string[] = []): string {
  let part = "";
  let done = 0;
  const put = (start: number, end: number, what: string) => {
    part += text.slice(done, start) + what;
    done = end;
  };
  for (const { ss: start, se: end, s: from, e: to, d: kind } of parse(text)[0]) {
    if (kind === IMPORT_META) put(start, start + "import.meta.url".length, "__here");
    else if (kind === STATIC) put(start, end, imported(text.slice(start, end)));
    else if (kind > STATIC) put(start, to, `__load(${text.slice(from, to)}`);
  }
  put(text.length, text.length, "");
  const ascii = exported(part, changing).replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `function (__part, __here, __load, require) {"use strict";\n${ascii}}`;
}

/**
 * `import { a, b as c } from "./x.js"` → `var { a, b: c } = __part("./x.js")`; nothing is checked at each use of a `var`. What is imported without a name is left
 * away: no module here is imported for what it does.
 */
function imported(statement: string): string {
  const [, clause, specifier] =
    /^import\s*(?:(\{[^}]*\}|\w+)\s*from\s*)?"([^"]+)"$/.exec(statement) ?? [];
  if (specifier === undefined) throw new Error(`bundle: what does this mean? ${statement}`);
  const from = specifier.startsWith("node:") ? "require" : "__part";
  return clause === undefined ? "" : `var ${renamed(clause)} = ${from}("${specifier}")`;
}

/** The bundler has one list of exports, at the end of the module. */
function exported(text: string, changing: readonly string[]): string {
  const at = text.lastIndexOf("\nexport {");
  const [, names] = /^\nexport \{([^}]*)\};\s*$/.exec(text.slice(Math.max(0, at))) ?? [];
  const body = names === undefined ? text : text.slice(0, at);
  if (parse(body)[1].length > 0) throw new Error("bundle: there are exports of another form");
  const bad = changing.find((name) => new RegExp(`\\b${name}\\d*\\b`).test(names ?? ""));
  if (bad !== undefined) throw new Error(`bundle: ${bad} changes, and is in two parts`);
  const list = (names ?? "").replace(/(\S+) as ([^\s,]+)/g, "$2: $1");
  return `${body}\nreturn {${list.replace(/\s+/g, " ")}};\n`;
}

function renamed(clause: string): string {
  return clause.replaceAll(" as ", ": ").replace(/[ \n]+/g, " ");
}
