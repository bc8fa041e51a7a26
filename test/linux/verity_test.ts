import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import {
  EACCES,
  EEXIST,
  enableVerity,
  ENODATA,
  ENOTSUP,
  ENOTTY,
  EPERM,
  Fd,
  fstat,
  measureVerity,
  O_RDONLY,
  O_RDWR,
  openat,
  Stat,
  STATX_ATTR_VERITY,
} from "../../src/linux/mod.ts";
import { available, LoopFs } from "../support/loopfs.ts";
import { needs } from "../support/root.ts";

/** The fs-verity digest of a content of one block: that of the descriptor, which holds the padded block's. */
function digestOf(content: Uint8Array): Uint8Array {
  const block = new Uint8Array(4096);
  block.set(content);
  const descriptor = new Uint8Array(256);
  descriptor.set([1, 1, 12]);
  descriptor[8] = content.length;
  descriptor.set(createHash("sha256").update(block).digest(), 16);
  return new Uint8Array(createHash("sha256").update(descriptor).digest());
}

Deno.test({
  ...needs(
    "fs-verity: the digest of a known file, or a clear no from the kernel",
    available("ext4"),
  ),
  async fn() {
    await using fs = await LoopFs.make("ext4", 32, { mkfs: ["-b", "4096", "-O", "verity"] });
    Deno.writeTextFileSync(`${fs.path}/f`, "hello\n");
    using fd = Fd.open(`${fs.path}/f`, O_RDONLY);
    const digest = new Uint8Array(32);
    const without = measureVerity(fd.n, digest);
    const enabled = enableVerity(fd.n);
    if (enabled === -ENOTSUP || enabled === -ENOTTY) {
      assertEquals(without, enabled, "both say that the kernel has no fs-verity");
      return;
    }
    assertEquals([without, enabled], [-ENODATA, 0]);
    assertEquals(enableVerity(fd.n), -EEXIST);
    assertEquals(measureVerity(fd.n, digest), 32);
    assertEquals(digest, digestOf(new TextEncoder().encode("hello\n")));
    const stat = new Stat();
    fstat(fd.n, stat);
    assert((stat.attributes & STATX_ATTR_VERITY) !== 0);
    assert([-EPERM, -EACCES].includes(openat(-100, `${fs.path}/f`, O_RDWR)));
  },
});
