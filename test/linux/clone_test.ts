import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  check,
  copyAll,
  EBADF,
  ENOTSUP,
  EXDEV,
  Fd,
  ficlone,
  fstat,
  ftruncate,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  pread,
  pwrite,
  Stat,
  SysError,
  writeAll,
} from "../../src/linux/mod.ts";
import { available, LoopFs, type LoopKind } from "../support/loopfs.ts";
import { needs } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";

const CREATE = O_RDWR | O_CREAT | O_TRUNC;

function random(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(size, at + 65536)));
  }
  return bytes;
}

for (const kind of ["xfs", "btrfs"] satisfies LoopKind[]) {
  Deno.test({
    ...needs(`FICLONE on ${kind}: shared content, separate files`, available(kind)),
    async fn() {
      await using fs = await LoopFs.make(kind);
      const content = random(1_000_001);
      using source = Fd.open(`${fs.path}/source`, CREATE, 0o600);
      using target = Fd.open(`${fs.path}/target`, CREATE, 0o600);
      assertEquals(writeAll(source.n, content), 0);
      assertEquals(ficlone(target.n, source.n), 0);
      assertEquals(Deno.readFileSync(`${fs.path}/target`), content);
      assertEquals(pwrite(target.n, new Uint8Array(5000), 100), 5000);
      assertEquals(Deno.readFileSync(`${fs.path}/source`), content);

      using tmp = new TempDir();
      using elsewhere = Fd.open(`${tmp.path}/f`, CREATE, 0o600);
      assertEquals(ficlone(elsewhere.n, source.n), -EXDEV);
      using readOnly = Fd.open(`${fs.path}/target`, O_RDONLY);
      assertEquals(ficlone(readOnly.n, source.n), -EBADF);
    },
  });
}

Deno.test({
  ...needs("FICLONE on ext4 is not supported", available("ext4")),
  async fn() {
    await using fs = await LoopFs.make("ext4", 16);
    using source = Fd.open(`${fs.path}/a`, CREATE, 0o600);
    using target = Fd.open(`${fs.path}/b`, CREATE, 0o600);
    assertEquals(ficlone(target.n, source.n), -ENOTSUP);
  },
});

Deno.test("copyAll: content and holes, whatever they are", () => {
  using tmp = new TempDir();
  const segment = fc.record({
    offset: fc.integer({ min: 0, max: 60 }),
    blocks: fc.integer({ min: 0, max: 8 }),
  });
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 5 }), fc.nat(5000), (segments, tail) => {
      using source = Fd.open(`${tmp.path}/a`, CREATE, 0o600);
      using target = Fd.open(`${tmp.path}/b`, CREATE, 0o600);
      let size = tail;
      for (const { offset, blocks } of segments) {
        const content = random(blocks * 4096 + tail);
        assertEquals(pwrite(source.n, content, offset * 16384), content.length);
        size = Math.max(size, offset * 16384 + content.length + tail);
      }
      assertEquals(ftruncate(source.n, size), 0);
      copyAll(target.n, source.n, size);
      assertEquals(Deno.readFileSync(`${tmp.path}/b`), Deno.readFileSync(`${tmp.path}/a`));
    }),
    { numRuns: 40 },
  );
});

Deno.test("copyAll: a hole of terabytes stays one", () => {
  using tmp = new TempDir();
  using source = Fd.open(`${tmp.path}/a`, CREATE, 0o600);
  using target = Fd.open(`${tmp.path}/b`, CREATE, 0o600);
  const size = 2 ** 42;
  check(ftruncate(source.n, size), "ftruncate", "a");
  check(pwrite(source.n, new Uint8Array([1, 2, 3]), 2 ** 41 + 7), "pwrite", "a");
  copyAll(target.n, source.n, size);
  const stat = new Stat();
  fstat(target.n, stat);
  assertEquals(stat.size, size);
  assert(stat.blocks < 1000, `${stat.blocks} blocks`);
  const buffer = new Uint8Array(3);
  assertEquals(pread(target.n, buffer, 2 ** 41 + 7), 3);
  assertEquals(buffer, new Uint8Array([1, 2, 3]));
});

Deno.test({
  ...needs("copyAll between two filesystems, large enough for several rounds", available("ext4")),
  async fn() {
    await using fs = await LoopFs.make("ext4", 32);
    using tmp = new TempDir();
    const content = random(3_000_000);
    Deno.writeFileSync(`${tmp.path}/a`, content);
    using source = Fd.open(`${tmp.path}/a`, O_RDONLY);
    using target = Fd.open(`${fs.path}/b`, CREATE, 0o600);
    copyAll(target.n, source.n, content.length);
    assertEquals(Deno.readFileSync(`${fs.path}/b`), content);
  },
});

Deno.test("copyAll of files that only reading works for", () => {
  using tmp = new TempDir();
  const expected = Deno.readFileSync("/proc/version");
  using source = Fd.open("/proc/version", O_RDONLY);
  using target = Fd.open(`${tmp.path}/b`, CREATE, 0o600);
  copyAll(target.n, source.n, expected.length);
  assertEquals(Deno.readFileSync(`${tmp.path}/b`), expected);
});

Deno.test("copyAll: nothing to copy, a source that is too short, a target that cannot be written", () => {
  using tmp = new TempDir();
  for (const size of [10, 100_000]) {
    Deno.writeFileSync(`${tmp.path}/a`, random(size));
    using source = Fd.open(`${tmp.path}/a`, O_RDONLY);
    using target = Fd.open(`${tmp.path}/b`, CREATE, 0o600);
    copyAll(target.n, source.n, 0);
    assertEquals(Deno.statSync(`${tmp.path}/b`).size, 0);
    assertThrows(() => copyAll(target.n, source.n, size + 1), SysError, "ends at byte");
    using readOnly = Fd.open(`${tmp.path}/b`, O_RDONLY);
    assertThrows(() => copyAll(readOnly.n, source.n, size), SysError, "EBADF");
  }
});
