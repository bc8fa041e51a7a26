import { assert, assertEquals, assertThrows } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { type LeaseRecord, Store } from "../../src/store/mod.ts";
import { TempDir } from "../support/temp.ts";

const HEX = "0123456789abcdef".repeat(4);
const NOON = new Date("2026-01-01T12:00:00Z");

function lease(id: string, expires: string | null = null): LeaseRecord {
  const image = `sha256:${HEX}`;
  return { id, image, imageName: "app", owner: "me", created: `2026-01-01T0${id.length}`, expires };
}

Deno.test("leases: added, listed, active until they expire, renewed, removed", () => {
  using temp = new TempDir();
  const { leases } = Store.open(`${temp.path}/store`, { create: true });
  leases.add(lease("ever"), NOON);
  leases.add(lease("a", "2026-01-01T12:00:00Z"), new Date("2026-01-01T11:00:00Z"));
  leases.add(lease("ab", "2026-01-01T12:00:01Z"), NOON);
  assertEquals(leases.list().map(({ id }) => id), ["a", "ab", "ever"]);
  assertEquals(leases.active(NOON).map(({ id }) => id), ["ab", "ever"]);
  assertEquals(leases.get("ab"), lease("ab", "2026-01-01T12:00:01Z"));

  leases.renew("ever", new Date("2026-01-01T13:00:00Z"));
  assertEquals(leases.get("ever"), lease("ever", "2026-01-01T13:00:00.000Z"));
  assertEquals(leases.renew("a", null), lease("a"));
  assertEquals(leases.active(new Date("2027-01-01")).map(({ id }) => id), ["a"]);
  assertEquals(
    assertThrows(() => leases.renew("none", null), LaminaError, "none with this id").kind,
    "not-found",
  );

  assert(leases.remove("a"));
  assert(!leases.remove("a"));
  assert(!leases.remove("../lamina.json"));
  assertEquals(leases.list().map(({ id }) => id), ["ab", "ever"]);
});

Deno.test("leases: an id is taken until its lease has expired", () => {
  using temp = new TempDir();
  const { leases, layout } = Store.open(`${temp.path}/store`, { create: true });
  leases.add(lease("job", "2026-01-01T12:00:00Z"), new Date("2026-01-01T11:00:00Z"));
  const again = { ...lease("job"), owner: "other" };
  const early = new Date("2026-01-01T11:59:59Z");
  assertEquals(
    assertThrows(() => leases.add(again, early), LaminaError, "one with this id").kind,
    "exists",
  );
  assertEquals(leases.get("job")?.owner, "me");
  leases.add(again, NOON);
  assertEquals(leases.get("job"), again);
  for (const id of ["", ".", "..", "a/b", "-x", "ä", "x".repeat(129)]) {
    assertThrows(() => leases.add(lease(id)), LaminaError, "not an id");
    assertEquals(leases.get(id), undefined);
  }
  assertThrows(() => leases.add({ ...lease("x"), image: "app" }), LaminaError, "not a digest");
  assertEquals([...Deno.readDirSync(layout.tmp)], []);
});

Deno.test("leases: a store that was made before there were any has none, and takes some", () => {
  using temp = new TempDir();
  const { leases, layout } = Store.open(`${temp.path}/store`, { create: true });
  Deno.removeSync(layout.leases);
  assertEquals(leases.list(), []);
  assert(!leases.remove("job"));
  leases.add(lease("job"));
  assertEquals(leases.list().length, 1);
});

Deno.test("leases: a damaged record is an error, not a lease that pins nothing", () => {
  using temp = new TempDir();
  const { leases, layout } = Store.open(`${temp.path}/store`, { create: true });
  Deno.writeTextFileSync(`${layout.leases}/job`, "{");
  assertEquals(assertThrows(() => leases.active(NOON), LaminaError, "not JSON").kind, "invalid");
  assert(leases.remove("job"));
});
