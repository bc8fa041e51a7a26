import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { writeOciLayout } from "../support/images.ts";
import { minimal, trustedFolder, writeFiles } from "../support/plugins.ts";
import { isRoot, needs } from "../support/root.ts";
import { file, makeTar, symlink } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { assertComposed, IMAGE } from "./image.ts";
import { bareMachine, cannotBeBare } from "./machine.ts";
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
    "e2e: a plugin in TypeScript, without Deno: loaded from each place, chosen, in two threads, checked, measured, released",
    notCompiled(),
    cannotBeBare(),
  ),
  async fn() {
    using temp = new TempDir();
    writeFiles(temp.path, PLUGIN);
    Deno.mkdirSync(`${temp.path}/work`);
    // As many entries as get a second thread.
    const pieces = Array.from({ length: 4100 }, (_, i) => {
      const path = `d${i % 30}/${i}`;
      return i % 10 === 0 ? file(path, `${i}`) : symlink(path, "nowhere");
    });
    await writeOciLayout(`${temp.path}/layout`, [{ name: "many", layers: [makeTar(pieces)] }]);
    const machine = isRoot ? bareMachine(temp.path) : undefined;
    const top = isRoot ? "" : temp.path;
    const [quick, target] = [`${top}/quick`, `${top}/vm`];
    const environment = { PATH: "/nowhere", DENO_DIR: "/nowhere", XDG_CONFIG_HOME: "/nowhere" };
    await using lamina = new Program(temp.path, { machine, environment });
    await lamina.json("pull", "oci:layout:many");

    // Without mounts it competes with those that go through all entries as it does, whatever this machine takes for a mount.
    const made = await lamina.json("--plugin", quick, "compose", "many", target, "--explain");
    assertEquals([made.strategy, made.notes.copied], ["quick", 410]);
    const eligible = made.rows.filter((row: { eligible: boolean }) => row.eligible);
    assert(eligible.some((row: { name: string }) => row.name === "copy"));
    assertEquals(Deno.readTextFileSync(`${temp.path}/vm/d10/10`), "10");
    const { code, stderr } = await lamina.run("release", target);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `--plugin ${quick}/main.ts`);
    await lamina.json("--plugin", `${quick}/main.ts`, "release", target);

    const other = new Program(temp.path, {
      machine,
      environment: { ...environment, LAMINA_PLUGINS: quick },
    });
    // Chosen once more it would not be: what it really took corrects what it claims.
    const again = await other.json("compose", "many", target, "--strategy=quick");
    assertEquals(again.notes.copied, 410);
    await other.json("release", target);

    const { results } = await other.json("bench", "many", "--rounds=1", "--strategy=quick");
    assertEquals(
      results.map((row: { strategy: string; version: string }) => [row.strategy, row.version]),
      [["quick", "1.2.3"]],
    );
    if (!isRoot) return;
    const only = ["--on=/work", "--filter=tree/rw/links"];
    const checked = await lamina.json("plugin", "check", quick, ...only);
    assertEquals([checked.plugin.name, checked.failed], ["quick", 0]);
    assert(checked.passed > 0);
  },
});

Deno.test({
  ...needs("e2e: a new plugin is listed, composes as it is, and is not overwritten", notCompiled()),
  async fn() {
    using temp = new TempDir();
    using folder = trustedFolder();
    await writeOciLayout(`${temp.path}/layout`, [IMAGE]);
    const environment = { PATH: "/nowhere", XDG_CONFIG_HOME: `${folder.path}/config` };
    await using lamina = new Program(temp.path, { environment });
    const plugins = `${folder.path}/config/lamina/plugins`;
    writeFiles(plugins, { "bad.js": "export default 1;" });
    const made = await lamina.json("plugin", "new", "swift", "--dir", plugins);
    assertEquals([made.folder, made.trusted], [`${plugins}/swift`, true]);
    const contract = Deno.readTextFileSync(`${plugins}/swift/contract.ts`);
    assertEquals(
      contract,
      Deno.readTextFileSync(new URL("../../src/strategy/plugin.ts", import.meta.url)),
    );
    const check = new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "main.ts"],
      cwd: made.folder,
    });
    const { success, stderr } = check.outputSync();
    assert(success, new TextDecoder().decode(stderr));

    const again = await lamina.run("plugin", "new", "swift", "--dir", plugins);
    assertEquals(again.code, 1);
    assertStringIncludes(again.stderr, "it is there already");
    for (const name of ["copy", "auto", "A b", "../x"]) {
      assertEquals((await lamina.run("plugin", "new", name, "--dir", plugins)).code, 2, name);
    }
    assertEquals(
      [...Deno.readDirSync(plugins)].map(({ name }) => name).sort(),
      ["bad.js", "swift"],
    );

    // deno-lint-ignore no-explicit-any
    const list: any[] = (await lamina.json("plugin", "list")).plugins;
    const outside = list.filter(({ origin }) => origin !== "built-in");
    assertEquals(
      outside.map((
        { name, version, file, loaded, origin },
      ) => [name, version, file, loaded, origin]),
      [
        ["swift", "0.1.0", `${plugins}/swift/main.ts`, true, plugins],
        ["bad.js", null, `${plugins}/bad.js`, false, plugins],
      ],
    );
    assertEquals(outside[0].trust, isRoot ? "checked" : "unchecked");
    assertEquals(outside[1].error, "its default export is not a plugin object");

    // The others are reported, and in nobody's way.
    writeFiles(plugins, {
      "late.ts": `if (!("WorkerGlobalScope" in globalThis)) {
  setTimeout(() => { throw new Error("late"); });
  Promise.reject(new Error("unheard"));
}
${minimal("late")}`,
    });
    const pulled = await lamina.run("pull", "oci:layout:app");
    assertEquals(pulled.code, 0, pulled.stderr);
    const target = `${temp.path}/vm`;
    const composed = await lamina.run("compose", "app", target, "--strategy=swift");
    assertEquals(composed.code, 0, composed.stderr);
    assertStringIncludes(composed.stderr, `not loaded: loading plugin ${plugins}/bad.js: `);
    for (const said of ["late", "unheard"]) {
      const line = `plugin ${plugins}/late.ts: an error that nobody waits for: ${said}`;
      assertStringIncludes(composed.stderr, line);
    }
    assertComposed(target, isRoot);
    assertEquals((await lamina.run("release", target)).code, 0);
    const named = await lamina.run("--plugin", `${plugins}/bad.js`, "probe");
    assertEquals(named.code, 1);
  },
});
