/**
 * What a tar archive says, entry by entry.
 *
 * @module
 */

import type { ByteString } from "../tree/inode.ts";

/** What kind of file an entry is. `link` is a hard link. */
export type TarType =
  | "file"
  | "link"
  | "symlink"
  | "char"
  | "block"
  | "directory"
  | "fifo";

/**
 * One entry, with what extended headers say applied. The reader fills one object again and again: keep values, not the entry.
 */
export class TarEntry {
  /** What kind of file it is. */
  type: TarType = "file";
  /** The name as the archive has it: not normalised, never empty unless the archive's is. */
  name: ByteString = "";
  /** Target of a `link` or `symlink`, as the archive has it; else empty. */
  link: ByteString = "";
  /** Permission bits, setuid, setgid, sticky: 0 to 0o7777. */
  mode = 0;
  /** Owner: 0 to 4294967294. */
  uid = 0;
  /** Group: 0 to 4294967294. */
  gid = 0;
  /** Bytes of the file, holes included; 0 unless `type` is `file`. */
  size = 0;
  /** Modification time, whole seconds since the epoch; may be negative. */
  mtime = 0;
  /** Modification time, nanoseconds, 0 to 999,999,999. */
  nsec = 0;
  /** Major device number of `char` and `block`; else 0. */
  major = 0;
  /** Minor device number of `char` and `block`; else 0. */
  minor = 0;
  /** Extended attributes by full name, or null for none. A new map and new arrays for each entry. */
  xattrs: Map<ByteString, Uint8Array> | null = null;
  /**
   * The parts of a sparse file that hold data, as offset, length, offset, length … in ascending order, without overlap; all
   * else is holes. {@link TarSink.data} gets these parts one after the other. Null for a file without holes.
   */
  sparse: number[] | null = null;
  /** Where the entry's first header block stands in the stream, in bytes, for error messages. */
  offset = 0;
  /** Where the entry's data starts in the stream, in bytes. */
  dataOffset = 0;
}

/** What takes the entries. An exception that it throws goes through {@link TarReader.push}. */
export interface TarSink {
  /** An entry begins. The object is the reader's own: see {@link TarEntry}. */
  entry(entry: TarEntry): void;
  /** Bytes of the entry's data: a view of what was pushed, valid only during the call; never empty. */
  data(bytes: Uint8Array): void;
  /** The entry is complete: all its data has been given. */
  endEntry(): void;
}
