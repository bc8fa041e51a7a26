/**
 * The authors' guide, plugins/README.md: every code block in it is run.
 *
 * The convention: a block in TypeScript is headed by the name of a file (` ```ts memory.ts `), and blocks with one name are the pieces of
 * that file, in order. Blocks for the shell (` ```sh `) are run one after the other in the folder of these files, with `lamina` in
 * $PATH and an image `app` in the store. Only ` ```text ` is not code.
 */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { pull } from "../../src/oci/pull.ts";
import { Store } from "../../src/store/mod.ts";
import { compose } from "../../src/strategy/compose.ts";
import { IMAGES } from "../../src/strategy/conformance/images/mod.ts";
import { loadPlugins } from "../../src/strategy/loader.ts";
import { release } from "../../src/strategy/release.ts";
import { writeOciLayout } from "../support/images.ts";
import { cannotMount, isRoot, lacks, needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { directory, file, makeTar, symlink } from "../support/tar.ts";
import { BINARY, notCompiled } from "../e2e/program.ts";
import { Bed, NOTHING } from "./bed.ts";

const GUIDE = fromFileUrl(new URL("../../plugins/README.md", import.meta.url));
const CONTRACT = fromFileUrl(new URL("../../src/strategy/plugin.ts", import.meta.url));

interface Blocks {
  /** Contents by name of the file. */
  readonly files: Map<string, string>;
  readonly scripts: string[];
}

function blocksOf(guide: string): Blocks {
  const files = new Map<string, string>();
  const scripts: string[] = [];
  for (const [, head, body] of guide.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)) {
    const [language, name] = head.split(" ");
    if (language === "ts" && name !== undefined) files.set(name, (files.get(name) ?? "") + body);
    else if (head === "sh") scripts.push(body);
    else if (head !== "text") throw new Error(`a block that nothing checks: ${head}`);
  }
  return { files, scripts };
}

/** A folder of a plugin author, with the guide's files: where root trusts it, which the system's temporary directory is not. */
class Folder implements Disposable {
  readonly path: string;
  readonly blocks: Blocks;

  constructor() {
    const home = isRoot ? "/root" : Deno.env.get("HOME") ?? ".";
    this.path = Deno.makeTempDirSync({ dir: home, prefix: ".lamina-guide-test-" });
    this.blocks = blocksOf(Deno.readTextFileSync(GUIDE));
    Deno.copyFileSync(CONTRACT, `${this.path}/plugin.ts`);
    for (const [name, text] of this.blocks.files) {
      Deno.writeTextFileSync(`${this.path}/${name}`, text);
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

async function run(program: string, args: string[], options: Deno.CommandOptions): Promise<void> {
  const command = new Deno.Command(program, { args, stdin: "null", ...options });
  const { success, stdout, stderr } = await command.output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert(success, `${program} ${args.join(" ")}\n${said}`);
}

Deno.test("guide: what is written in TypeScript fits the contract", async () => {
  using folder = new Folder();
  const files = [...folder.blocks.files.keys()];
  assertEquals(files, ["memory.ts", "keeping.ts"]);
  await run(Deno.execPath(), ["check", "--quiet", "--no-config", ...files], { cwd: folder.path });
});

Deno.test({
  ...needs("guide: its strategy shows an image's tree", notRoot(), cannotMount()),
  async fn() {
    using folder = new Folder();
    const bed = new Bed(folder.path);
    const { loaded, failed } = await loadPlugins({ files: [`${folder.path}/memory.ts`] });
    assertEquals(failed, []);
    const options = { plugins: loaded, strategy: "memory" };
    // The one of the suite's images that has most in it.
    const { layers } = IMAGES.find(({ id }) => id === "plain")!;
    const image = await bed.image("plain", layers());
    const { id, target } = await compose(bed.store, image, bed.target(), options);
    assertEquals(diffSnapshots(bed.expected(image), snapshot(target)), []);
    await release(bed.store, id, options);
    assertEquals(bed.leftovers(), NOTHING);
  },
});

Deno.test({
  ...needs(
    "guide: its commands do what it says",
    notRoot(),
    cannotMount(),
    lacks("findmnt"),
    notCompiled(),
  ),
  async fn() {
    using folder = new Folder();
    const { path, blocks } = folder;
    const layer = makeTar([directory("etc"), file("etc/name", "app\n"), symlink("run", "etc")]);
    await writeOciLayout(`${path}/layout`, [{ name: "app", layers: [layer] }]);
    await pull(Store.open(`${path}/store`, { create: true }), `oci:${path}/layout:app`, {
      name: "app",
    });
    Deno.mkdirSync(`${path}/bin`);
    Deno.symlinkSync(BINARY, `${path}/bin/lamina`);
    const env = { LAMINA_ROOT: `${path}/store`, PATH: `${path}/bin:${Deno.env.get("PATH")}` };
    for (const script of blocks.scripts) {
      await run("sh", ["-e", "-c", script], { cwd: path, env });
    }
    assertEquals([...Deno.readDirSync(`${path}/store/compositions`)], []);
  },
});
