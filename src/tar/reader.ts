/**
 * Reads a tar archive that is pushed in chunks of any size: ustar, PAX, GNU, and what was before them.
 *
 * What it accepts, and what it makes of odd archives, stands in README.md beside this file.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { DEFAULT_LIMITS, limitError, type Limits } from "../limits.ts";
import { displayPath, toCString } from "../linux/path.ts";
import type { ByteString } from "../tree/inode.ts";
import {
  checkNames,
  DIRECTORY,
  GNU_DIRECTORY,
  GNU_SPARSE,
  mergeXattrs,
  showFlag,
  typeOfFlag,
} from "./checks.ts";
import { TarEntry, type TarSink } from "./entry.ts";
import {
  BLOCK,
  checksumIsRight,
  headerName,
  isZeroBlock,
  parseNumber,
  parseString,
} from "./header.ts";
import { malformed } from "./malformed.ts";
import { parsePax, PaxFields } from "./pax.ts";
import { checkSparseMap, readGnuParts, SparseMapReader } from "./sparse.ts";

/** What the next bytes are. */
const HEADER = 0;
/** Data of the entry. */
const DATA = 1;
/** Bytes that mean nothing: padding, and data that belongs to no entry. */
const SKIP = 2;
/** An extended header's data. */
const EXTENSION = 3;
/** A further block of an old GNU sparse map. */
const GNU_MAP = 4;
/** A block of a PAX 1.0 sparse map. */
const PAX_MAP = 5;
/** Behind the end of the archive. */
const END = 6;

/** Largest id: the one above means "leave it" to chown(2). */
const MAX_ID = 0xfffffffe;

/** A push parser: give it bytes, it calls the sink. After an error it is of no more use. */
export class TarReader {
  readonly #sink: TarSink;
  readonly #limits: Limits;
  readonly #entry = new TarEntry();
  #state = HEADER;
  /** Bytes in the stream before what the current push has consumed. */
  #position = 0;
  /** Blocks that come in pieces are put together here. */
  readonly #partial = new Uint8Array(BLOCK);
  #partialLength = 0;
  /** Bytes left of the entry's data, or to skip. */
  #left = 0;
  /** Bytes of padding behind the data. */
  #padding = 0;
  #zeroBlocks = 0;
  #count = 0;

  /** The extended header being collected: a buffer that is used again, how much of it is there and will be, its type. */
  #extension = new Uint8Array(4096);
  #extensionLength = 0;
  #extensionSize = 0;
  #extensionType = 0;
  #extensionStart = 0;
  /** What extended headers say about the next entry. */
  #pax: PaxFields | undefined;
  #global: PaxFields | undefined;
  #longName: ByteString | undefined;
  #longLink: ByteString | undefined;
  #pending = 0;
  /** The sparse map being collected. */
  #gnuMap: number[] = [];
  #paxMap: SparseMapReader | undefined;
  /** Bytes of data that the archive holds for the entry. */
  #stored = 0;

  /**
   * Makes a reader for one archive.
   *
   * @param sink What takes the entries.
   * @param limits Bounds that differ from {@link DEFAULT_LIMITS}.
   */
  constructor(sink: TarSink, limits: Partial<Limits> = {}) {
    this.#sink = sink;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /** How many entries have begun. */
  get entries(): number {
    return this.#count;
  }

  /** How many of the next bytes need not be pushed, if the caller can pass over them: see {@link skip}. */
  get skippable(): number {
    if (this.#state === DATA) return this.#left + this.#padding;
    return this.#state === SKIP ? this.#left : 0;
  }

  /** Whether the mark of the archive's end has been read: everything from here on is ignored. */
  get ended(): boolean {
    return this.#state === END;
  }

  /**
   * Passes over bytes that are not pushed; {@link TarSink.data} never sees them.
   *
   * @param bytes At most {@link skippable}.
   */
  skip(bytes: number): void {
    if (bytes < 0 || bytes > this.skippable) throw new RangeError(`cannot skip ${bytes} bytes`);
    this.#position += bytes;
    if (this.#state === DATA) {
      const data = Math.min(bytes, this.#left);
      this.#left -= data;
      if (this.#left > 0) return;
      this.#endData();
      bytes -= data;
    }
    this.#left -= bytes;
    if (this.#state === SKIP && this.#left === 0) this.#state = HEADER;
  }

  /**
   * Takes the next bytes.
   *
   * @throws {LaminaError} `invalid`, with the entry and its place: the archive is malformed or goes beyond a limit.
   */
  push(chunk: Uint8Array): void {
    const base = this.#position;
    const length = chunk.length;
    let at = 0;
    while (at < length) {
      switch (this.#state) {
        case DATA: {
          const end = Math.min(length, at + this.#left);
          this.#left -= end - at;
          const data = chunk.subarray(at, end);
          at = end;
          this.#position = base + at;
          this.#sink.data(data);
          if (this.#left === 0) this.#endData();
          break;
        }
        case SKIP: {
          const end = Math.min(length, at + this.#left);
          this.#left -= end - at;
          at = end;
          if (this.#left === 0) this.#state = HEADER;
          break;
        }
        case EXTENSION: {
          const end = Math.min(length, at + this.#extensionSize - this.#extensionLength);
          this.#extension.set(chunk.subarray(at, end), this.#extensionLength);
          this.#extensionLength += end - at;
          at = end;
          if (this.#extensionLength === this.#extensionSize) this.#endExtension();
          break;
        }
        case END:
          at = length;
          break;
        default: {
          let block: Uint8Array;
          if (this.#partialLength === 0 && length - at >= BLOCK) {
            block = chunk.subarray(at, at + BLOCK);
            at += BLOCK;
          } else {
            const end = Math.min(length, at + BLOCK - this.#partialLength);
            this.#partial.set(chunk.subarray(at, end), this.#partialLength);
            this.#partialLength += end - at;
            at = end;
            if (this.#partialLength < BLOCK) break;
            this.#partialLength = 0;
            block = this.#partial;
          }
          this.#position = base + at;
          if (this.#state === HEADER) this.#header(block);
          else if (this.#state === GNU_MAP) this.#gnuMapBlock(block);
          else this.#paxMapBlock(block);
        }
      }
    }
    this.#position = base + length;
  }

  /**
   * Says that the stream is over. An archive may lack its end mark, as long as nothing is cut.
   *
   * @throws {LaminaError} `invalid`: it ends in the middle of something.
   */
  end(): void {
    if (this.#state === END) return;
    const what = this.#unfinished();
    if (what === undefined) return;
    throw new LaminaError(
      "invalid",
      `the tar archive is cut short: it ends ${what}, at byte ${this.#position}`,
      { hint: "Fetch the layer again." },
    );
  }

  /** What the stream has begun and not finished. */
  #unfinished(): string | undefined {
    switch (this.#state) {
      case DATA:
      case GNU_MAP:
      case PAX_MAP:
        return `within ${this.#name()}`;
      case EXTENSION:
        return "within an extended header";
    }
    if (this.#partialLength > 0) return "within a header";
    // Nothing is lost where only padding is missing.
    return this.#pending > 0 ? "between an extended header and its entry" : undefined;
  }

  #header(block: Uint8Array): void {
    const start = this.#position - BLOCK;
    if (block[0] === 0 && isZeroBlock(block)) {
      if (this.#pending > 0) {
        throw this.#error(`at byte ${start}`, "the archive ends behind an extended header");
      }
      if (++this.#zeroBlocks === 2) this.#state = END;
      return;
    }
    if (this.#zeroBlocks > 0) {
      throw this.#error(`at byte ${start}`, "a single block of zeros stands between entries");
    }
    if (!checksumIsRight(block)) {
      throw this.#error(
        `at byte ${start}, behind ${this.#count === 0 ? "nothing" : this.#name()}`,
        "this is no tar header: its checksum is wrong",
      );
    }
    const type = block[156];
    this.#entry.offset = start;
    switch (type) {
      case 0x78: // x
      case 0x58: // X: the same from Solaris
      case 0x67: // g
      case 0x4c: // L: GNU long name
      case 0x4b: // K: GNU long link
        return this.#beginExtension(block, type, start);
      case 0x56: // V: GNU volume label
        return this.#skip(padded(this.#number(block, 124, 12, "size")));
    }
    this.#beginEntry(block, type);
  }

  #beginExtension(block: Uint8Array, type: number, start: number): void {
    this.#extensionStart = start;
    const size = parseNumber(block, 124, 12);
    if (!(size >= 0)) {
      throw malformed(this.#whereExtension(), "its size is no usable number");
    }
    this.#pending += size + BLOCK;
    if (this.#pending > this.#limits.headerBytes) {
      throw limitError(
        this.#whereExtension(),
        `an entry has ${this.#pending} bytes of extended headers`,
        "headerBytes",
        this.#limits.headerBytes,
      );
    }
    if (this.#extension.length < size) this.#extension = new Uint8Array(size);
    this.#extensionLength = 0;
    this.#extensionSize = size;
    this.#extensionType = type;
    this.#padding = padded(size) - size;
    if (size === 0) this.#endExtension();
    else this.#state = EXTENSION;
  }

  #endExtension(): void {
    const data = this.#extension.subarray(0, this.#extensionSize);
    switch (this.#extensionType) {
      case 0x67:
        parsePax(data, this.#global ??= new PaxFields(), this.#whereExtension, this.#limits, true);
        // It is no part of the next entry: an archive may end behind it.
        this.#pending = 0;
        break;
      case 0x4c:
        this.#longName = parseString(data, 0, data.length);
        break;
      case 0x4b:
        this.#longLink = parseString(data, 0, data.length);
        break;
      default:
        parsePax(data, this.#pax = new PaxFields(), this.#whereExtension, this.#limits, false);
    }
    this.#skip(this.#padding);
  }

  #beginEntry(block: Uint8Array, flag: number): void {
    const entry = this.#entry;
    const pax = this.#pax;
    entry.name = pax?.sparseName ?? pax?.path ?? this.#longName ?? headerName(block);
    entry.link = pax?.linkpath ?? this.#longLink ?? parseString(block, 157, 100);
    entry.major = entry.minor = 0;
    entry.sparse = null;
    if (++this.#count > this.#limits.entries) {
      throw limitError(
        this.#where(),
        `the archive has more than ${this.#limits.entries} entries`,
        "entries",
        this.#limits.entries,
      );
    }
    const type = typeOfFlag(flag, entry.name);
    if (type === undefined) {
      throw this.#error(this.#name(), `entries of type ${showFlag(flag)} are not supported`);
    }
    entry.type = type;
    entry.mode = this.#number(block, 100, 8, "mode") & 0o7777;
    entry.uid = this.#id(
      pax?.uid ?? this.#global?.uid ?? this.#number(block, 108, 8, "uid"),
      "uid",
    );
    entry.gid = this.#id(
      pax?.gid ?? this.#global?.gid ?? this.#number(block, 116, 8, "gid"),
      "gid",
    );
    if (pax?.mtime !== undefined) {
      entry.mtime = pax.mtime;
      entry.nsec = pax.nsec;
    } else if (this.#global?.mtime !== undefined) {
      entry.mtime = this.#global.mtime;
      entry.nsec = this.#global.nsec;
    } else {
      entry.mtime = this.#number(block, 136, 12, "mtime", true);
      entry.nsec = 0;
    }
    if (type === "char" || type === "block") {
      entry.major = this.#number(block, 329, 8, "device major number");
      entry.minor = this.#number(block, 337, 8, "device minor number");
    }
    const own = pax?.xattrs ?? null;
    const common = this.#global?.xattrs ?? null;
    entry.xattrs = own === null && common === null
      ? null
      : mergeXattrs(own, common, this.#limits, this.#where);
    checkNames(entry, this.#limits, this.#where);
    this.#pax = undefined;
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#pending = 0;

    entry.size = 0;
    this.#stored = 0;
    // Data follows only the header of a file, whatever size another type's header claims.
    if (type === "file") {
      this.#stored = pax?.size ?? this.#number(block, 124, 12, "size");
      entry.size = this.#stored;
      if (flag === GNU_SPARSE) return this.#beginGnuSparse(block);
      if (pax !== undefined && pax.sparseMajor !== undefined) return this.#beginPaxSparse(pax);
      if (pax?.sparseMap !== undefined) return this.#endSparse(pax.sparseMap, pax.sparseSize);
    } else if (type === "directory" && flag !== DIRECTORY && flag !== GNU_DIRECTORY) {
      const size = pax?.size ?? this.#number(block, 124, 12, "size");
      if (size > 0) throw this.#error(this.#name(), "it is named as a directory and has data");
    } else if (flag === GNU_DIRECTORY) {
      // GNU's incremental directory: its data is a list of names.
      const size = pax?.size ?? this.#number(block, 124, 12, "size");
      this.#announce();
      return this.#skip(padded(size));
    }
    this.#announce();
  }

  /** Gives the entry to the sink, and its end if it has no data. */
  #announce(): void {
    const entry = this.#entry;
    if (entry.size > this.#limits.fileBytes) {
      throw limitError(
        this.#where(),
        `it has ${entry.size} bytes`,
        "fileBytes",
        this.#limits.fileBytes,
      );
    }
    entry.dataOffset = this.#position;
    this.#left = this.#stored;
    this.#padding = padded(this.#stored) - this.#stored;
    this.#sink.entry(entry);
    if (this.#left === 0) this.#endData();
    else this.#state = DATA;
  }

  #endData(): void {
    this.#sink.endEntry();
    this.#skip(this.#padding);
  }

  #skip(bytes: number): void {
    this.#left = bytes;
    this.#state = bytes === 0 ? HEADER : SKIP;
  }

  #beginGnuSparse(block: Uint8Array): void {
    this.#gnuMap = [];
    this.#entry.size = this.#number(block, 483, 12, "real size");
    readGnuParts(block, 386, 4, this.#gnuMap, this.#where(), this.#limits);
    if (block[482] !== 0) this.#state = GNU_MAP;
    else this.#endSparse(this.#gnuMap, this.#entry.size);
  }

  #gnuMapBlock(block: Uint8Array): void {
    readGnuParts(block, 0, 21, this.#gnuMap, this.#where(), this.#limits);
    if (block[504] === 0) this.#endSparse(this.#gnuMap, this.#entry.size);
  }

  #beginPaxSparse(pax: PaxFields): void {
    if (pax.sparseMajor !== 1 || (pax.sparseMinor ?? 0) !== 0 || pax.sparseSize === undefined) {
      throw this.#error(
        this.#name(),
        `its sparse format ${pax.sparseMajor}.${pax.sparseMinor ?? 0} is unknown, or has no size`,
      );
    }
    this.#entry.size = pax.sparseSize;
    this.#paxMap = new SparseMapReader(this.#where(), this.#limits);
    if (this.#stored < BLOCK) throw this.#error(this.#name(), "its sparse map is missing");
    this.#state = PAX_MAP;
  }

  #paxMapBlock(block: Uint8Array): void {
    const reader = this.#paxMap!;
    this.#stored -= BLOCK;
    if (reader.block(block)) this.#endSparse(reader.map, this.#entry.size);
    else if (this.#stored < BLOCK) throw this.#error(this.#name(), "its sparse map is cut short");
  }

  #endSparse(map: readonly number[], size: number | undefined): void {
    const entry = this.#entry;
    if (size === undefined) throw this.#error(this.#name(), "the size of a sparse file is missing");
    entry.size = size;
    const parts = checkSparseMap(map, size, this.#stored, this.#where());
    entry.sparse = size === this.#stored ? null : parts;
    this.#announce();
  }

  #id(value: number, what: string): number {
    if (value > MAX_ID) throw this.#error(this.#name(), `its ${what} ${value} is out of range`);
    return value;
  }

  #number(
    block: Uint8Array,
    offset: number,
    length: number,
    what: string,
    signed = false,
  ): number {
    const value = parseNumber(block, offset, length);
    if (value >= 0 || (signed && value < 0)) return value;
    throw this.#error(this.#name(), `the ${what} in its header is no usable number`);
  }

  /** Head of messages about the current entry. */
  readonly #where = (): string => `reading tar ${this.#name()}`;

  /** Head of messages about an extended header: its entry is not known yet, the one before it is. */
  readonly #whereExtension = (): string => {
    const before = this.#count === 0 ? "the first entry" : `the entry behind ${this.#shownName()}`;
    return `reading tar extended header at byte ${this.#extensionStart}, of ${before}`;
  };

  /** The current entry as messages name it. */
  #name(): string {
    return `entry ${this.#shownName()} (header at byte ${this.#entry.offset})`;
  }

  #shownName(): string {
    const name = displayPath(toCString(this.#entry.name));
    return name.length > 300 ? `${name.slice(0, 300)}…` : name;
  }

  #error(where: string, reason: string): LaminaError {
    return malformed(`reading tar ${where}`, reason);
  }
}

/** A size rounded up to whole blocks. */
function padded(size: number): number {
  const rest = size % BLOCK;
  return rest === 0 ? size : size + BLOCK - rest;
}
