/**
 * Layers in the store of a user who is not root.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, fromFileUrl } from "@std/path";
import type { LayerResult } from "../../src/layer/mod.ts";
import { readErofs } from "../../src/tree/mod.ts";
import { available, LoopFs } from "../support/loopfs.ts";
import { isRoot, needs, notRoot } from "../support/root.ts";
import { snapshot } from "../support/snapshot.ts";
import {
  blockDevice,
  charDevice,
  directory,
  fifo,
  file,
  hardlink,
  makeTar,
  opaque,
  symlink,
  type TarPiece,
  whiteout,
} from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { describe, type Ingested, Workshop } from "./support.ts";

/** `nobody`, or whoever runs the tests. */
const user = isRoot ? 65534 : Deno.uid()!;
const text = "x".repeat(100);

/** Ingests as that user, in another process. */
async function ingestAs(
  workshop: Workshop,
  archive: readonly TarPiece[],
  options: { readonly native: boolean },
): Promise<Ingested | string> {
  const bytes = makeTar(archive);
  const staging = workshop.staging();
  using cache = new TempDir();
  const source = workshop.source(bytes, { compression: "gzip" });
  if (isRoot) {
    // The store is the user's; the blob has to be within reach.
    new Deno.Command("chown", { args: ["-R", `${user}:${user}`, workshop.path, cache.path] })
      .outputSync();
    Deno.chmodSync(source.file, 0o644);
    Deno.chmodSync(dirname(source.file), 0o755);
  }
  const { objects } = workshop;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--quiet",
      fromFileUrl(new URL("./ingest_child.ts", import.meta.url)),
      String(user),
      JSON.stringify({ source, target: { staging, objects }, ...options }),
    ],
    env: { DENO_DIR: cache.path },
  }).output();
  const said = new TextDecoder().decode(stdout).trim();
  if (said.startsWith("error: ")) return said;
  if (said === "") throw new Error(new TextDecoder().decode(stderr));
  const result: LayerResult = JSON.parse(said);
  const root = readErofs(Deno.readFileSync(`${staging}/index.erofs`));
  return { result, fs: `${staging}/fs`, links: `${staging}/links`, root, objects };
}

const ARCHIVE: readonly TarPiece[] = [
  directory("./", { mode: 0o700, uid: 1, gid: 2 }),
  directory("d", { mode: 0o555, uid: 3, gid: 4, xattrs: { "trusted.x": "1", "user.y": "2" } }),
  file("d/suid", text, { mode: 0o6755, uid: 1000, gid: 2000, mtimeText: "5.25" }),
  file("d/closed", text.repeat(2), { mode: 0o000 }),
  file("d/caps", "tiny", {
    mode: 0o755,
    xattrs: {
      "security.capability": Uint8Array.of(1, 0, 0, 2, 0, 32, ...new Array(14).fill(0)),
      "user.z": "3",
      "user.containers.override_stat": "0:0:0777:file",
    },
  }),
  hardlink("d/hard", "d/suid"),
  symlink("s", "d/suid", { uid: 9, gid: 9, mtime: 7 }),
  charDevice("null", 1, 3, { mode: 0o666, uid: 8 }),
  blockDevice("disk", 8, 16, { mode: 0o1660, gid: 6 }),
  fifo("pipe", { mode: 0o022 }),
  whiteout("gone"),
  directory("o"),
  opaque("o"),
  file("implied/f", "", { mode: 0o400 }),
];

Deno.test({
  ...needs("layer, not root: the truth in the index, the user's own files on disk"),
  async fn() {
    await using workshop = new Workshop();
    const layer = await ingestAs(workshop, ARCHIVE, { native: false });
    if (typeof layer === "string") throw new Error(layer);

    const disk = snapshot(layer.fs, { mtime: false, content: false });
    const own = `owner=${user}:${isRoot ? user : Deno.gid()}`;
    const stat = "xattr:user.containers.override_stat=";
    const lines: Record<string, string> = {
      ".": `directory mode=700 ${own} ${stat}1:2:0700:dir`,
      "d": `directory mode=755 ${own} ${stat}3:4:0555:dir xattr:user.y=2`,
      "d/caps": `file mode=755 ${own} ${stat}0:0:0755:file xattr:user.z=3`,
      "d/closed": `file mode=600 ${own} ${stat}0:0:0000:file`,
      "d/hard": `file mode=755 ${own} ${stat}1000:2000:6755:file link=d/hard`,
      "d/suid": `file mode=755 ${own} ${stat}1000:2000:6755:file link=d/hard`,
      "disk": `file mode=660 ${own} ${stat}0:6:1660:block-8-16`,
      "gone": `char mode=0 ${own} rdev=0:0`,
      "implied": `directory mode=755 ${own} ${stat}0:0:0755:dir`,
      "implied/f": `file mode=600 ${own} ${stat}0:0:0400:file`,
      "null": `file mode=666 ${own} ${stat}8:0:0666:char-1-3`,
      "o": `directory mode=755 ${own} ${stat}0:0:0755:dir xattr:user.overlay.opaque=y`,
      "pipe": `fifo mode=${(0o622 & ~Deno.umask()).toString(8)} ${own}`,
      "s": `symlink ${own} target=d/suid`,
    };
    assertEquals(Object.fromEntries(disk), lines);

    assertEquals(describe(layer), [
      "/",
      "d/",
      "d/caps: tiny",
      `d/closed: ${text.slice(0, 40)}`,
      `d/hard: ${text.slice(0, 40)}`,
      "d/suid = d/hard",
      "disk block 8:16",
      "gone whiteout",
      "implied/ implied",
      "implied/f: ",
      "null char 1:3",
      "o/ opaque",
      "pipe fifo",
      "s -> d/suid",
    ]);
    // What the disk cannot say is in the index.
    const { children } = layer.root;
    const d = children!.get("d")!;
    assertEquals([d.mode, d.uid, d.gid], [0o040555, 3, 4]);
    assertEquals([...d.xattrs!.keys()].sort(), ["trusted.x", "user.y"]);
    const suid = d.children!.get("suid")!;
    assertEquals([suid.mode, suid.uid, suid.nlink], [0o106755, 1000, 2]);
    assertEquals([suid.mtime, suid.nsec], [5, 250_000_000]);
    assertEquals([...d.children!.get("caps")!.xattrs!.keys()].sort(), [
      "security.capability",
      "user.containers.override_stat",
      "user.z",
    ]);
    assertEquals(children!.get("s")!.uid, 9);
    assertEquals(children!.get("pipe")!.mode, 0o010022);
    assertEquals(workshop.objectNames().length, 2);
    assertEquals(Deno.statSync(`${layer.fs}/d/suid`).mtime!.getTime(), 5250);
  },
});

Deno.test({
  ...needs("layer, not root: content is shared as well", notRoot(), available("xfs")),
  async fn() {
    await using fs = await LoopFs.make("xfs", 300);
    Deno.chmodSync(dirname(fs.path), 0o755);
    await using workshop = new Workshop({ where: fs.path });
    const bytes = crypto.getRandomValues(new Uint8Array(50_000));
    const first = await ingestAs(workshop, [file("a", bytes, { mode: 0 })], { native: false });
    const again = await ingestAs(
      workshop,
      [file("b", bytes, { mode: 0o444 }), file("c", bytes, { mtime: 1 })],
      { native: false },
    );
    if (typeof first === "string" || typeof again === "string") {
      throw new Error(`${first} ${again}`);
    }
    assertEquals([first.result.sharedBytes, again.result.sharedBytes], [0, 100_000]);
    assertEquals(Deno.readFileSync(`${again.fs}/c`), bytes);
  },
});

Deno.test({
  ...needs("layer, not root: the native form fails by entry"),
  async fn() {
    await using workshop = new Workshop();
    const said = await ingestAs(workshop, [file("a", "1", { uid: 12345 })], { native: true });
    assertStringIncludes(String(said), "entry a: chown the file: Operation not permitted (EPERM)");
    assertEquals(workshop.objectNames(), []);
  },
});
