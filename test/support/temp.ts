/**
 * A directory for one test.
 *
 * @module
 */

import { Fd, fstatfs, O_DIRECTORY, O_RDONLY } from "../../src/linux/mod.ts";

/** Free bytes that a memory filesystem must have for tests to go there: a container's may have 64 MB in all. */
const ENOUGH = 2 * 1024 ** 3;

/** Where nothing waits for a disk: a tmpfs, if there is one with room. Every change of a store ends with a sync. */
export const FAST: string | undefined = (() => {
  const path = "/dev/shm";
  try {
    using fd = Fd.open(path, O_RDONLY | O_DIRECTORY);
    const { available, blockSize } = fstatfs(fd.n);
    return available * blockSize >= ENOUGH ? path : undefined;
  } catch {
    return undefined;
  }
})();

/** A fresh temporary directory, deleted on disposal. */
export class TempDir implements Disposable {
  readonly path: string;

  /** @param where The directory to make it in; the system's temporary one if left out. */
  constructor(where?: string) {
    this.path = Deno.makeTempDirSync({ dir: where, prefix: "lamina-test-" });
  }

  /** Deletes it with all that is in it. */
  [Symbol.dispose](): void {
    try {
      Deno.removeSync(this.path, { recursive: true });
    } catch (e) {
      if (!(e instanceof Deno.errors.NotFound)) throw e;
    }
  }
}
