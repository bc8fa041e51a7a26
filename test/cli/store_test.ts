// Stores that a command cannot use, or only read: of a newer lamina, and on a read-only filesystem.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { umount2 } from "../../src/linux/mod.ts";
import { Bed } from "../strategy/bed.ts";
import { needs, notRoot } from "../support/root.ts";
import { file } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";

/** How a command ended, and the document that it printed. */
interface Ended {
  readonly line: string;
  readonly code: number;
  // deno-lint-ignore no-explicit-any
  readonly document: any;
}

/** Runs command lines, one after the other, in one process. */
async function lamina(root: string, lines: readonly string[]): Promise<Ended[]> {
  const child = fromFileUrl(new URL("store_child.ts", import.meta.url));
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--no-check", child],
      ...lines.map((line) => JSON.stringify(line.split(" "))),
    ],
    env: { LAMINA_ROOT: root, LAMINA_PLUGINS: "" },
    stdin: "null",
    stderr: "inherit",
  }).output();
  const parts = new TextDecoder().decode(stdout).split(/\0(\d+)\n/);
  return lines.map((line, n) => ({
    line,
    code: Number(parts[2 * n + 1]),
    document: JSON.parse(parts[2 * n]),
  }));
}

const MAIN = fromFileUrl(new URL("../../mod.ts", import.meta.url));

/** Lines with all commands that have to do with a store. */
const LINES = [
  ...["images", "inspect app", "tag app other", "rm app", "ps", "df", "fsck", "fsck --repair"],
  ...["gc", "gc --dry-run", "lease add app --for 1h", "lease ls", "lease renew x --for 1h"],
  ...["lease rm x", "pull oci:nowhere:app", "compose app target"],
  ...[
    "release --all",
    "serve --socket nowhere",
    "probe",
    "composefs digest app",
    "composefs dump app",
    "composefs ls app",
  ],
  ...["composefs diff app next", "bench app"],
  ...["import oci:nowhere", "import containers-storage:nowhere", "import containerd:nowhere"],
];

Deno.test("a store of a newer lamina: every command refuses it, and says what to do", async () => {
  using temp = new TempDir();
  const formats = ['{"format":2}', '{"format":1,"incompat":["chunks"]}'];
  for (const [n, format] of formats.entries()) {
    Deno.writeTextFileSync(`${temp.path}/lamina.json`, format);
    for (const { line, code, document } of await lamina(temp.path, n === 0 ? LINES : ["ps"])) {
      assertEquals([code, document.error?.kind], [4, "unsupported"], line);
      assertMatch(document.error.message, /lamina\.json says (format 2|features chunks)/);
      assertMatch(document.error.hint, /^Use the lamina that made the store, or a newer one/);
    }
    assertEquals([...Deno.readDirSync(temp.path)].length, 1, "nothing was made in it");
  }
  // What `run` prints, and its code, are the command's: no document, and 125 for its own failures.
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", MAIN, "--root", temp.path, "run", "app", "true"],
    env: { LAMINA_PLUGINS: "" },
  }).output();
  const said = new TextDecoder().decode(stderr);
  assertEquals(code, 125, said);
  assertMatch(said, /lamina\.json says features chunks/);
});

Deno.test({
  ...needs("a store on a read-only filesystem can be looked at", notRoot()),
  async fn() {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    const { store } = bed;
    await bed.image("app", [[file("f", "content".repeat(1000))]]);
    // As in a store that nobody has worked in since locks got turnstiles.
    for (const { name } of Deno.readDirSync(store.layout.locks)) {
      Deno.removeSync(`${store.layout.locks}/${name}`);
    }
    for (const args of [["--bind", store.root], ["-o", "remount,bind,ro"]]) {
      const { success } = await new Deno.Command("mount", { args: [...args, store.root] }).output();
      assert(success);
    }
    try {
      const read = ["images", "inspect app", "ps", "df", "fsck", "fsck --quick", "lease ls"];
      for (const { line, code } of await lamina(store.root, [...read, "gc --dry-run"])) {
        assertEquals(code, 0, line);
      }
      const write = ["gc", "rm app", "tag app other", "fsck --repair", "lease add app --for 1h"];
      for (const { line, code, document } of await lamina(store.root, write)) {
        assertEquals(code, 1, line);
        assertMatch(document.error.message, /Read-only file system/, line);
        assertMatch(document.error.hint ?? "", /^Mount the store's filesystem for writing/, line);
      }
    } finally {
      assertEquals(umount2(store.root, 0), 0);
    }
  },
});
