import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import {
  AT_FDCWD,
  check,
  EBADF,
  ENOTSUP,
  EOPNOTSUPP,
  errnoCode,
  errnoText,
  EXDEV,
  openat,
  SysError,
} from "../../src/linux/mod.ts";
import { countWrong } from "./errno_worker.ts";

Deno.test("errno is that of the call, in the main thread and in workers at the same time", async () => {
  const rounds = 60_000;
  const workers = [1, 2].map(() =>
    new Worker(new URL("./errno_worker.ts", import.meta.url), { type: "module" })
  );
  const answers = workers.map((worker) =>
    new Promise<number>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (e) => {
        e.preventDefault();
        reject(new Error(e.message));
      };
      worker.postMessage(rounds);
    })
  );
  try {
    assertEquals(countWrong(rounds), 0);
    assertEquals(await Promise.all(answers), [0, 0]);
  } finally {
    workers.forEach((worker) => worker.terminate());
  }
});

Deno.test("check passes results on and throws negative ones as SysError", () => {
  assertStrictEquals(check(0, "openat", "x"), 0);
  assertStrictEquals(check(7, "openat", "x"), 7);
  const e = assertThrows(() => check(-EXDEV, "linkat", "/a/b"), SysError);
  assertEquals(e.message, "linkat /a/b: Invalid cross-device link (EXDEV)");
  assertEquals([e.errno, e.code, e.syscall, e.subject], [18, "EXDEV", "linkat", "/a/b"]);
});

Deno.test("a message has the detail, and no gap where there is no subject", () => {
  assertEquals(
    new SysError(EBADF, "fsmount", "", "overlay: too many lower layers").message,
    "fsmount: Bad file descriptor (EBADF): overlay: too many lower layers",
  );
});

Deno.test("error numbers have their names and texts", () => {
  for (
    const [number, code, text] of [
      [1, "EPERM", "Operation not permitted"],
      [15, "ENOTBLK", "Block device required"],
      [28, "ENOSPC", "No space left on device"],
      [61, "ENODATA", "No data available"],
      [95, "EOPNOTSUPP", "Operation not supported"],
      [122, "EDQUOT", "Disk quota exceeded"],
      [9999, "errno 9999", "Unknown error"],
    ] as const
  ) {
    assertEquals([errnoCode(number), errnoText(number)], [code, text]);
  }
  assertStrictEquals(ENOTSUP, EOPNOTSUPP);
});

Deno.test("a failure in real life reads well", () => {
  const e = assertThrows(
    () => check(openat(AT_FDCWD, "/proc/absent", 0), "openat", "/proc/absent"),
    SysError,
  );
  assertEquals(e.message, "openat /proc/absent: No such file or directory (ENOENT)");
});
