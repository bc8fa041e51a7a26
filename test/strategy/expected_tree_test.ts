import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { checkTreeDigest, parseTreeDigest } from "../../src/strategy/expected_tree.ts";
import { directory, file } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { Bed } from "./bed.ts";

Deno.test("a digest is 64 hex digits, with or without sha256: before it", () => {
  const digest = "0123456789abcdef".repeat(4);
  for (const text of [digest, `sha256:${digest}`, digest.toUpperCase()]) {
    assertEquals(parseTreeDigest(text), digest);
  }
  const wrong = [
    "",
    "00",
    digest.slice(1),
    `${digest}0`,
    `sha512:${digest}`,
    digest.replace("a", "g"),
  ];
  for (const text of wrong) {
    const error = assertThrows(() => parseTreeDigest(text), LaminaError);
    assertEquals(error.kind, "usage", text);
    assertStringIncludes(error.message, "64 hex digits");
  }
});

Deno.test("a tree passes by its own digest alone, and only as long as its file is what it was", async () => {
  using temp = new TempDir();
  const bed = new Bed(temp.path);
  const { store } = bed;
  const image = await bed.image("app", [[
    directory("etc"),
    file("etc/a", "a"),
  ]]);
  const { digest } = image.tree;
  checkTreeDigest(store, image, {});
  checkTreeDigest(store, image, { digest: `sha256:${digest}` });
  const other = "0".repeat(64);
  const refused = assertThrows(() => checkTreeDigest(store, image, { digest: other }), LaminaError);
  assertEquals(refused.kind, "invalid");
  assertStringIncludes(refused.message, digest);
  assertStringIncludes(refused.message, other);

  const path = store.layout.tree(digest);
  const bytes = Deno.readFileSync(path);
  bytes[bytes.length - 1] ^= 1;
  Deno.chmodSync(path, 0o600);
  Deno.writeFileSync(path, bytes);
  const changed = assertThrows(() => checkTreeDigest(store, image, { digest }), LaminaError);
  assertEquals(changed.kind, "invalid");
  assertStringIncludes(changed.message, "changed on disk");

  // As the hint says.
  Deno.removeSync(path);
  checkTreeDigest(store, image, { digest });
});
