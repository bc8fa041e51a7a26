/**
 * The second half of an ingest: takes the archive from a ring, checks its DiffID, unpacks it, indexes it.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { LaminaError } from "../error.ts";
import type { Limits } from "../limits.ts";
import {
  AT_FDCWD,
  check,
  Fd,
  fremovexattr,
  mkdirat,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  writeAll,
} from "../linux/mod.ts";
import { TarReader } from "../tar/mod.ts";
import { Numbering } from "../tree/erofs_numbering.ts";
import { streamErofs } from "../tree/erofs_writer.ts";
import type { Inode } from "../tree/inode.ts";
import { InodeTree } from "../tree/source.ts";
import { toHex } from "../tree/digest.ts";
import { FsVerityHasher } from "../tree/verity.ts";
import { complete } from "./complete.ts";
import type { DiskForm } from "./form.ts";
import { explain } from "./failure.ts";
import { NativeForm } from "./native_form.ts";
import { Objects } from "./objects.ts";
import { type Ring, RingStopped } from "./ring.ts";
import { RootlessForm } from "./rootless_form.ts";
import { settle } from "./settle.ts";
import {
  ENTRIES,
  type LayerResult,
  type LayerSource,
  type LayerTarget,
  UNPACKED,
} from "./types.ts";
import { Unpacker } from "./unpacker.ts";

/** What of the process decides how files are made. */
export interface Owner {
  readonly umask: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Unpacks a layer from a ring.
 *
 * Objects are made only when the whole archive has been read, the blob and the archive are what their digests say, and all of it
 * is durable. Until then nothing outside the staging directory is touched.
 *
 * @param native Whether files get their true owners, devices and `trusted.*` attributes.
 * @param indexed Called when all is verified and the index is written, before objects are made.
 * @throws {LaminaError} With the layer's digest and, if it is about one, the entry's path.
 * @throws {RingStopped} The other side failed, or all is cancelled.
 */
export function unpackLayer(
  source: Pick<LayerSource, "digest" | "diffId">,
  target: LayerTarget,
  ring: Ring,
  limits: Limits,
  native: boolean,
  owner: Owner,
  counters: BigInt64Array,
  indexed: () => void,
): LayerResult {
  try {
    const form: DiskForm = native
      ? new NativeForm(owner.umask, owner.uid, owner.gid)
      : new RootlessForm(owner.umask);
    using fs = makeRoot(target.staging);
    using objects = new Objects(target.objects, target.staging, native);
    using unpacker = new Unpacker(fs.n, form, objects, limits);
    const bytes = receive(source, ring, unpacker, limits, counters);
    ring.written();
    const { root } = unpacker.directories;
    const { entries, fileBytes, useless } = complete(unpacker.directories, unpacker.linked);
    const indexDigest = writeIndex(root, `${target.staging}/index.erofs`);
    indexed();
    ring.awaitDurable();
    const sharedBytes = settle(fs.n, root, useless, unpacker.content, form, objects);
    return {
      diffId: source.diffId,
      bytes,
      fileBytes,
      entries,
      sharedBytes,
      metacopies: objects.metacopies,
      indexDigest,
      droppedXattrs: unpacker.droppedXattrs,
      ignoredEntries: unpacker.ignoredEntries,
    };
  } catch (error) {
    ring.failSink();
    throw error instanceof RingStopped ? error : explain(error, `unpacking layer ${source.digest}`);
  }
}

/** Hands the ring's bytes to the hash and the archive's reader, to their end. Returns how many there were. */
function receive(
  source: Pick<LayerSource, "digest" | "diffId">,
  ring: Ring,
  unpacker: Unpacker,
  limits: Limits,
  counters: BigInt64Array,
): number {
  const hash = ring.hashes ? undefined : createHash("sha256");
  const reader = new TarReader(unpacker, limits);
  let bytes = 0;
  for (let slot = ring.next(); slot !== undefined; slot = ring.next()) {
    hash?.update(slot);
    reader.push(slot);
    bytes += slot.length;
    ring.release();
    Atomics.store(counters, UNPACKED, BigInt(bytes));
    Atomics.store(counters, ENTRIES, BigInt(reader.entries));
  }
  const actual = `sha256:${hash?.digest("hex") ?? toHex(ring.digest())}`;
  if (actual !== source.diffId) {
    throw new LaminaError(
      "invalid",
      `the image's config says that its DiffID is ${source.diffId}, but it is ${actual}`,
      {
        hint:
          "The image is made wrongly, or somebody passes one layer off as another: do not use it.",
      },
    );
  }
  reader.end();
  unpacker.end();
  return bytes;
}

function makeRoot(staging: string): Fd {
  using directory = Fd.open(staging, O_RDONLY | O_DIRECTORY);
  check(mkdirat(directory.n, "fs", 0o700), "mkdir", `${staging}/fs`);
  const fs = Fd.openat(directory.n, "fs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  // Where the directories above have a default ACL it would be handed down to every file of the layer.
  fremovexattr(fs.n, "system.posix_acl_default");
  fremovexattr(fs.n, "system.posix_acl_access");
  return fs;
}

/** Writes a layer's tree, completed, as an image. Returns its fs-verity digest. */
function writeIndex(root: Inode, path: string): string {
  using fd = Fd.openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  const verity = new FsVerityHasher();
  streamErofs(new Numbering(new InodeTree(root, true)), (piece) => {
    verity.update(piece);
    check(writeAll(fd.n, piece), "write", path);
  });
  return toHex(verity.digest());
}
