/**
 * The image of the end-to-end tests: small, with what layers can do to each other.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { ImageSpec } from "../support/images.ts";
import { directory, file, hardlink, makeTar, opaque, symlink, whiteout } from "../support/tar.ts";

const OWNED = { uid: 1000, gid: 1000 };

/** Two layers; the upper one replaces, removes, hides, and links into the lower one. */
export const IMAGE: ImageSpec = {
  name: "app",
  config: { Cmd: ["/bin/app"] },
  layers: [
    makeTar([
      directory("bin", { mode: 0o755 }),
      file("bin/app", "#!/bin/sh\necho app\n", { mode: 0o755 }),
      directory("etc", { mode: 0o755 }),
      file("etc/config", "version 1\n", { mode: 0o640 }),
      file("etc/gone", "gone\n"),
      directory("var", { mode: 0o755 }),
      directory("var/cache", { mode: 0o755 }),
      file("var/cache/old", "old\n"),
      directory("home", { mode: 0o755 }),
      directory("home/user", { mode: 0o700, ...OWNED }),
      file("home/user/data", "x".repeat(100_000), { mode: 0o600, ...OWNED }),
      symlink("lib", "usr/lib"),
      directory("usr", { mode: 0o755 }),
      directory("usr/lib", { mode: 0o755 }),
    ]),
    makeTar([
      file("etc/config", "version 2\n", { mode: 0o644, mtime: 1_600_000_000 }),
      whiteout("etc/gone"),
      directory("var/cache", { mode: 0o750 }),
      opaque("var/cache"),
      file("var/cache/new", "new\n"),
      // `lib` is a symbolic link below, and only implied here.
      file("lib/module", "module\n"),
      hardlink("bin/alias", "bin/app"),
    ]),
  ],
};

/** Checks that a directory shows {@link IMAGE}. */
export function assertComposed(root: string, withOwners: boolean): void {
  const read = (path: string) => Deno.readTextFileSync(`${root}/${path}`);
  const list = (path: string) => [...Deno.readDirSync(`${root}/${path}`)].map((e) => e.name).sort();
  assertEquals(list(""), ["bin", "etc", "home", "lib", "usr", "var"]);
  assertEquals(list("etc"), ["config"]);
  assertEquals(list("var/cache"), ["new"]);
  assertEquals(read("etc/config"), "version 2\n");
  assertEquals(read("usr/lib/module"), "module\n");
  assertEquals(Deno.readLinkSync(`${root}/lib`), "usr/lib");
  const config = Deno.statSync(`${root}/etc/config`);
  assertEquals(config.mtime?.getTime(), 1_600_000_000_000);
  assertEquals(config.mode! & 0o7777, 0o644);
  assertEquals(Deno.statSync(`${root}/var/cache`).mode! & 0o7777, 0o750);
  const app = Deno.statSync(`${root}/bin/app`);
  assertEquals(app.mode! & 0o7777, 0o755);
  assertEquals(Deno.statSync(`${root}/bin/alias`).ino, app.ino);
  const user = Deno.statSync(`${root}/home/user`);
  assertEquals(user.mode! & 0o7777, 0o700);
  if (withOwners) {
    assertEquals([user.uid, user.gid], [1000, 1000]);
    assertEquals(read("home/user/data").length, 100_000);
  }
  assert(app.nlink! >= 2);
}
