// What the collector knows of images and names without reading them again: never anything but what they are now.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { readCatalogue } from "../../src/store/gc/catalogue.ts";
import { Store } from "../../src/store/mod.ts";
import { toHex } from "../../src/tree/mod.ts";
import { available, LOOP_KINDS, LoopFs } from "../support/loopfs.ts";
import { needs, notRoot } from "../support/root.ts";

function digest(): string {
  return `sha256:${toHex(crypto.getRandomValues(new Uint8Array(32)))}`;
}

function addImage(store: Store): string {
  const image = {
    digest: digest(),
    source: "",
    platform: "",
    pulled: "",
    layers: [digest(), digest()].map((diffId) => ({ diffId, digest: "", size: 0, mediaType: "" })),
    tree: { digest: digest().slice(7), directories: 0, files: 0, bytes: 0 },
  };
  using staging = store.staging();
  store.images.enter(image, new Uint8Array(), new Uint8Array(), staging);
  return image.digest;
}

/** As the records themselves have it. */
function truth(store: Store) {
  return {
    images: store.images.list().map(({ digest, tree, layers }) => ({
      digest,
      tree: { digest: tree.digest },
      layers: layers.map(({ diffId }) => ({ diffId })),
    })).sort((a, b) => a.digest < b.digest ? -1 : 1),
    names: store.names.byDigest(),
  };
}

function check(store: Store, alone: boolean): void {
  const { images, names } = readCatalogue(store, alone);
  const sorted = (map: ReadonlyMap<string, readonly string[]>) =>
    [...map].map(([key, list]) => [key, [...list].sort()]).sort();
  const expected = truth(store);
  assertEquals([...images].sort((a, b) => a.digest < b.digest ? -1 : 1), expected.images);
  assertEquals(sorted(names), sorted(expected.names));
}

for (const kind of LOOP_KINDS) {
  Deno.test({
    ...needs(`catalogue on ${kind}: as names and images change`, notRoot(), available(kind)),
    async fn() {
      await using fs = await LoopFs.make(kind, 64);
      const store = Store.open(`${fs.path}/store`, { create: true });
      const digests = Array.from({ length: 4 }, () => addImage(store));
      const names = ["a", "b/c:1", "d"];
      // Each change makes a new file, which gets the inode number of the last one that went, unless that is held.
      let random = 1;
      for (let n = 0; n < 120; n++) {
        random = (random * 48271) % 2147483647;
        const name = names[random % names.length];
        if (random % 7 === 0) store.names.remove(name);
        else store.names.set(name, digests[random % digests.length]);
        if (random % 11 === 0) {
          store.images.remove(digests.shift()!);
          digests.push(addImage(store));
        }
        if (random % 3 > 0) check(store, random % 3 === 1);
      }
      const links = `${store.layout.catalogue}/names`;
      check(store, true);
      assert([...Deno.readDirSync(links)].length <= names.length);

      // A copy has other inodes.
      const { success } = await new Deno.Command("cp", {
        args: ["-a", store.root, `${fs.path}/copy`],
      }).output();
      assert(success);
      const copy = Store.open(`${fs.path}/copy`);
      for (const name of names) copy.names.set(name, digests[0]);
      check(copy, true);
      for (const name of names) copy.names.set(name, digests[1]);
      check(copy, false);

      // What a crash may leave of it: links without the file, the file without links, half a file.
      const file = `${store.layout.catalogue}/known.json`;
      const whole = Deno.readFileSync(file);
      for (const part of [whole.subarray(0, 20), new Uint8Array()]) {
        Deno.writeFileSync(file, part);
        check(store, false);
      }
      Deno.removeSync(file);
      check(store, false);
      Deno.writeFileSync(file, whole);
      Deno.removeSync(links, { recursive: true });
      store.names.set("a", digests[2]);
      check(store, true);
      check(store, true);

      // And nothing is read again that is known.
      Deno.writeTextFileSync(`${store.layout.image(digests[3])}/image.json`, "{");
      assertEquals(readCatalogue(store, true).images.length, 4);
      Deno.removeSync(store.layout.catalogue, { recursive: true });
      assertThrows(() => readCatalogue(store, true), LaminaError, digests[3]);
    },
  });
}
