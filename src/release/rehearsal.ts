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
import { pull } from "../oci/pull.ts";
import { Store } from "../store/mod.ts";
import { loadProgram } from "./script.ts";

/**
 * What is done, in this order, with the image `web` of the demo: what is done where milliseconds count. Code of more than that would make all of it slower to
 * load.
 */
const COMMANDS: readonly string[] = [
  "--json compose web DIR/1 --strategy overlay",
  "--json compose web DIR/2 --strategy composefs",
  "--json compose web DIR/3 --access ro",
  "compose web DIR/4 --upper tmpfs",
  "compose web DIR/5 --strategy hardlink --isolation shared",
  "compose web DIR/6 --strategy copy",
  "ps",
  "--json ps",
  "images",
  "run web /bin/true",
  "release DIR/1",
  "--json release DIR/2",
  "release --all",
];

async function rehearse(output: string): Promise<void> {
  const directory = Deno.makeTempDirSync({ prefix: "lamina-build-" });
  try {
    const layout = `${directory}/layout`;
    const nothing = { smallFiles: 0, bytes: 0 };
    const { images } = await makeDemoImages(layout, {
      ...nothing,
      programs: [],
      application: nothing,
    });
    const store = Store.open(`${directory}/store`, { create: true });
    await pull(store, images[0].reference, { name: "web" });
    const program = loadProgram();
    for (const command of COMMANDS) {
      const words = command.split(" ").map((word) => word.replace("DIR", directory));
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
