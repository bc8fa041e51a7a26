import { assertEquals, assertThrows } from "@std/assert";
import { imageFilter } from "../../src/cli/image_filters.ts";
import type { ShownImage } from "../../src/cli/images.ts";
import { LaminaError } from "../../src/error.ts";
import { Store } from "../../src/store/mod.ts";
import { TempDir } from "../support/temp.ts";

function image(names: string[], labels: Record<string, string> = {}): ShownImage {
  return {
    names,
    labels,
    digest: `sha256:${String(names.length).repeat(64)}`,
    source: "",
    platform: "",
    pulled: "",
    layers: [],
    tree: { digest: "", directories: 1, files: 0, bytes: 0 },
    created: null,
    lastUsed: "",
  };
}

Deno.test("images: filters", async (t) => {
  using temp = new TempDir();
  const store = Store.open(`${temp.path}/store`, { create: true });
  const [app, base, none] = [
    image(["app:1", "registry.example/team/app:2"], { tier: "web", empty: "" }),
    image(["base.img"], { tier: "db" }),
    image([]),
  ];
  const cases: [string[], ShownImage[]][] = [
    [[], [app, base, none]],
    [["reference=app"], [app]],
    [["reference=app:2"], [app]],
    [["reference=app:3"], []],
    [["reference=team/app"], [app]],
    [["reference=a*"], [app]],
    [["reference=bas?.img"], [base]],
    [["reference=baseximg"], []],
    [["reference=app", "reference=base.img"], [app, base]],
    [["dangling=true"], [none]],
    [["dangling=false"], [app, base]],
    [["containers=true"], []],
    [["containers=false"], [app, base, none]],
    [["label=tier"], [app, base]],
    [["label=tier=db"], [base]],
    [["label=empty="], [app]],
    [["label=toString"], []],
    [["label=tier", "dangling=true"], []],
  ];
  for (const [words, expected] of cases) {
    await t.step(words.join(" ") || "none", () => {
      assertEquals([app, base, none].filter(imageFilter(words, store)), expected);
    });
  }
  const wrong: [string, string][] = [
    ["size=1", "there is no filter `size`"],
    ["constructor=1", "there is no filter"],
    ["dangling", "needs a value"],
    ["dangling=yes", "is true or false"],
    ["before=none", "no such name or digest"],
  ];
  for (const [word, message] of wrong) {
    await t.step(word, () => {
      assertThrows(() => imageFilter([word], store), LaminaError, message);
    });
  }
});
