import { assertEquals, assertStringIncludes } from "@std/assert";
import composefs from "../../plugins/composefs.ts";
import { createHost } from "../../src/strategy/host.ts";
import type { Host, Site } from "../../src/strategy/plugin.ts";
import { findProgram } from "../../src/strategy/programs.ts";
import { TempDir } from "../support/temp.ts";

Deno.test("a program is found where $PATH says, if it is a file that can be executed", () => {
  using temp = new TempDir();
  const [first, second] = [`${temp.path}/first`, `${temp.path}/second`];
  for (const directory of [first, second]) Deno.mkdirSync(directory);
  const write = (path: string, mode: number) => Deno.writeTextFileSync(path, "", { mode });
  write(`${first}/data`, 0o644);
  write(`${second}/data`, 0o755);
  write(`${first}/both`, 0o755);
  write(`${second}/both`, 0o755);
  Deno.mkdirSync(`${first}/folder`);
  Deno.symlinkSync(`${second}/both`, `${second}/link`);
  const before = Deno.env.get("PATH")!;
  Deno.env.set("PATH", `:relative:${first}:/nowhere:${second}`);
  try {
    const cases: [string, string | undefined][] = [
      ["both", `${first}/both`],
      ["data", `${second}/data`],
      ["link", `${second}/link`],
      ["folder", undefined],
      ["missing", undefined],
      ["../second/both", undefined],
      ["", undefined],
    ];
    for (const [name, path] of cases) assertEquals(findProgram(name), path, name);
  } finally {
    Deno.env.set("PATH", before);
  }
});

Deno.test("where the kernel mounts no composefs image, the probe says which programs could show one", async () => {
  const cases: [string[], string][] = [
    [[], "Neither composefs-fuse nor erofsfuse is installed"],
    [["erofsfuse"], "/bin/erofsfuse is installed: by FUSE it shows the metadata"],
    [["composefs-fuse", "erofsfuse"], "/bin/composefs-fuse is installed: by FUSE it mounts"],
  ];
  for (const [installed, says] of cases) {
    const real = createHost();
    const host: Host = {
      ...real,
      findProgram: (name) => installed.includes(name) ? `/bin/${name}` : undefined,
      mounts: { ...real.mounts, allowed: () => false },
    };
    const site: Site = {
      access: "rw",
      store: "",
      target: "",
      upper: "",
      sameFilesystem: true,
      data: false,
      idmap: undefined,
      native: true,
    };
    const verdict = await composefs.create(host).probe(site);
    assertEquals(verdict.works, false);
    if (!verdict.works) assertStringIncludes(verdict.hint!, says);
  }
});
