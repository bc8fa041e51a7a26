import { assertEquals, assertThrows } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { type CompositionRecord, holdersOf, removeImage, Store } from "../../src/store/mod.ts";
import { TempDir } from "../support/temp.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

/** A store with images of layers (a letter each), all named by their letter. */
function storeOf(root: string, images: Readonly<Record<string, string>>): Store {
  const store = Store.open(root, { create: true });
  for (const layer of new Set(Object.values(images).join(""))) {
    using staging = store.staging();
    const record = { diffId: digest(layer), entries: 1, tarBytes: 1024, fileBytes: 100 };
    store.layers.enter([{ record: { ...record, sharedBytes: 30, metacopies: 0 }, staging }]);
  }
  for (const [name, layers] of Object.entries(images)) {
    using staging = store.staging();
    const record = {
      digest: digest(name),
      source: "oci:x",
      platform: "",
      pulled: "2026-01-01T00:00:00Z",
      layers: [...layers].map((layer) => ({
        diffId: digest(layer),
        digest: digest("0"),
        size: 1,
        mediaType: "",
      })),
      tree: { digest: "0".repeat(64), directories: 1, files: 0, bytes: 0 },
    };
    store.images.enter(record, new Uint8Array([123]), new Uint8Array([125]), staging);
    store.names.set(name, record.digest);
  }
  return store;
}

function composition(image: string): CompositionRecord {
  return {
    id: "0123456789ab",
    state: "ready",
    image,
    imageName: "x",
    tree: "",
    strategy: "copy",
    target: "/srv/vm",
    madeTarget: true,
    result: "directory",
    access: "rw",
    isolation: "full",
    writable: [],
    created: "2026-01-01T00:00:00Z",
    bootId: "b",
    pid: 1,
  };
}

function refused(store: Store, reference: string, message: string, force = false): void {
  const before = [store.images.digests(), [...store.names.byDigest()], store.leases.list()];
  const error = assertThrows(() => removeImage(store, reference, { force }), LaminaError, message);
  assertEquals(error.kind, "busy");
  assertEquals(
    [store.images.digests(), [...store.names.byDigest()], store.leases.list()],
    before,
    "what is refused changes nothing",
  );
}

Deno.test("removal: an image goes with its last name, and says what only it had", () => {
  using temp = new TempDir();
  const store = storeOf(`${temp.path}/store`, { a: "bcc", d: "bef" });
  store.names.set("other", digest("a"));
  const kept = { digest: digest("a"), removed: false, leases: [], layers: [], bytes: 0 };
  assertEquals(removeImage(store, "a"), { ...kept, untagged: ["a"] });
  assertEquals(store.images.digests(), [digest("a"), digest("d")]);
  const gone = { ...kept, removed: true, untagged: ["other"], layers: [digest("c")], bytes: 70 };
  assertEquals(removeImage(store, "other"), gone);
  assertEquals(store.images.digests(), [digest("d")]);
  assertEquals(removeImage(store, "d").layers, [digest("b"), digest("e"), digest("f")]);
  assertEquals(store.names.byDigest().size, 0);
  assertEquals(store.layers.list().length, 4, "layers are the collector's");
  assertEquals([...Deno.readDirSync(store.layout.tmp)], []);
  assertThrows(() => removeImage(store, "d"), LaminaError, "no such name or digest");
});

Deno.test("removal: by digest, with one name, with none, with several", () => {
  using temp = new TempDir();
  const store = storeOf(`${temp.path}/store`, { a: "1", b: "1", c: "1" });
  assertEquals(removeImage(store, digest("a")).untagged, ["a"]);
  store.names.remove("b");
  assertEquals(removeImage(store, "bbbb").removed, true);
  store.names.set("c2", digest("c"));
  refused(store, digest("c"), "it has 2 names: c, c2");
  // By a name, force is no more than the name: the other one was not asked for.
  assertEquals(removeImage(store, "c2", { force: true }).removed, false);
  store.names.set("c3", digest("c"));
  assertEquals(removeImage(store, digest("c"), { force: true }).untagged, ["c", "c3"]);
  assertEquals(store.images.digests(), []);
});

Deno.test("removal: what a lease keeps takes force, what is composed stays", () => {
  using temp = new TempDir();
  const store = storeOf(`${temp.path}/store`, { a: "1", b: "1" });
  const lease = { id: "job", image: digest("a"), imageName: "a", owner: "ci" };
  store.leases.add({ ...lease, created: "2026-01-01T00:00:00Z", expires: null });
  store.compositions.put(composition(digest("b")));
  refused(store, "a", "lease job of ci keeps it");
  refused(store, "b", "0123456789ab at /srv/vm is made of it");
  refused(store, "b", "0123456789ab at /srv/vm is made of it", true);
  store.names.set("b2", digest("b"));
  assertEquals(removeImage(store, "b2").removed, false, "a name that is not the last one may go");
  assertEquals(removeImage(store, "a", { force: true }).leases, ["job"]);
  assertEquals(store.leases.list(), []);

  store.compositions.remove("0123456789ab");
  store.leases.add({
    ...lease,
    image: digest("b"),
    created: "2026-01-01T00:00:00Z",
    expires: "2026-01-02T00:00:00Z",
  });
  assertEquals(holdersOf(store, digest("b"), new Date("2026-01-01")).leases.length, 1);
  assertEquals(removeImage(store, "b").leases, [], "an expired lease keeps nothing");
});
