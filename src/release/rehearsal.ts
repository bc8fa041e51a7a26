/**
 * Makes the code that the compiled program starts with: it runs the program through what people do most, with the V8 that the binary will have, and keeps
 * what V8 has compiled by then. What cannot be done here, for want of rights, is compiled when it is done.
 *
 *     rehearsal OUTPUT
 *
 * @module
 */

import { ENTER } from "../cli/run/spec.ts";
import { makeDemoImages } from "./demo_images.ts";
import { loadProgram } from "./script.ts";

/** What is done, in this order, with the images `web` and `web-next` of the demo. */
const COMMANDS: readonly string[] = [
  "pull oci:LAYOUT:web",
  "--json pull oci:LAYOUT:web-next",
  "images",
  "--json images",
  "--json compose web DIR/1 --strategy overlay",
  "--json compose web DIR/2 --strategy composefs",
  "--json compose web DIR/3 --strategy composefs --access ro --upper tmpfs",
  "compose web DIR/4 --strategy copy",
  "compose web DIR/5 --strategy hardlink --access ro",
  "compose web DIR/6 --explain",
  "--json ps",
  "ps",
  "run web /bin/true",
  "release DIR/1",
  "--json release DIR/2",
  "release --all",
  "inspect web",
  "rm web-next",
  "gc",
  "df",
  "help",
  "compose --help",
  "compose missing DIR/7",
];

async function rehearse(output: string): Promise<void> {
  const directory = Deno.makeTempDirSync({ prefix: "lamina-build-" });
  try {
    const layout = `${directory}/layout`;
    const nothing = { smallFiles: 0, bytes: 0 };
    await makeDemoImages(layout, { ...nothing, programs: [], application: nothing });
    const program = loadProgram();
    for (const command of COMMANDS) {
      const words = command.replace("LAYOUT", layout).replace("DIR", directory).split(" ");
      await program.main(["--root", `${directory}/store`, ...words]);
    }
    Deno.writeFileSync(output, program.code());
    if (!loadProgram(program.code()).wasCompiled) throw new Error("V8 refuses its own code");
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

// `lamina run` starts this program again.
if (Deno.args[0] === ENTER) Deno.exit(await loadProgram().main(Deno.args));
await rehearse(Deno.args[0]);
Deno.exit(0);
