/**
 * What a composition leaves behind that it should not: records, files, mounts, open descriptors, a changed store.
 *
 * @module
 */

import type { Bed } from "./bed.ts";

/** How things were before. */
export class Traces {
  readonly #bed: Bed;
  readonly #descriptors: ReadonlyMap<string, number>;
  readonly #umask = Deno.umask();

  /** Takes note of how things are. */
  constructor(bed: Bed) {
    this.#bed = bed;
    this.#descriptors = descriptors();
  }

  /** What is there now that was not, one line each. */
  found(): string[] {
    const bed = this.#bed;
    const { records, directories } = bed.leftovers();
    const found = [
      ...records.map(({ id, target }) => `a record is left: ${id}, at ${target}`),
      ...bed.mounts().map(({ type, path }) => `a mount is left: ${type} at ${path}`),
      ...directories.map((path) => `a file or directory is left: ${path}`),
    ];
    if (!bed.neighbourIsThere) found.push("what lay beside the target is changed or gone");
    for (const [path, count] of descriptors()) {
      const more = count - (this.#descriptors.get(path) ?? 0);
      if (more > 0) found.push(`${more} descriptors are left open: ${path}`);
    }
    const umask = Deno.umask();
    if (umask !== this.#umask) found.push(`the umask is left at ${umask.toString(8)}`);
    return found;
  }
}

/** Open descriptors of files, by what /proc says they are; those of the runtime itself are not counted, nor where its output goes. */
function descriptors(): Map<string, number> {
  const counts = new Map<string, number>();
  const standard = [0, 1, 2].map((n) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${n}`);
    } catch {
      return undefined;
    }
  });
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    let path: string;
    try {
      path = Deno.readLinkSync(`/proc/self/fd/${name}`);
    } catch {
      continue;
    }
    if (standard.includes(path)) continue;
    // A bed may lie in /dev/shm, which holds files.
    if (!path.startsWith("/") || /^\/(dev(?!\/shm\/)|proc|sys|usr|lib|lib64)\//.test(path)) {
      continue;
    }
    counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return counts;
}
