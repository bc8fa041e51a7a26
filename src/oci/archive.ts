/**
 * The files of a tar archive, read where they lie: nothing is unpacked.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { limitError, type Limits } from "../limits.ts";
import { type TarEntry, TarReader, type TarType } from "../tar/mod.ts";
import type { ByteString } from "../tree/inode.ts";
import { type Extent, type Files, readStart, statIfThere } from "./files.ts";

/** Links that are followed to find one file, as many as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

/** First bytes of what a tar archive may be compressed with, and how to undo that. */
const COMPRESSIONS: readonly {
  readonly magic: readonly number[];
  readonly name: string;
  readonly command: string;
}[] = [
  { magic: [0x1f, 0x8b], name: "gzip", command: "gunzip --keep" },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], name: "zstd", command: "unzstd" },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], name: "xz", command: "unxz --keep" },
  { magic: [0x42, 0x5a, 0x68], name: "bzip2", command: "bunzip2 --keep" },
];

/** A member of an archive. */
interface Member {
  readonly type: TarType | "sparse";
  /** Target of a link. */
  readonly link: ByteString;
  /** Where its bytes are in the archive. */
  readonly offset: number;
  readonly size: number;
}

/** An archive. Its headers are read once, when it is opened; the later of two members of one name counts, as when unpacked. */
export class ArchiveFiles implements Files {
  readonly subject: string;
  readonly #members = new Map<ByteString, Member>();

  /**
   * @param path The archive's file.
   * @param limits Of which `archiveMembers` and `fileBytes` matter.
   * @throws {LaminaError} `not-found` where there is none, `unsupported` when it is compressed, `invalid` when it is no tar archive.
   */
  constructor(path: string, limits: Limits) {
    this.subject = path;
    const info = statIfThere(path);
    if (info === undefined) {
      throw new LaminaError("not-found", `opening the archive ${path}: there is no such file`, {
        hint: "Check the path.",
      });
    }
    if (!info.isFile) {
      throw new LaminaError(
        "usage",
        `opening the archive ${path}: it is ${
          info.isDirectory ? "a directory" : "not a regular file"
        }`,
        {
          hint: info.isDirectory
            ? "A layout in a directory is named by oci:DIR."
            : "An archive is read at several places: save it to a file first.",
        },
      );
    }
    const whole: Extent = { file: path, offset: 0, length: info.size };
    refuseCompressed(whole);
    scan(whole, limits, (entry) => {
      const name = normalize(entry.name);
      if (name === undefined) return;
      const { type, link, dataOffset: offset, size } = entry;
      this.#members.set(name, {
        type: entry.sparse === null ? type : "sparse",
        link,
        offset,
        size,
      });
    });
  }

  /** See {@link Files.find}. Links within the archive are followed. */
  find(name: string): Extent | undefined {
    let at = toByteString(name);
    for (let links = 0; links <= MAX_LINKS; links++) {
      const member = this.#members.get(at);
      if (member === undefined) return undefined;
      if (member.type === "file") {
        return { file: this.subject, offset: member.offset, length: member.size };
      }
      const target = member.type === "symlink"
        ? normalize(
          `${
            member.link.startsWith("/") ? "" : at.slice(0, at.lastIndexOf("/") + 1)
          }${member.link}`,
        )
        : member.type === "link"
        ? normalize(member.link)
        : undefined;
      if (target === undefined) {
        throw new LaminaError(
          "invalid",
          `reading ${name} of ${this.subject}: it is not a file, or a link that leads out`,
          {
            hint: "Save the image again.",
          },
        );
      }
      at = target;
    }
    throw new LaminaError("invalid", `reading ${name} of ${this.subject}: links lead in a circle`, {
      hint: "Save the image again.",
    });
  }
}

/**
 * Reads an archive's headers, passing over the data of its members.
 *
 * @throws {LaminaError} `invalid` when it is no tar archive, or is cut short.
 */
function scan(whole: Extent, limits: Limits, visit: (entry: TarEntry) => void): void {
  const { archiveMembers } = limits;
  const sink = {
    entry(entry: TarEntry) {
      if (reader.entries > archiveMembers) {
        const what = `it has more than ${archiveMembers} members`;
        throw limitError("reading its headers", what, "archiveMembers", archiveMembers);
      }
      visit(entry);
    },
    data() {},
    endEntry() {},
  };
  const reader = new TarReader(sink, { ...limits, entries: Infinity });
  const block = new Uint8Array(512);
  let at = 0;
  try {
    using file = Deno.openSync(whole.file);
    while (!reader.ended && at < whole.length) {
      const skip = reader.skippable;
      if (skip > 0) {
        reader.skip(skip);
        at += skip;
        file.seekSync(at, Deno.SeekMode.Start);
        continue;
      }
      const read = file.readSync(block);
      if (read === null) break;
      reader.push(block.subarray(0, read));
      at += read;
    }
    if (at > whole.length) {
      throw new LaminaError(
        "invalid",
        "the tar archive is cut short: its last member is not whole",
      );
    }
    reader.end();
  } catch (cause) {
    const error = cause as Error;
    const kind = error instanceof LaminaError ? error.kind : "failed";
    throw new LaminaError(kind, `opening the archive ${whole.file}: ${error.message}`, {
      cause,
      hint: (error as LaminaError).hint ??
        "An image's archive is made by skopeo copy, podman save or docker save; fetch it again if it was cut short.",
    });
  }
}

function refuseCompressed(whole: Extent): void {
  const start = readStart(whole, 6);
  const compression = COMPRESSIONS.find(({ magic }) =>
    magic.every((byte, index) => start[index] === byte)
  );
  if (compression === undefined) return;
  throw new LaminaError(
    "unsupported",
    `opening the archive ${whole.file}: it is compressed with ${compression.name}, and an archive is read at several places`,
    { hint: `Decompress it first: ${compression.command} ${whole.file}` },
  );
}

/** UTF-8 bytes, one character each, as names in archives are kept. */
function toByteString(text: string): ByteString {
  let bytes = "";
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return normalize(bytes) ?? "";
}

/** A path without empty and `.` components and with `..` undone; undefined when it leads out of the archive or is empty. */
function normalize(path: ByteString): ByteString | undefined {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.length === 0 ? undefined : parts.join("/");
}
