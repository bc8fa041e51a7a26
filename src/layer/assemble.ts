/**
 * The first half of an ingest, of a layer that another storage has unpacked: puts its archive together again, into a ring.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { LaminaError } from "../error.ts";
import type { Limits } from "../limits.ts";
import {
  check,
  ENOENT,
  Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  openat2,
  read,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from "../linux/mod.ts";
import { toHex } from "../tree/digest.ts";
import { Crc64 } from "./crc64.ts";
import { put, SlotWriter } from "./decoder.ts";
import { explain } from "./failure.ts";
import { type Ring, RingStopped } from "./ring.ts";
import { readTarSplit, type SplitFile } from "./tar_split.ts";
import { READ, type SplitSource } from "./types.ts";

/**
 * Writes a layer's archive into a ring, which is finished only when it has the DiffID: nothing that is on disk is trusted.
 *
 * @throws {LaminaError} With the layer's DiffID, and the file that was changed.
 * @throws {RingStopped} The other side failed, or all is cancelled.
 */
export function assembleArchive(
  source: SplitSource,
  ring: Ring,
  limits: Limits,
  image: BigInt64Array,
  counters: BigInt64Array,
): void {
  try {
    using directory = Fd.open(source.directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    const output = new SlotWriter(ring, limits, image);
    const hash = ring.hashes ? undefined : createHash("sha256");
    const count = () => Atomics.store(counters, READ, BigInt(output.total));
    readTarSplit(source.tarSplit, {
      bytes(bytes) {
        hash?.update(bytes);
        put(output, bytes);
        count();
      },
      file(file) {
        using content = openFile(directory, file);
        for (let left = file.size; left > 0;) {
          const { slot, used } = output;
          const room = slot.subarray(used, Math.min(slot.length, used + left));
          const got = check(read(content.n, room), "read", nameOf(file));
          if (got === 0) throw changed(file, `it is ${left} bytes shorter than it was`);
          hash?.update(room.subarray(0, got));
          output.advance(got);
          count();
          left -= got;
        }
      },
    });
    output.flush();
    if (ring.hashes) ring.awaitHashed();
    const actual = hash?.digest("hex") ?? toHex(ring.digest());
    if (`sha256:${actual}` !== source.diffId) throw whatChanged(source, directory);
    ring.finish();
  } catch (error) {
    ring.failSource();
    throw error instanceof RingStopped
      ? error
      : explain(error, `reading layer ${source.diffId} from ${source.directory}`);
  }
}

/** Opens a file of the directory, as if that were the root: a symbolic link in it leads nowhere else. */
function openFile(directory: Fd, file: SplitFile): Fd {
  const path = new Uint8Array(file.name.length + 1);
  path.set(file.name);
  // A fifo must not make us wait.
  const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
  const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const fd = openat2(directory.n, path, flags, 0, resolve);
  if (fd === -ENOENT) throw changed(file, "it is missing");
  return Fd.adopt(check(fd, "open", nameOf(file)));
}

/** Looks for the file that is not what it was. */
function whatChanged(source: SplitSource, directory: Fd): LaminaError {
  let found: LaminaError | undefined;
  const buffer = new Uint8Array(256 * 1024);
  readTarSplit(source.tarSplit, {
    bytes() {},
    file(file) {
      if (found !== undefined || file.checksum === undefined) return;
      using content = openFile(directory, file);
      const crc = new Crc64();
      for (let left = file.size; left > 0;) {
        const room = buffer.subarray(0, Math.min(buffer.length, left));
        const got = check(read(content.n, room), "read", nameOf(file));
        if (got === 0) break;
        crc.update(room.subarray(0, got));
        left -= got;
      }
      const actual = crc.digest();
      if (!actual.every((byte, index) => byte === file.checksum![index])) {
        found = changed(file, "its content is not what it was");
      }
    },
  });
  return found ??
    new LaminaError("invalid", "what is on disk does not make the archive that its DiffID names", {
      hint: HINT,
    });
}

const HINT = "The storage was changed behind its back: pull the image into it again, or elsewhere.";

function changed(file: SplitFile, why: string): LaminaError {
  return new LaminaError("invalid", `the file ${nameOf(file)} was changed: ${why}`, { hint: HINT });
}

function nameOf(file: SplitFile): string {
  return JSON.stringify(new TextDecoder().decode(file.name));
}
