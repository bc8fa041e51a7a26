import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LaminaError } from "../../src/error.ts";
import { formatPlatform, parsePlatform, platformDistance } from "../../src/oci/platform.ts";

Deno.test("platforms are written with the names that images use", () => {
  const table: [string, string][] = [
    ["linux/amd64", "linux/amd64"],
    ["linux/x86_64", "linux/amd64"],
    ["Linux/X86_64", "linux/amd64"],
    ["linux/x86-64", "linux/amd64"],
    ["linux/amd64/v1", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["linux/amd64/3", "linux/amd64/v3"],
    ["linux/aarch64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm64/8", "linux/arm64"],
    ["linux/arm64/v9", "linux/arm64/v9"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/armhf", "linux/arm/v7"],
    ["linux/armel", "linux/arm/v6"],
    ["linux/arm/6", "linux/arm/v6"],
    ["linux/armhf/v6", "linux/arm/v6"],
    ["linux/i386", "linux/386"],
    ["linux/i686", "linux/386"],
    ["linux/ppc64el", "linux/ppc64le"],
    ["linux/riscv64", "linux/riscv64"],
    ["macos/aarch64", "darwin/arm64"],
    // No alias, although every object has a property of this name.
    ["linux/constructor", "linux/constructor"],
  ];
  for (const [text, expected] of table) {
    assertEquals(formatPlatform(parsePlatform(text)), expected, text);
  }
});

Deno.test("what is not a platform is refused", () => {
  for (
    const text of [
      "",
      "linux",
      "amd64",
      "/",
      "linux/",
      "/amd64",
      "linux//v7",
      "a/b/c/d",
      "linux/am d64",
      "linux/../x",
      "linux/amd64\n",
    ]
  ) {
    const error = assertThrows(() => parsePlatform(text), LaminaError, "not a platform", text);
    assertEquals(error.kind, "usage");
  }
});

Deno.test("a platform as text means itself", () => {
  const component = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,8}$/);
  fc.assert(fc.property(component, component, fc.option(component), (os, architecture, variant) => {
    const platform = parsePlatform(
      variant === null ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`,
    );
    assertEquals(parsePlatform(formatPlatform(platform)), platform);
    assertEquals(platformDistance(platform, platform), 0);
  }));
});

Deno.test("a CPU takes lower variants, the nearest first, never higher ones", () => {
  const table: [string, string[], string | undefined][] = [
    ["linux/arm/v7", ["linux/arm/v5", "linux/arm/v6", "linux/arm/v8"], "linux/arm/v6"],
    ["linux/arm/v6", ["linux/arm/v7"], undefined],
    ["linux/arm", ["linux/arm/v6", "linux/arm/v7"], "linux/arm/v7"],
    ["linux/amd64", ["linux/amd64/v2", "linux/amd64/v3"], undefined],
    ["linux/amd64", ["linux/amd64/v1", "linux/amd64/v2"], "linux/amd64"],
    ["linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], "linux/amd64/v2"],
    ["linux/arm64", ["linux/arm64/v8"], "linux/arm64"],
    [
      "linux/arm64/v8.2",
      ["linux/arm64/v8", "linux/arm64/v8.1", "linux/arm64/v8.10"],
      "linux/arm64/v8.1",
    ],
    ["linux/arm64", ["linux/arm/v7", "linux/amd64"], undefined],
    ["linux/amd64", ["windows/amd64"], undefined],
    ["linux/mips/soft", ["linux/mips/hard"], undefined],
    ["linux/mips/soft", ["linux/mips/soft"], "linux/mips/soft"],
  ];
  for (const [wanted, offers, expected] of table) {
    const ranked = offers
      .map((text) => ({
        platform: parsePlatform(text),
        distance: platformDistance(parsePlatform(wanted), parsePlatform(text)),
      }))
      .filter(({ distance }) => distance !== undefined)
      .sort((a, b) => a.distance! - b.distance!);
    const best = ranked.length === 0 ? undefined : formatPlatform(ranked[0].platform);
    assertEquals(best, expected, `${wanted} of ${offers}`);
    assert(ranked.length < 2 || ranked[0].distance !== ranked[1].distance, wanted);
  }
});
