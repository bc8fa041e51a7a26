/**
 * What the compiled program begins with.
 *
 * @module
 */

import { VERSION } from "../version.ts";
import { loadProgram } from "./script.ts";

// What installers and scripts ask most, without loading anything.
if (Deno.args.length === 1 && Deno.args[0] === "--version") {
  console.log(`lamina ${VERSION}`);
  Deno.exit(0);
}
const code = Deno.readFileSync(new URL("./program.code", import.meta.url));
Deno.exit(await loadProgram(code).main(Deno.args));
