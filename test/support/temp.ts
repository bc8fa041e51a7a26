/**
 * A directory for one test.
 *
 * @module
 */

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
