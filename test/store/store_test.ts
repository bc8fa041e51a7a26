import { assert, assertEquals, assertThrows } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { splitDigest } from "../../src/store/digest.ts";
import { Store } from "../../src/store/store.ts";
import { type CompositionRecord, Compositions } from "../../src/store/compositions.ts";
import type { ImageRecord } from "../../src/store/images.ts";

const HEX = "0123456789abcdef".repeat(4);

/** A store of its own for one test. */
function temporaryStore(): { store: Store; root: string } & Disposable {
  const parent = Deno.makeTempDirSync({ prefix: "lamina-store-" });
  const root = `${parent}/store`;
  return {
    root,
    store: Store.open(root, { create: true }),
    [Symbol.dispose]: () => Deno.removeSync(parent, { recursive: true }),
  };
}

function image(hex: string, pulled = "2026-01-01T00:00:00Z"): ImageRecord {
  return {
    digest: `sha256:${hex}`,
    source: "oci:x",
    platform: "linux/amd64",
    pulled,
    layers: [],
    tree: { digest: HEX, directories: 1, files: 0, bytes: 0 },
  };
}

function enter(store: Store, record: ImageRecord): void {
  using staging = store.staging();
  store.images.enter(record, new Uint8Array([123]), new Uint8Array([125]), staging);
}

Deno.test("digests: only the registered algorithms' own spelling becomes a path", async (t) => {
  assertEquals(splitDigest(`sha256:${HEX}`), { algorithm: "sha256", hex: HEX });
  assertEquals(splitDigest(`sha512:${HEX}${HEX}`).algorithm, "sha512");
  const bad = [
    "",
    HEX,
    `sha256:${HEX.toUpperCase()}`,
    `sha256:${HEX.slice(1)}`,
    `sha256:${HEX}0`,
    `sha256:../${HEX.slice(3)}`,
    `sha256:${HEX.slice(1)}/`,
    `sha1:${HEX.slice(24)}`,
    `constructor:${HEX}`,
    `SHA256:${HEX}`,
    `sha256:${HEX}\n`,
  ];
  for (const digest of bad) {
    await t.step(JSON.stringify(digest), () => {
      assertThrows(() => splitDigest(digest), LaminaError, "not a digest");
    });
  }
});

Deno.test("a store is made on request only, private, and opened again", () => {
  using there = temporaryStore();
  assertEquals(Deno.statSync(there.root).mode! & 0o777, 0o700);
  assertEquals(Store.open(there.root).native, there.store.native);
  const error = assertThrows(() => Store.open(`${there.root}/none`), LaminaError, "there is none");
  assertEquals(error.kind, "not-found");
});

Deno.test("a directory that holds something else does not become a store", () => {
  const root = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${root}/letter.txt`, "dear");
    const error = assertThrows(() => Store.open(root, { create: true }), LaminaError, "letter.txt");
    assertEquals(error.kind, "usage");
    assertEquals(Array.from(Deno.readDirSync(root)).length, 1);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("a store that was half made is finished by the next create", () => {
  using there = temporaryStore();
  Deno.removeSync(`${there.root}/lamina.json`);
  assertThrows(() => Store.open(there.root), LaminaError, "there is none");
  assertEquals(Store.open(there.root, { create: true }).root, there.root);
});

Deno.test("formats and features that are not known are refused", async (t) => {
  const cases: [string, string, string][] = [
    ["newer format", '{"format":2}', "format 2"],
    ["unknown incompat", '{"format":1,"incompat":["chunks"]}', "features chunks"],
    ["unknown ro-compat", '{"format":1,"ro-compat":["quota"]}', "features quota"],
    ["not JSON", "{", "is not JSON"],
    ["another kind of JSON", "[]", "format undefined"],
  ];
  for (const [name, text, message] of cases) {
    await t.step(name, () => {
      using there = temporaryStore();
      Deno.writeTextFileSync(`${there.root}/lamina.json`, text);
      assertThrows(() => Store.open(there.root), LaminaError, message);
    });
  }
  await t.step("an unknown compat feature is no obstacle", () => {
    using there = temporaryStore();
    Deno.writeTextFileSync(`${there.root}/lamina.json`, '{"format":1,"compat":["notes"]}');
    assertEquals(Store.open(there.root).native, true);
  });
});

Deno.test("names: set, moved, listed, removed", () => {
  using there = temporaryStore();
  const { names } = there.store;
  const [a, b] = [`sha256:${HEX}`, `sha256:${HEX.replaceAll("0", "f")}`];
  assertEquals(names.set("registry.example/team/app:1.2", a), undefined);
  assertEquals(names.set("app", a), undefined);
  assertEquals(names.set("app", b), a);
  assertEquals(names.byDigest(), new Map([[b, ["app"]], [a, ["registry.example/team/app:1.2"]]]));
  names.remove("app");
  assertEquals(names.get("app"), undefined);
  for (
    const bad of ["", ".", "..", "../x", "/x", "-x", "a b", "ä", `sha256:${HEX}`, "x".repeat(256)]
  ) {
    assertThrows(() => names.set(bad, a), LaminaError, "not a name");
    assertEquals(names.get(bad), undefined);
  }
});

Deno.test("images are found by name, digest and unambiguous beginning", () => {
  using there = temporaryStore();
  const { store } = there;
  const [one, two, three] = ["abc0", "abc1", "def0"].map((start) => start.padEnd(64, "7"));
  for (const hex of [one, two, three]) enter(store, image(hex));
  store.names.set("abc", `sha256:${three}`);
  const found = (reference: string) => store.images.find(reference).digest.slice(7);
  assertEquals(found("abc"), three, "a name goes before a digest's beginning");
  assertEquals(found("abc0"), one);
  assertEquals(found(`sha256:${two}`), two);
  assertEquals(found("sha256:def"), three);
  store.names.remove("abc");
  assertEquals(assertThrows(() => store.images.find("abc"), LaminaError, "2 images").kind, "usage");
  assertEquals(
    assertThrows(() => store.images.find("0000"), LaminaError, "no such").kind,
    "not-found",
  );
  assertEquals(
    assertThrows(() => store.images.find("de"), LaminaError, "no such").kind,
    "not-found",
  );
  store.names.set("example.org/team/app:latest", `sha256:${one}`);
  store.names.set("mapp", `sha256:${one}`);
  for (const short of ["app", "team/app", "app:latest"]) {
    const { hint } = assertThrows(() => store.images.find(short), LaminaError, "no such");
    assertEquals(hint, "There is example.org/team/app:latest.");
  }
});

Deno.test("an image enters whole, once, and the first stays", () => {
  using there = temporaryStore();
  const { store } = there;
  enter(store, image(HEX, "2026-01-01T00:00:00Z"));
  enter(store, image(HEX, "2026-02-02T00:00:00Z"));
  assertEquals(store.images.list().map((one) => one.pulled), ["2026-01-01T00:00:00Z"]);
  assertEquals(store.images.manifest(`sha256:${HEX}`), new Uint8Array([123]));
  assertEquals(store.images.config(`sha256:${HEX}`), new Uint8Array([125]));
  assertEquals(Array.from(Deno.readDirSync(store.layout.tmp)), []);
});

Deno.test("images: the time of last use is kept without a change of the record", () => {
  using there = temporaryStore();
  const { images, layout } = there.store;
  const digest = `sha256:${HEX}`;
  assertEquals(images.lastUsed(digest), undefined);
  assertEquals(
    assertThrows(() => images.use(digest), LaminaError, "just removed").kind,
    "not-found",
  );
  enter(there.store, image(HEX));
  const file = `${layout.image(digest)}/image.json`;
  Deno.utimeSync(file, new Date("2026-01-01"), new Date("2026-01-01"));
  assertEquals(images.lastUsed(digest), new Date("2026-01-01"));
  images.use(digest);
  assert(images.lastUsed(digest)! > new Date("2026-01-02"));
  assertEquals(images.get(digest), image(HEX));
});

Deno.test("images: removed as a whole, and nothing is left in tmp/", () => {
  using there = temporaryStore();
  const { images, layout } = there.store;
  const [one, two] = [HEX, HEX.replaceAll("0", "f")];
  enter(there.store, image(one));
  enter(there.store, image(two));
  {
    using _images = images.lock();
    images.remove(`sha256:${one}`);
    images.remove(`sha256:${one}`);
  }
  assertEquals(images.digests(), [`sha256:${two}`]);
  assertEquals(Array.from(Deno.readDirSync(layout.tmp)), []);
});

Deno.test("what a killed process left in tmp/ is cleared when nobody is at work, and only then", () => {
  using there = temporaryStore();
  const { store } = there;
  const left = store.staging();
  Deno.mkdirSync(`${left.path}/deep/er`, { recursive: true });
  {
    using _pull = store.shared();
    // The first to come cleared it; from now on somebody is at work.
    assertEquals(Array.from(Deno.readDirSync(store.layout.tmp)), []);
    using mine = store.staging();
    using _second = store.shared();
    assert(Deno.statSync(mine.path).isDirectory);
  }
  using again = store.staging();
  store.clear();
  assertThrows(() => Deno.statSync(again.path), Deno.errors.NotFound);
});

function composition(id: string, target: string): CompositionRecord {
  return {
    id,
    state: "ready",
    image: `sha256:${HEX}`,
    imageName: "x",
    tree: HEX,
    strategy: "copy",
    target,
    madeTarget: true,
    result: "directory",
    access: "rw",
    isolation: "full",
    writable: [],
    created: `2026-01-01T00:00:0${id[0]}Z`,
    bootId: "b",
    pid: 1,
  };
}

Deno.test("compositions: what was read is read again where it is another file, and only there", async () => {
  using there = temporaryStore();
  const { compositions, layout } = there.store;
  const begun = Date.now();
  compositions.put(composition("1aaa11112222", "/t/one"));
  compositions.put(composition("2aaa11112222", "/t/two"));
  const [one, two] = compositions.list();
  // Too new to be told from what may be made in the same moment, unless this process stood still.
  const isKept = compositions.list()[0] === one;
  assert(!isKept || Date.now() - begun > 1900);
  await new Promise((resolve) => setTimeout(resolve, 2100));
  const [again, other] = compositions.list();
  assertEquals([again, other], [one, two]);
  assert(new Compositions(layout).list()[0] === again);
  // As another process does it.
  const changed = composition("1aaa11112222", "/t/un");
  const scratch = `${layout.tmp}/record`;
  Deno.writeTextFileSync(scratch, JSON.stringify(changed));
  Deno.renameSync(scratch, `${compositions.workspace(changed.id)}/record.json`);
  const third = composition("3aaa11112222", "/t/three");
  compositions.put(third);
  assertEquals(compositions.list(), [changed, two, third]);
  assert(compositions.list()[1] === other);
  Deno.removeSync(compositions.workspace(two.id), { recursive: true });
  assertEquals([compositions.has(two.id), compositions.has(third.id)], [false, true]);
  assertEquals(compositions.list(), [changed, third]);
});

Deno.test("compositions: recorded, found by target, id and beginning, removed with their workspace", () => {
  using there = temporaryStore();
  const { compositions } = there.store;
  const record = composition;
  compositions.put(record("2aaa11112222", "/t/two"));
  compositions.put(record("1aaa11112222", "/t/one"));
  assertEquals(compositions.list().map((one) => one.target), ["/t/one", "/t/two"]);
  assertEquals(compositions.find("/t/two").id, "2aaa11112222");
  assertEquals(compositions.find("1aa").target, "/t/one");
  compositions.put({ ...record("1aaa99992222", "/t/three") });
  assertEquals(
    assertThrows(() => compositions.find("1aaa"), LaminaError, "2 begin so").kind,
    "usage",
  );
  assertThrows(() => compositions.find("/t/none"), LaminaError, "no such id or target");
  assertThrows(() => compositions.find("../../etc"), LaminaError, "no such id or target");
  Deno.mkdirSync(`${compositions.workspace("2aaa11112222")}/upper/dir`, { recursive: true });
  compositions.remove("2aaa11112222");
  assertEquals(compositions.list().map((one) => one.target), ["/t/one", "/t/three"]);
  // What a power cut may leave of a mount's record.
  for (const text of ["", "\0\0\0"]) {
    Deno.writeTextFileSync(`${compositions.workspace("1aaa11112222")}/record.json`, text);
    assertEquals(compositions.list().map((one) => one.target), ["/t/three"]);
    assertEquals(compositions.has("1aaa11112222"), false);
  }
});
