/**
 * A fresh filesystem of a chosen kind, in a sparse file.
 *
 * @module
 */

import { privileges } from "../../linux/mod.ts";
import { findProgram } from "../programs.ts";

/** Filesystems that {@link LoopFs} makes. */
export type LoopKind = "ext4" | "xfs" | "btrfs";

/** How to make each: the options, the smallest size in MiB that its mkfs takes, and the package to install. */
const KINDS: Record<LoopKind, { options: string[]; least: number; package: string }> = {
  ext4: { options: ["-q", "-F"], least: 8, package: "e2fsprogs" },
  xfs: { options: ["-q", "-f"], least: 300, package: "xfsprogs" },
  btrfs: { options: ["-q", "-f"], least: 128, package: "btrfs-progs" },
};

/** All kinds. */
export const LOOP_KINDS = Object.keys(KINDS) as LoopKind[];

/** Why a filesystem cannot be made here; undefined if it can. */
export function available(kind: LoopKind): string | undefined {
  if (privileges().euid !== 0) return "not root";
  for (const program of ["mount", `mkfs.${kind}`]) {
    if (findProgram(program) === undefined) {
      return `${program} is not installed (package ${KINDS[kind].package})`;
    }
  }
  try {
    Deno.statSync("/dev/loop-control");
  } catch {
    return "no /dev/loop-control";
  }
  const known = Deno.readTextFileSync("/proc/filesystems").split(/\s+/).includes(kind);
  if (known || run("modprobe", [kind]) === undefined) return undefined;
  return `the kernel has no ${kind}`;
}

/** Runs a program; returns what it said if it failed or could not be run. */
function run(program: string, args: string[]): string | undefined {
  try {
    const { success, stderr } = new Deno.Command(program, { args, stdin: "null" }).outputSync();
    if (success) return undefined;
    return `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`;
  } catch (e) {
    return `${program}: ${e instanceof Error ? e.message : e}`;
  }
}

function must(program: string, ...args: string[]): void {
  const failure = run(program, args);
  if (failure !== undefined) throw new Error(failure);
}

const live = new Set<LoopFs>();
// A program that ends early (Deno.exit, an uncaught error) does not come to the end of the `using` block.
globalThis.addEventListener("unload", () => live.forEach((fs) => fs.remove()));

/** A mounted filesystem; disposing of it unmounts and deletes it. */
export class LoopFs implements AsyncDisposable {
  readonly kind: LoopKind;
  /** Its root directory: empty, mode 0755. */
  readonly path: string;
  readonly #directory: string;

  private constructor(kind: LoopKind, directory: string) {
    this.kind = kind;
    this.#directory = directory;
    this.path = `${directory}/mnt`;
  }

  /**
   * Makes and mounts a filesystem, with `noatime`.
   *
   * @param sizeMiB Its size; as much as its mkfs asks for if that is more. The file is sparse.
   * @param options `mkfs`, `mount`: further options for the two programs; `where`: a directory for its file, by default the system's
   * temporary one.
   */
  static make(
    kind: LoopKind,
    sizeMiB = 512,
    options: { mkfs?: string[]; mount?: string[]; where?: string } = {},
  ): Promise<LoopFs> {
    const fs = new LoopFs(
      kind,
      Deno.makeTempDirSync({ dir: options.where, prefix: `lamina-${kind}-` }),
    );
    live.add(fs);
    try {
      const recipe = KINDS[kind];
      const image = `${fs.#directory}/image`;
      Deno.mkdirSync(fs.path);
      Deno.writeFileSync(image, new Uint8Array(0));
      Deno.truncateSync(image, Math.max(sizeMiB, recipe.least) * 1024 * 1024);
      must(`mkfs.${kind}`, ...recipe.options, ...options.mkfs ?? [], image);
      must("mount", "-o", ["loop", "noatime", ...options.mount ?? []].join(","), image, fs.path);
      if (kind === "ext4") Deno.removeSync(`${fs.path}/lost+found`);
      Deno.chmodSync(fs.path, 0o755);
      return Promise.resolve(fs);
    } catch (e) {
      fs.remove();
      return Promise.reject(e);
    }
  }

  /** Unmounts it, with all that is mounted below, and deletes it. Twice does no harm. */
  remove(): void {
    if (!live.delete(this)) return;
    // -R also takes what something that failed left mounted below; a busy one is unmounted lazily.
    if (run("umount", ["-R", this.path]) !== undefined) run("umount", ["-R", "-l", this.path]);
    Deno.removeSync(this.#directory, { recursive: true });
  }

  /** See {@link LoopFs.remove}. */
  [Symbol.asyncDispose](): Promise<void> {
    this.remove();
    return Promise.resolve();
  }
}
