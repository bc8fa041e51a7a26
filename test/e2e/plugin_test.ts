import { assertEquals, assertStringIncludes } from "@std/assert";
import { writeOciLayout } from "../support/images.ts";
import { trustedFolder, writeFiles } from "../support/plugins.ts";
import { needs } from "../support/root.ts";
import { file, makeTar, symlink } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { notCompiled, Program } from "./program.ts";

/** A plugin as its author would write it: TypeScript in three files, in a folder with nothing else. */
const PLUGIN = {
  "quick/main.ts": `import type { Plugin } from "./lamina.d.ts";
import { cost } from "./lib/cost.ts";
import { NAME } from "./name.ts";

export default {
  apiVersion: 1,
  name: NAME,
  summary: "copies, and claims to be quick",
  version: "1.2.3",
  create: (host) => ({
    traits: {
      result: "directory",
      access: ["ro", "rw"],
      isolation: "full",
      survivesReboot: true,
      privilege: "none",
      integrity: false,
      upper: false,
    },
    probe: () => ({ works: true, cost: cost(0) }),
    place: (file) => file.copy(),
    compose: (job) => host.materialize(job),
    release: ({ target }) => host.removeContents(target),
  }),
} satisfies Plugin;
`,
  "quick/name.ts": `export const NAME: string = "quick";\n`,
  "quick/lib/cost.ts": `import { NAME } from "../name.ts";
enum Milliseconds { None = 0 }
export function cost(us: number) {
  if (NAME !== "quick") throw new Error("modules import each other wrongly");
  return { fixedMs: Milliseconds.None, msPerLayer: 0, usPerDirectory: us, usPerFile: us, usPerMiB: us };
}
`,
};

Deno.test({
  ...needs(
    "e2e: a plugin in TypeScript, without Deno: loaded from each place, chosen, in two threads, released",
    notCompiled(),
  ),
  async fn() {
    using temp = new TempDir();
    using folder = trustedFolder();
    writeFiles(folder.path, PLUGIN);
    // As many entries as get a second thread.
    const pieces = Array.from({ length: 4100 }, (_, i) => {
      const path = `d${i % 30}/${i}`;
      return i % 10 === 0 ? file(path, `${i}`) : symlink(path, "nowhere");
    });
    await writeOciLayout(`${temp.path}/layout`, [{ name: "many", layers: [makeTar(pieces)] }]);
    const environment = { PATH: "/nowhere", DENO_DIR: "/nowhere", XDG_CONFIG_HOME: "/nowhere" };
    const quick = `${folder.path}/quick`;
    await using lamina = new Program(temp.path, { environment });
    await lamina.json("pull", "oci:layout:many");

    const target = `${temp.path}/vm`;
    const made = await lamina.json("--plugin", quick, "compose", "many", target);
    assertEquals([made.strategy, made.notes.copied], ["quick", 410]);
    assertEquals(Deno.readTextFileSync(`${target}/d10/10`), "10");
    const { code, stderr } = await lamina.run("release", target);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `--plugin ${quick}/main.ts`);
    await lamina.json("--plugin", `${quick}/main.ts`, "release", target);

    const other = new Program(temp.path, {
      environment: { ...environment, LAMINA_PLUGINS: quick },
    });
    assertEquals((await other.json("compose", "many", target)).strategy, "quick");
    await other.json("release", target);
  },
});
