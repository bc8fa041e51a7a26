import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  attachLoop,
  detachLoop,
  EINVAL,
  ENOTTY,
  ENXIO,
  Fd,
  fsync,
  ioctl,
  O_CREAT,
  O_RDONLY,
  O_RDWR,
  pread,
  pwrite,
  SysError,
} from "../../src/linux/mod.ts";
import { available } from "../support/loopfs.ts";
import { needs } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";

const unavailable = available("ext4");
const BLKSSZGET = 0x1268;

function image(path: string): Uint8Array {
  const content = crypto.getRandomValues(new Uint8Array(65536));
  Deno.writeFileSync(path, content);
  return content;
}

/** The file behind a loop device, or undefined if it is free. */
function backing(device: string): string | undefined {
  try {
    return Deno.readTextFileSync(`/sys/block/${device.split("/").pop()}/loop/backing_file`).trim();
  } catch {
    return undefined;
  }
}

Deno.test({
  ...needs("a loop device shows the file, and goes when it is closed (autoclear)", unavailable),
  fn() {
    using tmp = new TempDir();
    const content = image(`${tmp.path}/image`);
    using file = Fd.open(`${tmp.path}/image`, O_RDONLY);
    const loop = attachLoop(file.n, { readOnly: true, directIo: true, autoclear: true });
    const buffer = new Uint8Array(1000);
    assertEquals(pread(loop.fd.n, buffer, 5000), 1000);
    assertEquals(buffer, content.subarray(5000, 6000));
    assertEquals(backing(loop.path), `${tmp.path}/image`);
    loop[Symbol.dispose]();
    assert(backing(loop.path) !== `${tmp.path}/image`);
  },
});

Deno.test({
  ...needs("a writable one with a block size, given back by detachLoop", unavailable),
  fn() {
    using tmp = new TempDir();
    image(`${tmp.path}/image`);
    using file = Fd.open(`${tmp.path}/image`, O_RDWR);
    using loop = attachLoop(file.n, { blockSize: 4096 });
    const size = new Int32Array(1);
    assertEquals(ioctl(loop.fd.n, BLKSSZGET, size), 0);
    assertEquals(size[0], 4096);
    assertEquals(pwrite(loop.fd.n, new Uint8Array(4096).fill(9), 8192), 4096);
    assertEquals(fsync(loop.fd.n), 0);
    assertEquals(detachLoop(loop.fd.n), 0);
    loop[Symbol.dispose]();
    assert(backing(loop.path) !== `${tmp.path}/image`);
    assertEquals(Deno.readFileSync(`${tmp.path}/image`)[8192], 9);
  },
});

Deno.test({
  ...needs("two of one file are two devices", unavailable),
  fn() {
    using tmp = new TempDir();
    image(`${tmp.path}/image`);
    using file = Fd.open(`${tmp.path}/image`, O_RDONLY);
    using a = attachLoop(file.n, { readOnly: true, autoclear: true });
    using b = attachLoop(file.n, { readOnly: true, autoclear: true });
    assert(a.path !== b.path);
  },
});

Deno.test({
  ...needs("errors: no file, no loop device", unavailable),
  fn() {
    using tmp = new TempDir();
    assertThrows(() => attachLoop(-1), SysError, "LOOP_CONFIGURE");
    using file = Fd.open(`${tmp.path}/f`, O_RDWR | O_CREAT, 0o600);
    assertEquals(detachLoop(file.n), -ENOTTY);
    assert([-EINVAL, -ENXIO, -ENOTTY].includes(ioctl(file.n, BLKSSZGET, new Int32Array(1))));
  },
});
