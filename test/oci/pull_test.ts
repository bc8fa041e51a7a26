import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { fromFileUrl } from "@std/path";
import { LaminaError } from "../../src/error.ts";
import { pull, type PullEvent } from "../../src/oci/pull.ts";
import { Store } from "../../src/store/mod.ts";
import {
  type ImageSpec,
  LayoutBuilder,
  sha256,
  writeDockerArchive,
  writeOciLayout,
} from "../support/images.ts";
import { directory, file, hardlink, makeTar, whiteout } from "../support/tar.ts";
import { FAST, TempDir } from "../support/temp.ts";
import { pullShared } from "../support/threads.ts";

const BASE = makeTar([
  directory("etc"),
  file("etc/a", "a".repeat(9000)),
  file("etc/b", "b".repeat(8000)),
]);
const APP = makeTar([whiteout("etc/b"), file("app", "app".repeat(3000)), hardlink("app2", "app")]);
const OTHER = makeTar([file("other", "other".repeat(2000))]);

const APP_IMAGE: ImageSpec = { name: "app", layers: [BASE, APP] };
const OTHER_IMAGE: ImageSpec = { name: "other", layers: [BASE, OTHER], compression: "zstd" };

/** A store and a place for images, for one test. */
class Place implements Disposable {
  readonly #directory = new TempDir(FAST);
  readonly layout = `${this.#directory.path}/layout`;
  readonly store = Store.open(`${this.#directory.path}/store`, { create: true });

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]();
  }
}

/** Whether nothing was left half done: no layers, images, names, nor anything in tmp/. */
function isPristine(store: Store): boolean {
  return store.layers.list().length === 0 && store.images.list().length === 0 &&
    store.names.byDigest().size === 0 &&
    [...Deno.readDirSync(store.layout.tmp)].length === 0;
}

Deno.test("a pulled image is in the store with its layers, its documents and its name", async () => {
  using place = new Place();
  const { store, layout } = place;
  const [written] = await writeOciLayout(layout, [APP_IMAGE]);
  const result = await pull(store, `oci:${layout}:app`);
  assertEquals(result.name, "app");
  assertEquals(result.known, false);
  assertEquals(result.replaced, undefined);
  assertEquals(result.image.digest, written.digest);
  assertEquals(result.image.source, `oci:${layout}:app`);
  assertEquals(result.image.platform, "linux/amd64");
  assertEquals(
    result.image.layers,
    written.layers.map(({ digest, size, mediaType }, index) => ({
      diffId: written.diffIds[index],
      digest,
      size,
      mediaType,
    })),
  );
  assertEquals(result.layers.map(({ isNew }) => isNew), [true, true]);
  assertEquals(result.layers.map(({ tarBytes }) => tarBytes), [BASE.length, APP.length]);
  assertEquals(result.layers.map(({ fileBytes }) => fileBytes), [17000, 9000]);
  assertEquals(result.newBytes, 26000);
  assertEquals(result.sharedBytes, 0);
  // etc, etc/a, app and app2; etc/b is removed.
  const { directories, files, bytes } = result.image.tree;
  assertEquals({ directories, files, bytes }, { directories: 2, files: 3, bytes: 18000 });

  assertEquals(store.images.find("app"), result.image);
  assertEquals(sha256(store.images.manifest(written.digest)), written.digest);
  assertEquals(sha256(store.images.config(written.digest)), written.configDigest);
  assertEquals(store.layers.list().sort(), [...written.diffIds].sort());
  assertEquals([...Deno.readDirSync(store.layout.tmp)], []);
});

Deno.test("what the store has is not pulled again", async () => {
  using place = new Place();
  const { store, layout } = place;
  await writeOciLayout(layout, [APP_IMAGE, OTHER_IMAGE]);
  const first = await pullShared(store, `oci:${layout}:app`);
  const again = await pullShared(store, `oci:${layout}:app`, { name: "again" });
  assertEquals(again.known, true);
  assertEquals(again.image, first.image);
  assertEquals([again.newBytes, again.layers.map(({ isNew }) => isNew)], [0, [false, false]]);
  assertEquals(store.images.find("again").digest, store.images.find("app").digest);

  const other = await pullShared(store, `oci:${layout}:other`, { name: "app" });
  assertEquals(other.layers.map(({ isNew }) => isNew), [false, true]);
  assertEquals(other.newBytes, 10000);
  assertEquals(other.replaced, first.image.digest);
  assertEquals(store.images.find("app").digest, other.image.digest);
  assertEquals(store.layers.list().length, 3);
});

Deno.test("equal content of different layers is stored once", async () => {
  using place = new Place();
  const { store, layout } = place;
  const copy = makeTar([file("copy", "a".repeat(9000), { mtime: 1 })]);
  await writeOciLayout(layout, [APP_IMAGE, { name: "copy", layers: [copy] }]);
  await pullShared(store, `oci:${layout}:app`);
  const result = await pullShared(store, `oci:${layout}:copy`);
  // Shared where the filesystem can clone; else it is another file.
  assert(result.sharedBytes === 9000 || result.sharedBytes === 0, `${result.sharedBytes}`);
  assertEquals(result.newBytes + result.sharedBytes, 9000);
});

Deno.test("a layer that an image has twice is ingested once, and an image may have none", async () => {
  using place = new Place();
  const { store, layout } = place;
  await writeOciLayout(layout, [{ name: "twice", layers: [BASE, APP, BASE] }, {
    name: "empty",
    layers: [],
  }]);
  const events: PullEvent[] = [];
  const twice = await pullShared(store, `oci:${layout}:twice`, {
    onProgress: (event) => events.push(event),
  });
  assertEquals(twice.layers.length, 3);
  assertEquals(twice.image.layers.length, 3);
  assertEquals(store.layers.list().length, 2);
  assertEquals(events[0], { type: "found", digest: twice.image.digest, layers: 2, missing: 2 });
  assertEquals(twice.newBytes, 26000);

  const empty = await pullShared(store, `oci:${layout}:empty`);
  assertEquals([empty.layers, empty.newBytes, empty.image.tree.files], [[], 0, 0]);
});

Deno.test("progress goes from nothing to all, layer by layer, in phases", async () => {
  using place = new Place();
  const { store, layout } = place;
  const [written] = await writeOciLayout(layout, [APP_IMAGE]);
  const events: PullEvent[] = [];
  await pullShared(store, `oci:${layout}:app`, { onProgress: (event) => events.push(event) });
  assertEquals(events[0].type, "found");
  assertEquals(events.slice(-2).map(({ type }) => type), ["entering", "merging"]);
  for (const { digest, size } of written.layers) {
    const own = events.filter((event) => event.type === "layer").filter((event) =>
      event.digest === digest
    );
    assertEquals([own[0].done, own[0].finished], [0, false]);
    assertEquals([own.at(-1)!.done, own.at(-1)!.finished], [size, true]);
    assertEquals(own.filter(({ finished }) => finished).length, 1);
    for (let index = 1; index < own.length; index++) {
      assert(own[index].done >= own[index - 1].done && own[index].total === size);
    }
  }
});

Deno.test("a docker archive is pulled under its own name", async () => {
  using place = new Place();
  const { store, layout } = place;
  await writeDockerArchive(layout, [{ name: "example.org/app:1", layers: [BASE, APP] }]);
  const result = await pullShared(store, `docker-archive:${layout}`);
  assertEquals(result.name, "example.org/app:1");
  assertEquals(store.images.find("example.org/app:1"), result.image);
  assertEquals(result.image.layers.map(({ digest }) => digest), [sha256(BASE), sha256(APP)]);
});

Deno.test("a damaged layer is refused by name, and nothing of its image enters", async (t) => {
  using place = new Place();
  const { store, layout } = place;
  const [written] = await writeOciLayout(layout, [APP_IMAGE]);
  const blob = `${layout}/blobs/sha256/${written.layers[1].digest.slice(7)}`;
  const good = Deno.readFileSync(blob);
  const reference = `oci:${layout}:app`;

  await t.step("changed bytes", async () => {
    const changed = good.slice();
    changed[good.length - 6] ^= 0x40;
    Deno.writeFileSync(blob, changed);
    const error = await assertRejects(() => pullShared(store, reference), LaminaError);
    assertEquals(error.kind, "invalid");
    assertStringIncludes(error.message, `pulling ${reference}: layer 2 of 2: `);
    assertStringIncludes(error.message, written.layers[1].digest);
    assert(isPristine(store));
    Deno.writeFileSync(blob, good);
  });

  await t.step("a config that claims another DiffID", async () => {
    const forged = new LayoutBuilder();
    const config = forged.document(
      { rootfs: { type: "layers", diff_ids: [sha256(OTHER)] } },
      "application/vnd.oci.image.config.v1+json",
    );
    const layer = forged.blob(APP, "application/vnd.oci.image.layer.v1.tar");
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    const manifest = forged.document({ schemaVersion: 2, config, layers: [layer] }, mediaType);
    await forged.top([manifest]).writeDirectory(`${layout}-forged`);
    const error = await assertRejects(
      () => pullShared(store, `oci:${layout}-forged`),
      LaminaError,
      "layer 1 of 1",
    );
    assertEquals(error.kind, "invalid");
    assert(isPristine(store));
  });

  await t.step("an entry that leads out", async () => {
    await writeOciLayout(`${layout}-out`, [{
      layers: [BASE, makeTar([file("ok", "x"), file("../../out", "x")])],
    }]);
    await pullShared(store, `oci:${layout}-out`).then(
      // Taken as below the root, or refused; outside nothing is touched either way.
      () => assertEquals(store.images.list().length, 1),
      (error) => assert(error instanceof LaminaError && isPristine(store)),
    );
  });

  await t.step("whole again, it is pulled", async () => {
    assertEquals((await pullShared(store, reference)).name, "app");
  });
});

Deno.test("a name that cannot be is refused before anything is done", async () => {
  using place = new Place();
  const { store, layout } = place;
  await writeOciLayout(layout, [APP_IMAGE]);
  for (const name of ["", "-x", "a b", "../x", `sha256:${"0".repeat(64)}`, "x".repeat(300)]) {
    const error = await assertRejects(
      () => pullShared(store, `oci:${layout}:app`, { name }),
      LaminaError,
      "not a name",
    );
    assertEquals(error.kind, "usage");
    assert(isPristine(store));
  }
});

Deno.test("a pull that is stopped leaves nothing behind", async () => {
  using place = new Place();
  const { store, layout } = place;
  const large = makeTar(
    Array.from(
      { length: 3000 },
      (_, index) => file(`f${index}`, crypto.getRandomValues(new Uint8Array(5000))),
    ),
  );
  await writeOciLayout(layout, [{ name: "x", layers: [BASE, large] }]);
  await assertRejects(
    () => pull(store, `oci:${layout}:x`, { signal: AbortSignal.abort(new Error("stopped")) }),
    Error,
    "stopped",
  );
  assert(isPristine(store));

  const controller = new AbortController();
  const stopped = pull(store, `oci:${layout}:x`, {
    signal: controller.signal,
    onProgress: (event) => {
      if (event.type === "layer" && event.total > 1_000_000) {
        controller.abort(new Error("stopped later"));
      }
    },
  });
  await assertRejects(() => stopped, Error, "stopped later");
  assert(isPristine(store));
  assertEquals((await pull(store, `oci:${layout}:x`)).layers.length, 2);
});

Deno.test("pulls at once in one process do a layer's work once", async () => {
  using place = new Place();
  const { store, layout } = place;
  await writeOciLayout(layout, [APP_IMAGE, OTHER_IMAGE]);
  const results = await Promise.all(
    ["app", "other", "app"].map((tag) => pull(store, `oci:${layout}:${tag}`)),
  );
  const brought = results.flatMap(({ layers }) => layers.filter(({ isNew }) => isNew)).map((
    { diffId },
  ) => diffId);
  assertEquals(brought.sort(), [BASE, APP, OTHER].map(sha256).sort());
  assertEquals(store.images.list().length, 2);
});

Deno.test("pulls at once in several processes do a layer's work once", async () => {
  using place = new Place();
  const { store, layout } = place;
  const large = makeTar(
    Array.from(
      { length: 2000 },
      (_, index) => file(`f${index}`, crypto.getRandomValues(new Uint8Array(9000))),
    ),
  );
  await writeOciLayout(layout, [{ name: "app", layers: [large, APP] }, {
    name: "other",
    layers: [large, OTHER],
  }]);
  const child = fromFileUrl(new URL("pull_child.ts", import.meta.url));
  const config = fromFileUrl(new URL("../../deno.json", import.meta.url));
  const outputs = await Promise.all(
    ["app", "other", "app"].map((tag) =>
      new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--no-check",
          "--config",
          config,
          "-A",
          child,
          store.root,
          `oci:${layout}:${tag}`,
        ],
      }).output()
    ),
  );
  const brought: string[] = [];
  for (const { success, stdout, stderr } of outputs) {
    assert(success, new TextDecoder().decode(stderr));
    brought.push(...JSON.parse(new TextDecoder().decode(stdout)));
  }
  assertEquals(brought.sort(), [large, APP, OTHER].map(sha256).sort());
  assertEquals(store.images.list().map(({ layers }) => layers.length), [2, 2]);
  assertGreater(store.layers.record(sha256(large))!.fileBytes, 17_000_000);
  assertEquals([...Deno.readDirSync(store.layout.tmp)], []);
});
