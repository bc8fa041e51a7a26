import { assert, assertEquals, assertRejects } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { obtainImage, PULL_POLICIES, type PullPolicy } from "../../src/oci/obtain.ts";
import { removeImage, Store } from "../../src/store/mod.ts";
import { writeOciLayout } from "../support/images.ts";
import { file, makeTar } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { pullShared } from "../support/threads.ts";

/** A store, and a layout whose image `app` changes with its version. */
class Place implements Disposable {
  readonly #directory = new TempDir();
  readonly layout = `${this.#directory.path}/layout`;
  readonly reference = `oci:${this.layout}:app`;
  readonly store = Store.open(`${this.#directory.path}/store`, { create: true });

  /** Writes the layout anew; returns the image's digest. */
  async publish(version: string): Promise<string> {
    this.withdraw();
    const layers = [makeTar([file("version", version)])];
    const [{ digest }] = await writeOciLayout(this.layout, [{ name: "app", layers }]);
    return digest;
  }

  withdraw(): void {
    try {
      Deno.removeSync(this.layout, { recursive: true });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async obtain(word: string, policy: PullPolicy): Promise<[string, "pulled" | "stale" | "there"]> {
    const { image, pulled, stale } = await obtainImage(this.store, word, policy);
    return [image.digest, pulled ? "pulled" : stale ? "stale" : "there"];
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]();
  }
}

async function rejected(kind: LaminaError["kind"], obtain: Promise<unknown>): Promise<void> {
  assertEquals((await assertRejects(() => obtain, LaminaError)).kind, kind);
}

Deno.test("obtain: a stored name, by each policy", async () => {
  using place = new Place();
  const one = await place.publish("1");
  await rejected("not-found", place.obtain("app", "always"));
  await pullShared(place.store, place.reference, { name: "mine" });
  const two = await place.publish("2");
  assertEquals(await place.obtain("mine", "missing"), [one, "there"]);
  assertEquals(await place.obtain("mine", "never"), [one, "there"]);
  assertEquals(await place.obtain("mine", "newer"), [two, "pulled"]);
  assertEquals(await place.obtain("mine", "never"), [two, "there"], "the name moved");
  assertEquals(place.store.images.digests().sort(), [one, two].sort(), "the old one stays");
  assertEquals(await place.obtain("mine", "always"), [two, "pulled"]);

  place.withdraw();
  assertEquals(await place.obtain("mine", "newer"), [two, "stale"]);
  await rejected("not-found", place.obtain("mine", "always"));
  assertEquals(await place.obtain("mine", "missing"), [two, "there"]);
});

Deno.test("obtain: a digest is never pulled", async () => {
  using place = new Place();
  const one = await place.publish("1");
  await pullShared(place.store, place.reference);
  await place.publish("2");
  for (const policy of PULL_POLICIES) {
    assertEquals(await place.obtain(one, policy), [one, "there"], policy);
    assertEquals(await place.obtain(one.slice(7, 19), policy), [one, "there"], policy);
  }
});

Deno.test("obtain: a reference, by each policy", async () => {
  using place = new Place();
  const { reference, store } = place;
  const one = await place.publish("1");
  await rejected("not-found", place.obtain(reference, "never"));
  assertEquals(await place.obtain(reference, "missing"), [one, "pulled"]);
  assertEquals(store.names.get("app"), one);
  const two = await place.publish("2");
  assertEquals(await place.obtain(reference, "missing"), [one, "there"]);
  assertEquals(await place.obtain(reference, "newer"), [two, "pulled"]);
  assertEquals(await place.obtain(reference, "never"), [two, "there"], "not the one before");

  // The name that it was pulled by stands for the reference; without one, what came from there does.
  store.names.set("other", two);
  store.names.remove("app");
  assertEquals((await place.obtain(reference, "never"))[1], "there");
  removeImage(store, "other");
  assertEquals(await place.obtain(reference, "never"), [one, "there"]);
  place.withdraw();
  assertEquals(await place.obtain(reference, "newer"), [one, "stale"]);
  await rejected("not-found", place.obtain(`${reference}2`, "missing"));
});

Deno.test("obtain: a name remembers where it was pulled from, not where its image came from first", async () => {
  using place = new Place();
  using other = new Place();
  const one = await place.publish("1");
  assertEquals(await other.publish("1"), one);
  await pullShared(place.store, place.reference, { name: "mine" });
  await pullShared(place.store, other.reference, { name: "mine" });
  assertEquals(place.store.names.source("mine"), other.reference);
  const two = await other.publish("2");
  assertEquals(await place.obtain("mine", "newer"), [two, "pulled"]);
  // A name that was given by hand has its image's source.
  place.store.names.set("tagged", one);
  assertEquals(place.store.names.source("tagged"), undefined);
  assertEquals(await place.obtain("tagged", "always"), [one, "pulled"]);
  assertEquals(place.store.names.source("tagged"), place.reference);
});

Deno.test("obtain: an interrupted pull is an error by every policy that pulls", async () => {
  using place = new Place();
  await place.publish("1");
  await pullShared(place.store, place.reference);
  await place.publish("2");
  const signal = AbortSignal.abort(new Error("interrupted"));
  for (const policy of ["always", "newer"] as const) {
    const obtain = () => obtainImage(place.store, "app", policy, { signal });
    await assertRejects(obtain, Error, "interrupted");
  }
  assert((await obtainImage(place.store, "app", "missing", { signal })).pulled === undefined);
});
