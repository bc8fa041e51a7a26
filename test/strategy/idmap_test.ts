import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { compose } from "../../src/strategy/compose.ts";
import type { IdMap } from "../../src/strategy/idmap.ts";
import { release } from "../../src/strategy/release.ts";
import { available, LOOP_KINDS, LoopFs } from "../support/loopfs.ts";
import { cannotMount, lacks, needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { directory, file, symlink } from "../support/tar.ts";
import { Bed, builtInPlugins, NOTHING } from "./bed.ts";

const SHIFT = 100_000;
const MAP: IdMap = [{ inside: 0, outside: SHIFT, count: 65_536 }];

const BASE = [
  directory("", { uid: 3, gid: 4, mode: 0o750, mtime: 1000 }),
  directory("etc", { uid: 1, gid: 2 }),
  file("etc/shadow", "secret".repeat(99), { uid: 0, gid: 42, mode: 0o4640 }),
  symlink("etc/link", "shadow", { uid: 7, gid: 8 }),
  file("lib", "content ".repeat(999), { uid: 65_535, gid: 65_535 }),
];
/** The same content once more, for filesystems on which layers have it in a place apart. */
const TOP = [file("lib2", "content ".repeat(999), { uid: 5, gid: 6 })];

/** A snapshot with its owners moved. */
function shifted(lines: Map<string, string>): Map<string, string> {
  return new Map([...lines].map(([path, line]) => [
    path,
    line.replace(
      / owner=(\d+):(\d+)/,
      (_, uid, gid) => ` owner=${Number(uid) + SHIFT}:${Number(gid) + SHIFT}`,
    ),
  ]));
}

const xattrs = (key: string) => !key.startsWith("trusted.SGI_ACL_");

for (const kind of LOOP_KINDS) {
  Deno.test({
    ...needs(
      `idmap on ${kind}: mounts show other owners, and what is written keeps them`,
      notRoot(),
      cannotMount("overlay"),
      available(kind),
    ),
    async fn(t) {
      await using fs = await LoopFs.make(kind, 400);
      const bed = new Bed(fs.path);
      const image = await bed.image("app", [BASE, TOP]);
      const expected = shifted(bed.expected(image));
      const plugins = await builtInPlugins();
      for (const strategy of ["overlay", "composefs"]) {
        for (const access of ["ro", "rw"] as const) {
          await t.step(`${strategy}, ${access}`, async () => {
            const target = bed.target();
            const made = await compose(bed.store, image, target, {
              plugins,
              strategy,
              access,
              idmap: MAP,
            });
            try {
              assertEquals(diffSnapshots(expected, snapshot(target, { xattrs })), []);
              if (access === "ro") return;
              // Copied up, a file keeps the owner that it shows.
              Deno.writeTextFileSync(`${target}/etc/shadow`, "new");
              Deno.chmodSync(`${target}/lib`, 0o600);
              const owner = ({ uid, gid }: Deno.FileInfo) => [uid! - SHIFT, gid! - SHIFT];
              assertEquals(owner(Deno.statSync(`${target}/etc/shadow`)), [0, 42]);
              assertEquals(owner(Deno.statSync(`${target}/lib`)), [65_535, 65_535]);
              assertEquals(Deno.readTextFileSync(`${target}/lib`), "content ".repeat(999));
            } finally {
              await release(bed.store, made.id, { plugins });
            }
          });
        }
      }
      await t.step("auto takes a strategy that can", async () => {
        const target = bed.target();
        const made = await compose(bed.store, image, target, { plugins, idmap: MAP });
        assert(["overlay", "composefs"].includes(made.strategy), made.strategy);
        assertEquals(Deno.statSync(`${target}/etc`).uid, SHIFT + 1);
        await release(bed.store, made.id, { plugins });
      });
      await t.step("directories cannot", async () => {
        for (const strategy of ["copy", "hardlink"]) {
          const options = { plugins, strategy, isolation: "shared", idmap: MAP } as const;
          const refused = await assertRejects(
            () => compose(bed.store, image, bed.target(), options),
            LaminaError,
          );
          assertEquals(refused.kind, "unsupported");
          assertStringIncludes(refused.message, "--idmap");
        }
        assertEquals(bed.leftovers(), NOTHING);
      });
    },
  });
}

Deno.test({
  ...needs(
    "idmap: by the user namespace of a process",
    notRoot(),
    cannotMount("overlay"),
    lacks("unshare"),
  ),
  async fn() {
    await using fs = await LoopFs.make("ext4", 64);
    const bed = new Bed(fs.path);
    const image = await bed.image("app", [BASE]);
    const plugins = await builtInPlugins();
    const command = new Deno.Command("unshare", {
      args: ["--user", "cat"],
      stdin: "piped",
      stdout: "piped",
    });
    const child = command.spawn();
    const input = child.stdin.getWriter();
    try {
      // It answers once it is in its namespace.
      await input.write(new TextEncoder().encode("there\n"));
      const output = child.stdout.getReader();
      await output.read();
      output.releaseLock();
      for (const file of ["uid_map", "gid_map"]) {
        Deno.writeTextFileSync(`/proc/${child.pid}/${file}`, `0 ${SHIFT} 65536\n`);
      }
      const idmap = `/proc/${child.pid}/ns/user`;
      const target = bed.target();
      const made = await compose(bed.store, image, target, { plugins, idmap });
      assertEquals(Deno.statSync(`${target}/etc`).uid, SHIFT + 1);
      await release(bed.store, made.id, { plugins });
    } finally {
      await input.close();
      await child.stdout.cancel();
      await child.status;
    }
    const wrong: [string, LaminaError["kind"], string][] = [
      ["/proc/self/ns/mnt", "usage", "no user namespace"],
      ["/proc/self/ns/user", "usage", "lamina's own"],
      ["/nowhere", "not-found", "/nowhere"],
    ];
    for (const [idmap, kind, says] of wrong) {
      const refused = await assertRejects(
        () => compose(bed.store, image, bed.target(), { plugins, idmap }),
        LaminaError,
        says,
      );
      assertEquals(refused.kind, kind, idmap);
    }
  },
});
