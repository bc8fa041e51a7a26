import { assertEquals, assertThrows } from "@std/assert";
import {
  Fd,
  MappedFile,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  SysError,
  writeMapped,
} from "../../src/linux/mod.ts";
import { TempDir } from "../support/temp.ts";

Deno.test("writeMapped: what is written is in the file; a descriptor for reading is refused", () => {
  using temp = new TempDir();
  const path = `${temp.path}/file`;
  Deno.writeTextFileSync(path, "0123456789");
  {
    using fd = Fd.open(path, O_RDWR);
    writeMapped(fd.n, new TextEncoder().encode("mapped"));
  }
  assertEquals(Deno.readTextFileSync(path), "mapped6789");
  using fd = Fd.open(path, O_RDONLY);
  assertThrows(() => writeMapped(fd.n, new Uint8Array(1)), SysError, "mmap");
});

Deno.test("MappedFile: the file's bytes, also when its descriptor is closed; what cannot be read is refused", () => {
  using temp = new TempDir();
  const path = `${temp.path}/file`;
  const bytes = new Uint8Array(10_000).map((_, at) => at % 251);
  Deno.writeFileSync(path, bytes);
  const open = () => {
    using fd = Fd.open(path, O_RDONLY);
    return new MappedFile(fd.n, bytes.length);
  };
  {
    using mapped = open();
    assertEquals(mapped.bytes, bytes);
  }
  using fd = Fd.open(path, O_WRONLY);
  assertThrows(() => new MappedFile(fd.n, bytes.length), SysError, "mmap");
  assertThrows(() => new MappedFile(-1, 1), SysError, "EBADF");
});
