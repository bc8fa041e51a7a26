/**
 * What the compiled program begins with.
 *
 * @module
 */

import { VERSION } from "../version.ts";
import { loadProgram } from "./script.ts";

// What installers and scripts ask most, without loading anything.
if (Deno.args.length === 1 && Deno.args[0] === "--version") {
  try {
    Deno.stdout.writeSync(new TextEncoder().encode(`lamina ${VERSION}\n`));
    Deno.exit(0);
  } catch {
    // The whole program says what is wrong with stdout.
  }
}
Deno.exit(await loadProgram().main(Deno.args));
