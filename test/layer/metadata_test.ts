/**
 * Owners, modes, times, attributes, holes: what an entry says is what the file on disk has.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { AT_FDCWD, check, readXattrsAt, setxattrat } from "../../src/linux/mod.ts";
import { lacks, needs, notRoot } from "../support/root.ts";
import {
  blockDevice,
  charDevice,
  concat,
  directory,
  fifo,
  file,
  hardlink,
  sparseFile,
  symlink,
} from "../support/tar.ts";
import { sharedThreads } from "../support/threads.ts";
import { assertDiskMatches, contentOf, Workshop } from "./support.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);
const text = "y".repeat(200);
/** cap_net_raw+ep, as the kernel stores it (struct vfs_cap_data, version 2). */
const capability = bytes(1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

Deno.test({
  ...needs("layer: all metadata on disk and in the index", notRoot()),
  async fn() {
    await using workshop = new Workshop({ pipeline: sharedThreads(true) });
    const layer = await workshop.ingest([
      directory("./", { mode: 0o711, uid: 3, gid: 4, mtimeText: "-5.000000001" }),
      file("suid", text, { mode: 0o6755, uid: 1000, gid: 2000 }),
      file("closed", text, { mode: 0 }),
      file("open", text, { mode: 0o777 }),
      file("large-ids", "", { uid: 4_294_967_294, gid: 2_000_000_000 }),
      file("ns", "", { mtimeText: "1234567890.123456789" }),
      file("old", text, { mtimeText: "-1.75" }),
      file("caps", text, {
        mode: 0o755,
        uid: 7,
        xattrs: {
          "security.capability": capability,
          "user.bin": bytes(0, 255, 10),
          "user.none": "",
        },
      }),
      file("caps-empty", "", { xattrs: { "security.capability": capability } }),
      file("acl", text, {
        mode: 0o640,
        xattrs: {
          // user::rw-, user:1:r--, group::r--, mask::r--, other::---
          "system.posix_acl_access": bytes(
            ...[2, 0, 0, 0],
            ...[1, 0, 6, 0, 255, 255, 255, 255],
            ...[2, 0, 4, 0, 1, 0, 0, 0],
            ...[4, 0, 4, 0, 255, 255, 255, 255],
            ...[16, 0, 4, 0, 255, 255, 255, 255],
            ...[32, 0, 0, 0, 255, 255, 255, 255],
          ),
        },
      }),
      // What is made in such directories inherits: group, setgid bit, default ACL.
      directory("setgid", { mode: 0o2775, uid: 5, gid: 6 }),
      directory("setgid/below", { mode: 0o755 }),
      file("setgid/file", text),
      directory("sticky", { mode: 0o1777, xattrs: { "trusted.x": "1", "user.y": "2" } }),
      directory("acl.d", {
        xattrs: {
          "system.posix_acl_default": bytes(
            ...[2, 0, 0, 0],
            ...[1, 0, 7, 0, 255, 255, 255, 255],
            ...[4, 0, 7, 0, 255, 255, 255, 255],
            ...[32, 0, 7, 0, 255, 255, 255, 255],
          ),
        },
      }),
      directory("acl.d/below"),
      file("acl.d/file", text),
      directory("read-only", { mode: 0o555 }),
      file("read-only/file", text, { mode: 0o444 }),
      directory("late"),
      file("late/file", text),
      directory("late", { mode: 0o700, uid: 9, mtime: 77 }),
      symlink("link", "nowhere", {
        uid: 11,
        gid: 12,
        mtimeText: "99.5",
        xattrs: { "trusted.on-link": bytes(1, 2) },
      }),
      charDevice("dev", 5, 1, { mode: 0o620, uid: 1, gid: 5, xattrs: { "trusted.d": "3" } }),
      blockDevice("disk", 8, 16, { mode: 0o660, gid: 6 }),
      fifo("pipe", { mode: 0o622, mtime: 5 }),
      hardlink("suid2", "suid"),
    ]);
    assertDiskMatches(layer);
    assertEquals(layer.result.droppedXattrs, 0);
    const { children } = layer.root;
    assertEquals(children!.get("suid")!.mode, 0o106755);
    assertEquals(children!.get("caps")!.xattrs!.size, 3);
    assertEquals(children!.get("old")!.mtime, -2);
    assertEquals(children!.get("late")!.mtime, 77);
    assertEquals(children!.get("link")!.nsec, 500_000_000);
    assertEquals(layer.root.mtime, -6);
  },
});

Deno.test({
  ...needs("layer: neither umask nor default ACLs of the store's place change anything", notRoot()),
  async fn() {
    for (const umask of [0, 0o22, 0o77, 0o777]) {
      const before = Deno.umask(umask);
      try {
        await using workshop = new Workshop();
        check(
          setxattrat(
            AT_FDCWD,
            workshop.path,
            "system.posix_acl_default",
            bytes(
              ...[2, 0, 0, 0],
              ...[1, 0, 7, 0, 255, 255, 255, 255],
              ...[2, 0, 7, 0, 1, 0, 0, 0],
              ...[4, 0, 7, 0, 255, 255, 255, 255],
              ...[16, 0, 7, 0, 255, 255, 255, 255],
              ...[32, 0, 7, 0, 255, 255, 255, 255],
            ),
          ),
          "setxattr",
          "default ACL",
        );
        assertDiskMatches(
          await workshop.ingest([
            directory("d", { mode: 0o750 }),
            file("d/f", text, { mode: 0o664 }),
            file("implied/e", "", { mode: 0o4711 }),
            fifo("p", { mode: 0o666 }),
          ]),
        );
      } finally {
        Deno.umask(before);
      }
    }
  },
});

for (const form of ["old", "0.0", "0.1", "1.0"] as const) {
  Deno.test({
    ...needs(`layer: holes of a sparse file (${form}) stay holes`, notRoot()),
    async fn() {
      await using workshop = new Workshop({ pipeline: sharedThreads(true) });
      const size = 12_000_000;
      const parts = [
        { offset: 8192, bytes: bytes(1, 2, 3) },
        { offset: 1_000_003, bytes: new Uint8Array(1_500_000).fill(7) },
        { offset: size - 5, bytes: bytes(9, 9) },
      ];
      const layer = await workshop.ingest([
        ...sparseFile(form, "sparse", size, parts),
        ...sparseFile(form, "hole", 3_000_000, [{ offset: 3_000_000, bytes: bytes() }]),
        // These stand in the index itself.
        ...sparseFile(form, "tiny", 60, [{ offset: 50, bytes: bytes(5, 6) }]),
        ...sparseFile(form, "tiny-hole", 10, [{ offset: 10, bytes: bytes() }]),
        file("after", text),
      ]);
      assertDiskMatches(layer);
      const expected = new Uint8Array(size);
      for (const { offset, bytes } of parts) expected.set(bytes, offset);
      const inode = layer.root.children!.get("sparse")!;
      assertEquals(inode.size, size);
      const content = contentOf(inode, layer.objects);
      assert(content.every((byte, index) => byte === expected[index]), "content");
      const { blocks } = Deno.statSync(`${layer.fs}/sparse`);
      assert(blocks! * 512 < 2_000_000, `${blocks} blocks`);
      assertEquals(Deno.statSync(`${layer.fs}/hole`).blocks, 0);
      const tiny = new Uint8Array(60);
      tiny.set([5, 6], 50);
      assertEquals(layer.root.children!.get("tiny")!.content, tiny);
      assertEquals(layer.root.children!.get("tiny-hole")!.content, new Uint8Array(10));
      assertEquals(layer.result.fileBytes, size + 3_000_000 + 60 + 10 + 200);
    },
  });
}

Deno.test({
  ...needs("layer: files of every size around the borders of blocks and buffers", notRoot()),
  async fn() {
    await using workshop = new Workshop({ pipeline: sharedThreads(true) });
    const sizes = [0, 1, 63, 64, 65, 511, 512, 513, 4095, 4096, 4097, 8192, 100_000];
    // Buffers of the ring hold 512 KiB, so these lie across one, two and three of them.
    sizes.push(524_287, 524_288, 524_289, 1_048_576, 1_700_000);
    const random = (size: number) =>
      concat(...Array.from({ length: Math.ceil(size / 65536) }, (_, i) => {
        return crypto.getRandomValues(new Uint8Array(Math.min(65536, size - i * 65536)));
      }));
    const files = sizes.map((size) => file(String(size), random(size), { mode: 0o4751, uid: 1 }));
    const layer = await workshop.ingest(files);
    assertDiskMatches(layer);
    for (const size of sizes) {
      const inode = layer.root.children!.get(String(size))!;
      assertEquals(inode.size, size);
      assertEquals(inode.content !== null, size > 0 && size <= 64);
      assertEquals(inode.digest !== null, size > 64);
      assertEquals(Deno.readFileSync(`${layer.fs}/${size}`), files[sizes.indexOf(size)].body);
    }
    // Objects are the layer's own inodes, under the names that the index has.
    assertEquals(workshop.objectNames().length, sizes.filter((size) => size > 64).length);
    for (const { payload } of layer.root.children!.values()) {
      if (payload !== "") assertEquals(Deno.statSync(`${layer.objects}/${payload}`).nlink, 2);
    }
  },
});

Deno.test({
  ...needs(
    "layer: objects have the names that the fs-verity tool gives them",
    notRoot(),
    lacks("fsverity"),
  ),
  async fn() {
    await using workshop = new Workshop({ pipeline: sharedThreads(true) });
    const layer = await workshop.ingest(
      [65, 4096, 5000, 600_000, 3_000_000].map((size) => file(`f${size}`, "z".repeat(size))),
    );
    for (const [name, inode] of layer.root.children!) {
      const { stdout } = new Deno.Command("fsverity", {
        args: ["digest", "--compact", `${layer.fs}/${name}`],
      }).outputSync();
      assertEquals(inode.payload.replace("/", ""), new TextDecoder().decode(stdout).trim());
    }
  },
});

Deno.test({
  ...needs("layer: no attribute of the store's own stands on its files", notRoot()),
  async fn() {
    await using workshop = new Workshop({ pipeline: sharedThreads(true) });
    const { fs } = await workshop.ingest([file("implied/f", text), hardlink("b", "lower")]);
    assertEquals(readXattrsAt(AT_FDCWD, `${fs}/implied`), null);
    assertEquals(readXattrsAt(AT_FDCWD, fs), null);
    assertEquals([...Deno.readDirSync(fs)].map(({ name }) => name), ["implied"]);
  },
});
