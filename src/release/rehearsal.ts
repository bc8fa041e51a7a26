/**
 * Makes the script that the compiled program starts with, and V8's code for it: it runs the program through what people do most, with the V8 that the binary
 * will have, and keeps the parts that were needed and what V8 has compiled of them by then. What cannot be done here, for want of rights, is read and compiled
 * when it is done.
 *
 *     rehearsal DIRECTORY-OF-THE-BUNDLE
 *
 * @module
 */

import { ENTER } from "../cli/run/spec.ts";
import { makeDemoImages } from "./demo_images.ts";
import { pull } from "../oci/pull.ts";
import { Store } from "../store/mod.ts";
import { CODE, loadProgram, partFile, type Program, SCRIPT, scriptOf } from "./script.ts";

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

async function rehearse(directory: string): Promise<void> {
  const work = Deno.makeTempDirSync({ prefix: "lamina-build-" });
  try {
    const layout = `${work}/layout`;
    const nothing = { smallFiles: 0, bytes: 0 };
    const { images } = await makeDemoImages(layout, {
      ...nothing,
      programs: [],
      application: nothing,
    });
    const store = Store.open(`${work}/store`, { create: true });
    await pull(store, images[0].reference, { name: "web" });
    const perform = async (program: Program) => {
      for (const command of COMMANDS) {
        const words = command.split(" ").map((word) => word.replace("DIR", work));
        await program.main(["--root", `${work}/store`, ...words]);
      }
      return program;
    };
    // Once to see which parts there are to it, and once with these as the script.
    const parts = (await perform(loadProgram())).rare;
    const script = scriptOf(parts);
    const code = (await perform(loadProgram(script, new Uint8Array()))).code();
    if (!loadProgram(script, code).wasCompiled) throw new Error("V8 refuses its own code");
    Deno.writeTextFileSync(`${directory}/${SCRIPT}`, script);
    Deno.writeFileSync(`${directory}/${CODE}`, code);
    for (const name of parts.keys()) Deno.removeSync(`${directory}/${partFile(name)}`);
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
}

// `lamina run` starts this program again.
if (Deno.args[0] === ENTER) Deno.exit(await loadProgram().main(Deno.args));
await rehearse(Deno.args[0]);
Deno.exit(0);
