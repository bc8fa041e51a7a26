import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { dirname } from "@std/path";
import { LaminaError } from "../../src/error.ts";
import { importImages } from "../../src/oci/import.ts";
import { parseReference } from "../../src/oci/mod.ts";
import { openSource } from "../../src/oci/source.ts";
import { pull } from "../../src/oci/pull.ts";
import { Store } from "../../src/store/mod.ts";
import { LayoutBuilder } from "../support/images.ts";
import { lacks, needs, notRoot } from "../support/root.ts";
import { file, makeTar } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";

const CONTENT = "io.containerd.content.v1.content";
const DATABASE = "io.containerd.metadata.v1.bolt/meta.db";
/** So many that their names do not fit into one page of the database. */
const MANY = 300;

/** Runs a containerd of its own, without any runtime, in a directory. */
class Daemon implements AsyncDisposable {
  readonly root: string;
  readonly #socket: string;
  readonly #process: Deno.ChildProcess;

  constructor(directory: string) {
    this.root = `${directory}/root`;
    this.#socket = `${directory}/state/socket`;
    const places = ["--root", this.root, "--state", `${directory}/state`];
    this.#process = new Deno.Command("containerd", {
      args: ["--config", "/dev/null", ...places, "--address", this.#socket],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  /** Runs ctr, in a namespace; waits for the daemon if it is not there yet. */
  async ctr(namespace: string, ...args: string[]): Promise<void> {
    for (;;) {
      const { success, stderr } = await new Deno.Command("ctr", {
        args: ["--address", this.#socket, "--namespace", namespace, ...args],
      }).output();
      if (success) return;
      const message = new TextDecoder().decode(stderr);
      if (!/connection refused|no such file|not exist|deadline/.test(message)) {
        throw new Error(message);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
  }
}

Deno.test({
  ...needs(
    "images of containerd, by name and by digest",
    notRoot(),
    lacks("containerd"),
    lacks("ctr"),
  ),
  async fn() {
    using work = new TempDir();
    const builder = new LayoutBuilder();
    const base = makeTar([file("a", "a".repeat(5000))]);
    const named = (name: string) => ({ annotations: { "io.containerd.image.name": name } });
    const app = builder.image({ layers: [base, makeTar([file("b", "b".repeat(5000))])] });
    const other = builder.image({ layers: [base], platform: "linux/arm64" });
    const both = builder.index([app.descriptor, other.descriptor]);
    const one = { ...app.descriptor, ...named("docker.io/library/one:1") };
    const many = Array.from({ length: MANY }, (_, n) => ({
      ...app.descriptor,
      ...named(`registry.example/with/a/long/name/image-number-${n}:latest`),
    }));
    builder.top([one, { ...both, ...named("docker.io/library/both:1") }, ...many]);
    await builder.writeArchive(`${work.path}/images.tar`);
    await using daemon = new Daemon(work.path);
    await daemon.ctr(
      "ours",
      "images",
      "import",
      "--all-platforms",
      "--no-unpack",
      `${work.path}/images.tar`,
    );

    // While the daemon is running, and has its database locked.
    const { root } = daemon;
    using source = await openSource(parseReference(`containerd:${root}`));
    const names = new Set((await source.list()).map(({ name }) => name));
    assertEquals(names.size, MANY + 2);
    const store = Store.open(`${work.path}/store`, { create: true });
    const pulled = await pull(store, `containerd:${root}:docker.io/library/one:1`);
    assertEquals([pulled.image.digest, pulled.name], [app.image.digest, "docker.io/library/one:1"]);
    assertEquals(pulled.layers.map(({ diffId }) => diffId), app.image.diffIds);
    // Of an index what runs here; by digest the very image.
    const chosen = await importImages(store, `containerd:${root}`, [
      "docker.io/library/both:1",
      other.image.digest,
      both.digest,
      "docker.io/library/none:1",
    ]);
    const digests = chosen.map((one) => "result" in one ? one.result.image.digest : one.error);
    assertEquals(digests.slice(1, 2), [other.image.digest]);
    if (Deno.build.arch === "x86_64") {
      assertEquals([digests[0], digests[2]], [app.image.digest, app.image.digest]);
    }
    assert(digests[3] instanceof LaminaError);
    assertStringIncludes(digests[3].message, "no image is called docker.io/library/none:1");
    await assertRejects(
      () => pull(store, `containerd:${work.path}/absent:x`),
      LaminaError,
      "it has no ",
    );

    await bent(root, work.path);
  },
});

/** A damaged database is an error of its own, never anything else. */
async function bent(root: string, work: string): Promise<void> {
  const bytes = Deno.readFileSync(`${root}/${DATABASE}`);
  const copyRoot = `${work}/bent`;
  Deno.mkdirSync(dirname(`${copyRoot}/${DATABASE}`), { recursive: true });
  Deno.symlinkSync(`${root}/${CONTENT}`, `${copyRoot}/${CONTENT}`);
  let refused = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const copy = bytes.slice(0, seed % 5 === 0 ? (bytes.length * seed) / 61 : bytes.length);
    // Headers of pages, and what follows them, are where damage matters.
    for (let i = 0; i < 40; i++) {
      const page = (seed * 7919 + i * 104729) % Math.floor(copy.length / 4096);
      copy[page * 4096 + (seed * 31 + i * 17) % 64] ^= 1 << (i % 8);
    }
    Deno.writeFileSync(`${copyRoot}/${DATABASE}`, copy);
    try {
      using source = await openSource(parseReference(`containerd:${copyRoot}`));
      await source.list();
    } catch (error) {
      assert(error instanceof LaminaError, String(error));
      refused++;
    }
  }
  assert(refused > 0);
}
