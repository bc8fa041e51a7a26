import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { writeDockerArchive, writeOciArchive, writeOciLayout } from "../support/images.ts";
import { isRoot, needs } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";
import { assertComposed, IMAGE } from "./image.ts";
import { cannotDropRights, notCompiled, Program } from "./program.ts";

/** What `probe --json` says of a strategy. */
interface Probed {
  readonly name: string;
  readonly works: boolean;
  readonly reason?: string;
  readonly traits: { readonly isolation: string; readonly result: string };
}

async function writeSources(directory: string): Promise<string[]> {
  await writeOciLayout(`${directory}/layout`, [IMAGE]);
  await writeOciArchive(`${directory}/app.tar`, [IMAGE]);
  await writeDockerArchive(`${directory}/docker.tar`, [{ ...IMAGE, name: "localhost/app:1" }]);
  return ["oci:layout:app", "oci-archive:app.tar:app", "docker-archive:docker.tar:localhost/app:1"];
}

/** From pull to release, by every transport and every strategy that works. */
async function live(directory: string, nobody: boolean): Promise<void> {
  const references = await writeSources(directory);
  await using lamina = new Program(directory, { nobody });
  const root = isRoot && !nobody;

  for (const [i, reference] of references.entries()) {
    const pulled = await lamina.json("pull", reference, "--name", `app${i}`);
    assertEquals(pulled.name, `app${i}`);
    assertEquals(pulled.layers.length, 2);
    // Every transport brings the same layers: only the first one has anything to store.
    for (const layer of pulled.layers) assertEquals(layer.isNew, i === 0, reference);
  }
  const images = await lamina.json("images");
  assertEquals(images.flatMap(({ names }: { names: string[] }) => names).sort(), [
    "app0",
    "app1",
    "app2",
  ]);
  const inspected = await lamina.json("inspect", "app0");
  assertEquals(inspected.config.config.Cmd, ["/bin/app"]);
  assertEquals(inspected.layers.length, 2);
  assertEquals(await lamina.json("tag", inspected.digest.slice(7, 19), "again", "app1"), {
    digest: inspected.digest,
    names: [{ name: "again", before: null }, { name: "app1", before: inspected.digest }],
  });

  const { strategies } = await lamina.json("probe", directory);
  const working = (strategies as Probed[]).filter((strategy) => strategy.works);
  const names = working.map(({ name }) => name);
  assert(names.includes("copy") && names.includes("hardlink"), `only ${names} work`);
  assertEquals(names.includes("overlay"), root && (await mayMount()));
  assert(
    (strategies as Probed[]).every(({ works, reason }) => works || reason !== undefined),
    "what does not work says why",
  );

  const composed: string[] = [];
  for (const { name, traits } of working) {
    const target = `${directory}/by-${name}`;
    // What shares inodes with the store is for reading.
    const access = traits.isolation === "shared" ? "ro" : "rw";
    const made = await lamina.json(
      "compose",
      "app0",
      target,
      `--strategy=${name}`,
      `--access=${access}`,
    );
    assertEquals([made.target, made.strategy, made.why], [target, name, "asked for"]);
    assertEquals(made.result, traits.result);
    assert(made.milliseconds >= 0);
    assertComposed(target, root);
    composed.push(made.id);
  }
  const automatic = await lamina.json("compose", "again", `${directory}/auto`, "--explain");
  assertEquals(automatic.rows.filter((row: { chosen: boolean }) => row.chosen).length, 1);
  assertComposed(`${directory}/auto`, root);
  composed.push(automatic.id);

  // Whatever happens in root filesystems of full isolation, the next one is as new.
  for (const name of ["auto", ...names.filter((name) => name !== "hardlink")]) {
    ravage(name === "auto" ? `${directory}/auto` : `${directory}/by-${name}`);
  }
  await lamina.json("compose", "app0", `${directory}/fresh`, "--access=ro");
  assertComposed(`${directory}/fresh`, root);
  assertComposed(`${directory}/by-hardlink`, root);

  const listed = await lamina.json("ps");
  assertEquals(listed.length, composed.length + 1);
  for (const record of listed) assertEquals(record.state, "ready");
  // By the beginning of its id, by its target, and all that are left.
  const first = await lamina.json("release", composed[0].slice(0, 8));
  assertEquals(first.released[0].id, composed[0]);
  await lamina.json("release", `${directory}/auto`);
  const rest = await lamina.json("release", "--all");
  assertEquals(rest.failed, []);
  assertEquals(rest.released.length, composed.length - 1);
  assertEquals(await lamina.json("ps"), []);
  for (const entry of Deno.readDirSync(directory)) {
    assert(!/^(by-|auto|fresh)/.test(entry.name), `${entry.name} is left`);
  }
  assertEquals([...Deno.readDirSync(`${lamina.store}/tmp`)], []);
}

/** Does what a guest may do in its root filesystem. */
function ravage(root: string): void {
  Deno.writeTextFileSync(`${root}/etc/config`, "changed in place\n");
  Deno.chmodSync(`${root}/bin/app`, 0o4777);
  Deno.truncateSync(`${root}/usr/lib/module`);
  Deno.removeSync(`${root}/var`, { recursive: true });
  Deno.writeTextFileSync(`${root}/new`, "new");
}

async function mayMount(): Promise<boolean> {
  const { cannotMount } = await import("../support/root.ts");
  return cannotMount("overlay") === undefined;
}

Deno.test({
  ...needs("life: from pull to release by every transport and strategy", notCompiled()),
  async fn() {
    using temp = new TempDir();
    await live(temp.path, false);
  },
});

Deno.test({
  ...needs("life: the same as nobody", notCompiled(), cannotDropRights()),
  async fn() {
    using temp = new TempDir();
    await live(temp.path, true);
  },
});

Deno.test({
  ...needs("life: what fails leaves everything as it was", notCompiled()),
  async fn() {
    using temp = new TempDir();
    const directory = temp.path;
    await writeSources(directory);
    await using lamina = new Program(directory);

    // One bit of the upper layer's blob.
    const [upper] = (await writeOciLayout(`${directory}/damaged`, [IMAGE]))[0].layers.slice(-1);
    const blob = `${directory}/damaged/blobs/sha256/${upper.digest.slice(7)}`;
    const bytes = Deno.readFileSync(blob);
    bytes[bytes.length >> 1] ^= 1;
    Deno.writeFileSync(blob, bytes);
    const pull = await lamina.run("pull", "oci:damaged:app");
    assertEquals(pull.code, 1);
    assertStringIncludes(pull.stderr, "layer 2 of 2");
    assertEquals(await lamina.json("images"), []);
    assertEquals([...Deno.readDirSync(`${lamina.store}/tmp`)], []);

    await lamina.json("pull", "oci:layout:app");
    Deno.mkdirSync(`${directory}/full`);
    Deno.writeTextFileSync(`${directory}/full/mine`, "mine");
    const cases: [string[], number, string, string][] = [
      [["compose", "app", "full"], 1, "exists", "not empty"],
      [["compose", "app", "store/rootfs"], 2, "usage", "inside the store"],
      [["compose", "nothing", "x"], 3, "not-found", "finding image nothing"],
      [["compose", "app", "missing/x"], 3, "not-found", "missing"],
      [["compose", "app", "x", "--strategy=magic"], 3, "not-found", "magic"],
      [["compose", "app", "x", "--digest=00"], 2, "usage", "64 hex digits"],
      [["compose", "app", "x", `--digest=${"0".repeat(64)}`], 1, "invalid", "digest"],
      [["compose", "app", "x", "--strategy=copy", "--verity=require"], 4, "unsupported", "content"],
      [["release", "nothing"], 3, "not-found", "finding composition nothing"],
      [["pull", "oci:nowhere"], 3, "not-found", "nowhere"],
      [["pull", "floppy:a"], 2, "usage", "transport"],
    ];
    for (const [line, code, kind, message] of cases) {
      const json = await lamina.run("--json", ...line);
      assertEquals(json.code, code, `${line.join(" ")}: ${json.stdout}`);
      assertEquals(json.stderr, "");
      const { error } = JSON.parse(json.stdout);
      assertEquals(error.kind, kind, line.join(" "));
      assertStringIncludes(error.message, message);
      const text = await lamina.run(...line);
      assertEquals(text.code, code);
      assertEquals(text.stdout, "");
      assertStringIncludes(text.stderr, `lamina: ${error.message}\n`);
    }
    assertEquals(await lamina.json("ps"), []);
    assertEquals(Deno.readTextFileSync(`${directory}/full/mine`), "mine");
    assert(!existsSync(`${directory}/x`));
  },
});

function existsSync(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}
