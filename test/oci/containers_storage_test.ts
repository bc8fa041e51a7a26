import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { gunzipSync, gzipSync } from "node:zlib";
import { LaminaError } from "../../src/error.ts";
import { importImages } from "../../src/oci/import.ts";
import { pull, type PullResult } from "../../src/oci/pull.ts";
import { Store } from "../../src/store/mod.ts";
import { writeOciLayout } from "../support/images.ts";
import { available, LoopFs } from "../support/loopfs.ts";
import { lacks, needs, notRoot } from "../support/root.ts";
import {
  directory,
  fifo,
  file,
  hardlink,
  makeTar,
  opaque,
  symlink,
  whiteout,
} from "../support/tar.ts";
import { pullShared } from "../support/threads.ts";
import { run } from "./support.ts";

const LONG = "deep/" + "d".repeat(120);
const BASE = makeTar([
  directory("etc", { mode: 0o750, uid: 3 }),
  file("etc/a", "a".repeat(700_000), { xattrs: { "user.note": "x" }, mtimeText: "1700000000.5" }),
  file("etc/b", "b".repeat(8000)),
  file("etc/empty"),
  directory("deep"),
  directory(LONG),
  file(`${LONG}/${"f".repeat(150)}`, "long"),
  file("tool", "tool".repeat(3000), { mode: 0o4755 }),
  hardlink("tool2", "tool"),
  symlink("lib", "/etc"),
  fifo("fifo"),
]);
const APP = makeTar([
  whiteout("etc/b"),
  directory("deep"),
  opaque("deep"),
  file("deep/new", "new"),
  // Through the base's link, in that layer's own directory.
  file("app", "app".repeat(3000)),
]);

/** A storage with the images `one` (BASE) and `two` (BASE, APP), a layout with the same, and a store, on a filesystem of its own. */
class Host implements AsyncDisposable {
  readonly #fs: LoopFs;
  readonly layout: string;
  readonly root: string;
  readonly store: Store;

  private constructor(fs: LoopFs) {
    this.#fs = fs;
    this.layout = `${fs.path}/layout`;
    this.root = `${fs.path}/storage`;
    this.store = Store.open(`${fs.path}/store`, { create: true });
  }

  static async make(driver: string, names = ["one", "two"]): Promise<Host> {
    const host = new Host(await LoopFs.make("ext4", 300));
    await writeOciLayout(host.layout, [
      { name: "one", layers: [BASE] },
      { name: "two", layers: [BASE, APP] },
    ]);
    for (const name of names) {
      await run(
        "skopeo",
        ...["--insecure-policy", "copy", "-q", `oci:${host.layout}:${name}`],
        `containers-storage:[${driver}@${host.root}+${host.run}]localhost/${name}:1`,
      );
    }
    return host;
  }

  get run(): string {
    return `${this.#fs.path}/run`;
  }

  other(name: string): Store {
    return Store.open(`${this.#fs.path}/${name}`, { create: true });
  }

  /** A file of the one layer that has it, as the storage keeps it. */
  find(name: string): string {
    for (const { name: id } of Deno.readDirSync(`${this.root}/overlay`)) {
      const path = `${this.root}/overlay/${id}/diff/${name}`;
      try {
        if (Deno.lstatSync(path).isFile) return path;
      } catch {
        // In another one.
      }
    }
    throw new Error(`${name} is nowhere`);
  }

  tarSplits(): string[] {
    const layers = `${this.root}/overlay-layers`;
    return [...Deno.readDirSync(layers)].map(({ name }) => `${layers}/${name}`)
      .filter((path) => path.endsWith(".tar-split.gz"));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#fs[Symbol.asyncDispose]();
  }
}

/** One with the driver overlay, for all tests that change nothing in it but add to it. It goes with the process. */
let overlay: Promise<Host> | undefined;
function overlayHost(): Promise<Host> {
  return overlay ??= Host.make("overlay");
}

const REASONS = [notRoot(), available("ext4"), lacks("skopeo")];

function same(one: PullResult, other: PullResult): void {
  assertEquals(one.image.digest, other.image.digest);
  assertEquals(one.image.layers, other.image.layers);
  assertEquals(one.image.tree, other.image.tree);
  assertEquals(
    one.layers.map(({ tarBytes, entries, fileBytes }) => [tarBytes, entries, fileBytes]),
    other.layers.map(({ tarBytes, entries, fileBytes }) => [tarBytes, entries, fileBytes]),
  );
}

for (const driver of ["overlay", "vfs"]) {
  Deno.test({
    ...needs(`images of a storage (${driver}) are what they are in the layout`, ...REASONS),
    async fn() {
      await using vfs = driver === "vfs" ? await Host.make(driver) : undefined;
      const host = vfs ?? await overlayHost();
      const { store, layout, root } = host;
      const imported = await importImages(store, `containers-storage:${root}`, []);
      assertEquals(imported.length, 2);
      const other = host.other("other");
      for (const one of imported) {
        assert("result" in one, String("error" in one && one.error));
        const tag = /localhost\/(.*):1$/.exec(one.reference)![1];
        const expected = await pullShared(other, `oci:${layout}:${tag}`);
        same(one.result, expected);
        assertEquals(one.result.name, `localhost/${tag}:1`);
        assertEquals(
          store.images.manifest(expected.image.digest),
          other.images.manifest(expected.image.digest),
        );
      }
    },
  });
}

Deno.test({
  ...needs("an image of a storage is found by its name, its id, its digest", ...REASONS),
  async fn() {
    const host = await overlayHost();
    const { root } = host;
    const store = host.other("found");
    const refuse = async (reference: string, kind: string, piece: string) => {
      const error = await assertRejects(() => pullShared(store, reference), LaminaError, piece);
      assertEquals(error.kind, kind);
      assert(error.hint);
    };
    const { image } = await pullShared(
      store,
      `containers-storage:[overlay@${root}+${host.run}]two:1`,
    );
    const images = JSON.parse(Deno.readTextFileSync(`${root}/overlay-images/images.json`));
    const { id } = images.find(({ digest }: { digest: string }) => digest === image.digest);
    for (const name of ["localhost/two:1", `@${id.slice(0, 12)}`, `two@${image.digest}`]) {
      const { image: again, known } = await pullShared(
        store,
        `containers-storage:[${root}]${name}`,
      );
      assertEquals([again.digest, known], [image.digest, true], name);
    }
    await refuse(`containers-storage:[${root}]two`, "not-found", "none is called two; it has");
    await refuse(`containers-storage:[${root}]`, "usage", "several are meant");
    await refuse(`containers-storage:[${root}/none]two`, "not-found", "there is none");
    await refuse(`containers-storage:[vfs@${root}]two`, "not-found", "no images of the driver vfs");
    await refuse(`containers-storage:[btrfs@${root}]two`, "unsupported", "its driver is btrfs");
    const some = await importImages(store, `containers-storage:${root}`, ["absent", "one:1", id]);
    assertEquals(some.map((one) => "result" in one), [false, true, true]);
  },
});

Deno.test({
  ...needs(
    "what was changed in a storage is refused, and named; the store stays as it was",
    ...REASONS,
  ),
  async fn(t) {
    await using host = await Host.make("overlay", ["one"]);
    const { store, root } = host;
    const [tarSplit] = host.tarSplits();
    const refused = async (
      path: string,
      change: (bytes: Uint8Array) => Uint8Array | undefined,
      piece: string,
    ) => {
      await t.step(piece, async () => {
        const before = Deno.readFileSync(path);
        const after = change(before.slice());
        if (after === undefined) Deno.removeSync(path);
        else Deno.writeFileSync(path, after);
        const error = await assertRejects(
          () => pullShared(store, `containers-storage:[${root}]`),
          LaminaError,
        );
        Deno.writeFileSync(path, before);
        assert(piece.split("|").some((one) => error.message.includes(one)), error.message);
        assert(error.hint, error.message);
        assertEquals(store.layers.list(), []);
        assertEquals(store.images.digests(), []);
        assertEquals([...Deno.readDirSync(store.layout.tmp)], []);
        const objects = [...Deno.readDirSync(store.layout.objects)].flatMap((
          { name },
        ) => [...Deno.readDirSync(`${store.layout.objects}/${name}`)]);
        assertEquals(objects, []);
      });
    };
    const edited = (from: string, to: string) => (bytes: Uint8Array) => {
      const text = new TextDecoder().decode(gunzipSync(bytes));
      assertStringIncludes(text, from);
      return new Uint8Array(gzipSync(text.replace(from, to)));
    };
    const flip = (bytes: Uint8Array) => (bytes[500_000] ^= 1, bytes);
    await refused(host.find("etc/a"), flip, 'the file "etc/a" was changed: its content');
    await refused(
      host.find("etc/a"),
      (bytes) => bytes.slice(0, 10),
      'the file "etc/a" was changed: it is 699990',
    );
    await refused(
      host.find("etc/b"),
      () => undefined,
      'the file "etc/b" was changed: it is missing',
    );
    await refused(tarSplit, () => undefined, "cannot be made again");
    await refused(tarSplit, (bytes) => bytes.slice(0, bytes.length - 20), "cut short");
    await refused(
      tarSplit,
      edited('"type":2,"payload":"', '"type":2,"payload":"AAAA'),
      // By its digest, or by what is no tar header any more: whichever thread is first.
      "does not make the archive|this is no tar header",
    );
    await refused(tarSplit, edited('"type":2', '"type":3'), "an entry has the type 3");
    await refused(tarSplit, edited('"size":8000', '"size":-1'), "the size -1");
    // Nothing outside the layer is read, whatever the name.
    await refused(
      tarSplit,
      edited('"name":"etc/b"', '"name":"../../../../../../../../etc/passwd"'),
      "was changed: it is missing",
    );
    await refused(
      `${root}/overlay-images/images.json`,
      () => new Uint8Array([0x7b]),
      "is not JSON",
    );
    const { image } = await pullShared(store, `containers-storage:[${root}]`);
    assertEquals(image.layers.length, 1);
  },
});

Deno.test({
  ...needs("what buildah builds is imported", ...REASONS, lacks("buildah")),
  async fn() {
    const host = await overlayHost();
    const { root } = host;
    const store = host.other("built");
    const buildah = (...args: string[]) =>
      run("buildah", "--root", root, "--runroot", host.run, "--storage-driver", "overlay", ...args);
    const container = (await buildah("from", "--pull-never", "localhost/one:1")).trim();
    await Deno.writeTextFile(`${host.run}/content`, "c".repeat(5000));
    await buildah("copy", "-q", container, `${host.run}/content`, "/opt/content");
    await buildah("commit", "-q", container, "localhost/built:1");
    await buildah("rm", container);
    const { image } = await pullShared(store, `containers-storage:[${root}]built:1`);
    assertEquals(image.layers.length, 2);
    const tar = `${host.run}/built.tar`;
    await run(
      "skopeo",
      ...["--insecure-policy", "copy", "-q"],
      `containers-storage:[overlay@${root}+${host.run}]localhost/built:1`,
      `oci-archive:${tar}:built`,
    );
    const expected = await pullShared(host.other("archive"), `oci-archive:${tar}`);
    assertEquals(image.tree, expected.image.tree);
    assertEquals(
      image.layers.map((layer) => layer.diffId),
      expected.image.layers.map((layer) => layer.diffId),
    );
  },
});

/** Holds a record lock, as containers/storage does, until its input ends. */
const HOLD = `
import fcntl, sys
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
`;

Deno.test({
  ...needs("a storage that is being changed is waited for", ...REASONS, lacks("python3")),
  async fn() {
    const host = await overlayHost();
    const { root } = host;
    const store = host.other("waited");
    const holder = new Deno.Command("python3", {
      args: ["-c", HOLD, `${root}/overlay-layers/layers.lock`],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = holder.stdout.getReader();
    await reader.read();
    let done = false;
    const pulling = pull(store, `containers-storage:[${root}]one:1`).then((result) => {
      done = true;
      return result;
    });
    // However long this takes: it cannot be done while the lock is held.
    await new Promise((resolve) => setTimeout(resolve, 200));
    assertEquals(done, false);
    await holder.stdin.close();
    assertEquals((await pulling).layers.length, 1);
    await reader.cancel();
    await holder.status;
  },
});

Deno.test({
  ...needs("layouts that share their blobs in one directory", lacks("skopeo")),
  async fn() {
    const work = Deno.makeTempDirSync();
    try {
      const written = await writeOciLayout(`${work}/from`, [
        { name: "one", layers: [BASE] },
        { name: "two", layers: [BASE, APP] },
      ]);
      for (const name of ["one", "two"]) {
        await run(
          "skopeo",
          ...["--insecure-policy", "copy", "-q", "--dest-shared-blob-dir", `${work}/blobs`],
          ...[`oci:${work}/from:${name}`, `oci:${work}/${name}:${name}`],
        );
      }
      const store = Store.open(`${work}/store`, { create: true });
      const sharedBlobs = `${work}/blobs`;
      const { image } = await pullShared(store, `oci:${work}/one:one`, { sharedBlobs });
      assertEquals(image.digest, written[0].digest);
      const [two] = await importImages(store, `oci:${work}/two`, [], { sharedBlobs });
      assert("result" in two);
      assertEquals(two.result.image.digest, written[1].digest);
      assertEquals(two.result.layers.map(({ isNew }) => isNew), [false, true]);
      await assertRejects(() => pullShared(store, `oci:${work}/one`), LaminaError, "is missing");
      await assertRejects(
        () => pullShared(store, `oci-archive:${work}/x`, { sharedBlobs }),
        LaminaError,
        "it shares no blobs",
      );
    } finally {
      Deno.removeSync(work, { recursive: true });
    }
  },
});
