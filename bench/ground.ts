/**
 * What composing is measured on: one filesystem, with the image in a store and unpacked beside it.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { run } from "./tool.ts";

/** The image that is measured with, and the program. */
export interface Subject {
  /** The compiled program. */
  readonly lamina: string;
  /** An OCI layout. */
  readonly layout: string;
  /** A tag in it. */
  readonly image: string;
}

/** A directory on the filesystem in question, and what was made there before. */
export class Ground implements AsyncDisposable {
  readonly subject: Subject;
  readonly path: string;
  /** Whether files can share extents there. */
  readonly clones: boolean;
  /** Undoes what was started for a contestant, such as a daemon. */
  readonly cleanup = new AsyncDisposableStack();
  #targets = Date.now();

  /** @param clones Whether files can share extents there. */
  constructor(subject: Subject, path: string, clones: boolean) {
    this.subject = subject;
    this.path = path;
    this.clones = clones;
  }

  /**
   * Something that is made once and then used in every round; what an earlier run made there is used again.
   *
   * @param make Makes it at the path, which does not exist then.
   */
  made(name: string, make: (path: string) => void): string {
    const path = `${this.path}/${name}`;
    const whole = `${path}.made`;
    if (existsSync(whole)) return path;
    run("rm", ["-rf", path]);
    make(path);
    run("sync", ["-f", this.path]);
    Deno.writeTextFileSync(whole, "");
    return path;
  }

  /** A store of lamina's that has the image. */
  get store(): string {
    const { lamina, layout, image } = this.subject;
    return this.made("store", (path) => {
      run(lamina, ["--root", path, "--quiet", "pull", `oci:${layout}:${image}`, "--name", image]);
    });
  }

  /** The image unpacked, as tools have it that copy directories: contents of its own, no devices, which not all of them can take. */
  get flat(): string {
    const { lamina, image } = this.subject;
    const store = ["--root", this.store];
    return this.made("flat", (path) => {
      const mounted = this.target();
      run(lamina, [...store, "compose", image, mounted, "--strategy", "overlay", "--access", "ro"]);
      try {
        run("cp", ["-a", mounted, path]);
        run("find", [path, "!", "-type", "f", "!", "-type", "d", "!", "-type", "l", "-delete"]);
      } finally {
        run(lamina, [...store, "release", mounted]);
      }
    });
  }

  /** A path that does not exist, for what a contestant makes. */
  target(): string {
    return `${this.path}/target-${this.#targets++}`;
  }

  /** An empty directory to mount on. */
  mountpoint(): string {
    const path = this.target();
    Deno.mkdirSync(path);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cleanup.disposeAsync();
  }
}
