import { assertEquals, assertThrows } from "@std/assert";
import { Fd, O_RDONLY, O_RDWR, SysError, writeMapped } from "../../src/linux/mod.ts";
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
