/**
 * Compositions on record: what was composed where, by what, from `compose` to `release`.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  check,
  ENOTEMPTY,
  Fd,
  fsync,
  O_DIRECTORY,
  O_RDONLY,
  removeTree,
  Stat,
  statx,
  unlinkat,
} from "../linux/mod.ts";
import type { Access, Isolation, Upper } from "../strategy/plugin.ts";
import { exchangeFile, listDirectory, readIfThere, replaceFile, syncDirectory } from "./atomic.ts";
import type { Layout } from "./layout.ts";

/** A composition as `compositions/ID/record.json` has it. */
export interface CompositionRecord {
  /** Twelve hex digits. */
  readonly id: string;
  /**
   * `making` until all is there; then `ready`, or `held` where it is there for as long as the process that made it; `releasing` once it is
   * being undone.
   */
  readonly state: "making" | "ready" | "held" | "releasing";
  /** Digest of the image's manifest, and the name it was asked for by. */
  readonly image: string;
  /** The name that the image was asked for by. */
  readonly imageName: string;
  /** fs-verity digest of the composed tree. */
  readonly tree: string;
  /** Empty while it is being chosen. */
  readonly strategy: string;
  /** The file of an outside plugin; undefined for a built-in one. */
  readonly plugin?: string;
  /** Absolute path of the mount point or directory. */
  readonly target: string;
  /** Whether lamina made the target directory, and so removes it on release. */
  readonly madeTarget: boolean;
  /** What the target directory had when it was there before, and gets back on release. */
  readonly targetWas?: { readonly mode: number; readonly uid: number; readonly gid: number };
  /** What was made. */
  readonly result: "mount" | "directory";
  /** What the caller may do there. */
  readonly access: Access;
  /** Whether its inodes may be the store's own. */
  readonly isolation: Isolation;
  /** Paths in it that may be written to all the same. */
  readonly writable: readonly string[];
  /** Where writes go, if that was said. */
  readonly upper?: Upper;
  /** When, RFC 3339; by which boot (`/proc/sys/kernel/random/boot_id`) and process. */
  readonly created: string;
  /** `/proc/sys/kernel/random/boot_id` when it was made: a mount is gone after the next boot. */
  readonly bootId: string;
  /** The process that makes or releases it, or did so last. */
  readonly pid: number;
  /** What composing took. */
  readonly milliseconds?: number;
  /** What the strategy said about what it made. */
  readonly notes?: Readonly<Record<string, string | number>>;
}

/** What tells a record's file from every other one. */
interface RecordFile {
  readonly ino: number;
  readonly ctime: number;
  readonly ctimeNsec: number;
}

/** A record as it was read. */
interface Read extends RecordFile {
  readonly record: CompositionRecord;
}

/**
 * Records by directory and id: who composes often would else read those of all compositions there are, each time. A record is replaced, never
 * written to, so another one is another file: one with another inode, or one of the same number that was made later.
 */
const remembered = new Map<string, ReadonlyMap<string, Read>>();

/** Seconds after which a file's time tells it from any that is made later: the clocks of filesystems tick some hundred times a second. */
const SETTLED = 2;

/** The compositions of a store. */
export class Compositions {
  readonly #layout: Layout;
  readonly #stat = new Stat();

  /** The compositions of a store. */
  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** The composition's own directory, for upper and work directories; there from {@link put} to {@link remove}. */
  workspace(id: string): string {
    return `${this.#layout.compositions}/${id}`;
  }

  /**
   * Writes a record, new or changed, at once: other processes, and who comes after one that was killed, find the old or the new one. It is made
   * durable where what it is about would survive a power cut: a directory. A mount does not, and until a strategy is chosen there is nothing
   * but perhaps an empty target, so that waiting for the disk would gain nothing: see {@link get} for what a power cut may leave instead.
   */
  put(record: CompositionRecord): void {
    const workspace = this.workspace(record.id);
    Deno.mkdirSync(workspace, { recursive: true, mode: 0o700 });
    const durable = record.strategy !== "" && record.result === "directory";
    const text = JSON.stringify(record, null, 2) + "\n";
    if (!durable) {
      const brief = record.state === "making";
      return exchangeFile(this.#record(record.id), text, this.#layout.tmp, { brief });
    }
    syncDirectory(this.#layout.compositions);
    replaceFile(this.#record(record.id), text, this.#layout.tmp);
  }

  /** Makes a record durable that {@link put} did not: before things are made elsewhere that nobody would find without it. */
  sync(id: string): void {
    using file = Fd.open(this.#record(id), O_RDONLY);
    check(fsync(file.n), "fsync", this.#record(id));
    syncDirectory(this.workspace(id));
    syncDirectory(this.#layout.compositions);
  }

  /** Whether there is a record, readable or not. */
  has(id: string): boolean {
    return this.#remembered(id, this.#look(id)) !== undefined || this.#read(id) !== undefined;
  }

  /**
   * The record of an id, or undefined. Where the power went off before a record that {@link put} does not make durable was on disk, a
   * filesystem may have the file's name, but none of its content: that is no record.
   *
   * @throws {LaminaError} `invalid` where it cannot be read.
   */
  get(id: string): CompositionRecord | undefined {
    if (!/^[0-9a-f]+$/.test(id)) return undefined;
    const bytes = this.#read(id);
    if (bytes === undefined) return undefined;
    try {
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw new LaminaError(
        "invalid",
        `reading composition ${id}: ${this.#record(id)} is not JSON`,
        {
          cause,
          hint: "It was changed on disk: lamina fsck --repair",
        },
      );
    }
  }

  /** All compositions, the oldest first. */
  list(): CompositionRecord[] {
    const reads = new Map<string, Read>();
    const records: CompositionRecord[] = [];
    for (const id of listDirectory(this.#layout.compositions)) {
      const file = this.#look(id);
      const known = this.#remembered(id, file);
      const record = known ?? this.get(id);
      if (record === undefined) continue;
      records.push(record);
      if (file === undefined) continue;
      if (known !== undefined || Date.now() / 1000 - file.ctime > SETTLED) {
        reads.set(id, { ...file, record });
      }
    }
    remembered.set(this.#layout.compositions, reads);
    return records.sort((a, b) => (a.created < b.created ? -1 : a.created > b.created ? 1 : 0));
  }

  /**
   * The composition that a person means: by target (an absolute path), by id, or by the beginning of an id if just one has it.
   *
   * @throws {LaminaError} `not-found` for none, `usage` for several.
   */
  find(idOrTarget: string): CompositionRecord {
    const exact = this.get(idOrTarget);
    if (exact !== undefined) return exact;
    const all = this.list();
    const byTarget = all.find((record) => record.target === idOrTarget);
    if (byTarget !== undefined) return byTarget;
    const begun = /^[0-9a-f]{3,}$/.test(idOrTarget)
      ? all.filter((record) => record.id.startsWith(idOrTarget))
      : [];
    if (begun.length === 1) return begun[0];
    if (begun.length > 1) {
      throw new LaminaError(
        "usage",
        `finding composition ${idOrTarget}: ${begun.length} begin so`,
        {
          hint: `Give more digits: ${begun.map((record) => record.id).join(", ")}`,
        },
      );
    }
    throw new LaminaError(
      "not-found",
      `finding composition ${idOrTarget}: the store ${this.#layout.root} has no such id or target`,
      {
        hint: "lamina ps lists the compositions.",
      },
    );
  }

  /**
   * Forgets a composition, with all that is left in its workspace. The record goes last, so that a crash half-way leaves something to
   * release again.
   *
   * @throws {SysError} `EBUSY`… where something is still mounted in the workspace.
   */
  remove(id: string): void {
    const workspace = this.workspace(id);
    {
      using directory = Fd.open(workspace, O_RDONLY | O_DIRECTORY);
      const removeAll = (...but: string[]) => {
        for (const name of listDirectory(workspace)) {
          if (!but.includes(name)) removeTree(directory.n, name);
        }
      };
      removeAll("record.json", "lock");
      Deno.removeSync(this.#record(id));
      // Others who look whether somebody is at it make the lock's file again; with the record gone they do so no more.
      let result: number;
      do {
        removeAll();
        result = unlinkat(AT_FDCWD, workspace, AT_REMOVEDIR);
      } while (result === -ENOTEMPTY);
      check(result, "rmdir", workspace);
    }
    syncDirectory(this.#layout.compositions);
  }

  #look(id: string): RecordFile | undefined {
    const stat = this.#stat;
    if (statx(AT_FDCWD, this.#record(id), AT_SYMLINK_NOFOLLOW, stat) < 0) return undefined;
    const { ino, ctime, ctimeNsec } = stat;
    return { ino, ctime, ctimeNsec };
  }

  /** What {@link list} read of a file. */
  #remembered(id: string, file: RecordFile | undefined): CompositionRecord | undefined {
    const read = remembered.get(this.#layout.compositions)?.get(id);
    const same = read?.ino === file?.ino && read?.ctime === file?.ctime &&
      read?.ctimeNsec === file?.ctimeNsec;
    return same ? read?.record : undefined;
  }

  #read(id: string): Uint8Array | undefined {
    const bytes = readIfThere(this.#record(id));
    return bytes?.some((byte) => byte !== 0) ? bytes : undefined;
  }

  #record(id: string): string {
    return `${this.workspace(id)}/record.json`;
  }
}
