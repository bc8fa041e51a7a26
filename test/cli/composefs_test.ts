// lamina composefs …, as a process: what it prints, and how it ends.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { pull } from "../../src/oci/pull.ts";
import { Store } from "../../src/store/mod.ts";
import { writeOciLayout } from "../support/images.ts";
import { lacks, needs } from "../support/root.ts";
import { directory, file, makeTar, symlink } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";

const MAIN = fromFileUrl(new URL("../../src/cli/main.ts", import.meta.url));
const OBJECT = `ab/${"cd".repeat(31)}`;
const DUMP = [
  "/ 0 40755 2 0 0 0 10.0 - - -",
  "/dir 0 40755 2 0 0 0 10.0 - - -",
  `/dir/big 70 100644 1 0 0 0 10.0 ${OBJECT} - ab${"cd".repeat(31)}`,
  "/dir/small 2 100644 1 0 0 0 10.0 - hi -",
  "/link 0 120777 1 0 0 0 10.0 dir/small - -",
  "",
].join("\n");

/** A directory with dumps, images and a store. */
class Desk implements Disposable {
  readonly #temp = new TempDir();
  readonly path = this.#temp.path;
  readonly store = `${this.path}/store`;

  async lamina(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", MAIN, "composefs", ...args],
      env: { LAMINA_ROOT: this.store, NO_COLOR: "1", LAMINA_PLUGINS: "" },
      cwd: this.path,
      stdin: "null",
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: decode(stdout), err: decode(stderr) };
  }

  /** Writes a dump and builds its image; returns its digest. */
  async build(name: string, dump: string, ...flags: string[]): Promise<string> {
    Deno.writeTextFileSync(`${this.path}/${name}.dump`, dump);
    const { code, out, err } = await this.lamina(
      "build",
      `${name}.dump`,
      `${name}.erofs`,
      "--quiet",
      ...flags,
    );
    assertEquals([code, err], [0, ""]);
    return out.trim();
  }

  [Symbol.dispose](): void {
    this.#temp[Symbol.dispose]();
  }
}

Deno.test("composefs ls lists entries, objects, and objects that a directory lacks", async () => {
  using desk = new Desk();
  await desk.build("a", DUMP);
  const cases: [string[], string][] = [
    [["ls", "a.erofs"], `/dir/\t\n/dir/big\t@ ${OBJECT}\n/dir/small\n/link\t-> dir/small\n`],
    [["ls", "a.erofs", "--objects"], `${OBJECT}\n`],
    [["ls", "a.erofs", "--missing-from", "objects"], `${OBJECT}\n`],
  ];
  for (const [line, expected] of cases) {
    assertEquals(await desk.lamina(...line), { code: 0, out: expected, err: "" });
  }
  Deno.mkdirSync(`${desk.path}/objects/ab`, { recursive: true });
  Deno.writeTextFileSync(`${desk.path}/objects/${OBJECT}`, "");
  const { code, out } = await desk.lamina("ls", "a.erofs", "--missing-from", "objects");
  assertEquals([code, out], [0, ""]);
  const json = JSON.parse((await desk.lamina("ls", "a.erofs", "--objects", "--json")).out);
  assertEquals(json, { image: "a.erofs", objects: [OBJECT] });
});

Deno.test("composefs diff says what is different, and with its exit code whether", async () => {
  using desk = new Desk();
  await desk.build("a", DUMP);
  await desk.build("again", DUMP, "--format", "v1");
  const other = DUMP.replace("/link 0 120777", "/new\\x20\\n 0 120777").replace(
    "2 100644",
    "2 100600",
  );
  await desk.build("b", other);
  assertEquals(await desk.lamina("diff", "a.erofs", "again.erofs"), { code: 0, out: "", err: "" });
  assertEquals(await desk.lamina("diff", "a.erofs", "b.erofs"), {
    code: 1,
    out: "C /dir/small\tmode 0644 -> 0600\nD /link\nA /new \\n\n",
    err: "",
  });
  const { code, out } = await desk.lamina("diff", "a.erofs", "b.erofs", "--json");
  assertEquals([code, JSON.parse(out)], [1, {
    from: "a.erofs",
    to: "b.erofs",
    changes: [
      {
        kind: "C",
        path: "/dir/small",
        fields: [{ field: "mode", from: "0644", to: "0600" }],
      },
      { kind: "D", path: "/link", fields: [] },
      { kind: "A", path: "/new \\n", fields: [] },
    ],
  }]);
  assertEquals((await desk.lamina("diff", "-", "-")).code, 2);
  assertEquals((await desk.lamina("diff", "a.erofs", "./missing.erofs")).code, 3);
  Deno.writeTextFileSync(`${desk.path}/no.erofs`, "no image");
  const { code: failed, err } = await desk.lamina("diff", "a.erofs", "no.erofs");
  assertEquals(failed, 1);
  assertStringIncludes(err, "lamina: ");
});

Deno.test("composefs digest of a file is the file's; the format can be another one; a stored image has its tree's", async () => {
  using desk = new Desk();
  const v0 = await desk.build("a", DUMP);
  const v1 = await desk.build("b", DUMP, "--format", "v1");
  const digest = async (...args: string[]) => (await desk.lamina("digest", ...args)).out.trim();
  assertEquals(await digest("a.erofs"), v0);
  assertEquals(await digest("b.erofs"), v1);
  assertEquals(await digest("a.erofs", "--format", "v1"), v1);
  assertEquals(await digest("b.erofs", "--format", "auto"), v0);

  const layer = makeTar([
    directory("usr", { mode: 0o700, mtime: 5 }),
    file("usr/a", "a", { mtime: 7 }),
    directory("run", { mtime: 9 }),
    file("run/b", "b", { mtime: 9 }),
    symlink("bin", "usr/bin", { mtime: 0 }),
  ]);
  await writeOciLayout(`${desk.path}/layout`, [{ name: "app", layers: [layer] }]);
  const { image } = await pull(
    Store.open(desk.store, { create: true }),
    `oci:${desk.path}/layout:app`,
  );
  assertEquals(await digest("app"), image.tree.digest);
  const { out } = await desk.lamina("digest", "app", "--profile", "oci-v1", "--json");
  const document = JSON.parse(out);
  assertEquals([document.profile, document.format], ["oci-v1", "v1"]);
  await desk.build(
    "normal",
    [
      "/ 0 40700 2 0 0 0 5.0 - - -",
      "/bin 0 120777 1 0 0 0 0.0 usr/bin - -",
      "/run 0 40755 2 0 0 0 5.0 - - -",
      "/usr 0 40700 2 0 0 0 5.0 - - -",
      "/usr/a 1 100644 1 0 0 0 7.0 - a -",
      "",
    ].join("\n"),
  );
  assertEquals(document.digest, await digest("normal.erofs", "--format", "v1"));
});

Deno.test("composefs build says the line of a dump that is wrong", async () => {
  using desk = new Desk();
  Deno.writeTextFileSync(`${desk.path}/a.dump`, DUMP.replace("/link 0 120777", "/link 0 12x777"));
  const { code, err } = await desk.lamina("build", "a.dump", "a.erofs");
  assertEquals(code, 1);
  assertStringIncludes(err, "line 5");
});

Deno.test({
  ...needs(
    "composefs build and dump do what mkcomposefs and composefs-info do",
    lacks("mkcomposefs"),
    lacks("composefs-info"),
  ),
  async fn() {
    using desk = new Desk();
    await desk.build("a", DUMP);
    const tool = async (program: string, ...args: string[]) => {
      const { success, stdout } = await new Deno.Command(program, { args, cwd: desk.path })
        .output();
      assertEquals(success, true);
      return new TextDecoder().decode(stdout);
    };
    await tool("mkcomposefs", "--from-file", "a.dump", "theirs.erofs");
    assertEquals(
      Deno.readFileSync(`${desk.path}/theirs.erofs`),
      Deno.readFileSync(`${desk.path}/a.erofs`),
    );
    for (const command of ["dump", "ls"]) {
      const { out } = await desk.lamina(command, "a.erofs");
      assertEquals(out, await tool("composefs-info", command, "a.erofs"));
    }
  },
});
