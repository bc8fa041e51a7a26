/**
 * How large what an image says may be: every bound that is kept while images are read, in one table.
 *
 * @module
 */

import { LaminaError } from "./error.ts";

/**
 * Bounds that keep a hostile image from taking memory, disk or time without end. Each is checked while the bytes pass, before what they ask
 * for is taken.
 */
export interface Limits {
  /** Entries of one layer. */
  readonly entries: number;
  /** Bytes of a path in an archive, or of a hard link's target. */
  readonly pathBytes: number;
  /** Directories that one stands in, counted where it really is: symbolic links of the layer followed. */
  readonly pathDepth: number;
  /** Bytes of a symbolic link's target. */
  readonly symlinkBytes: number;
  /** Bytes of the extended headers (PAX records, or GNU long names) before one entry. */
  readonly headerBytes: number;
  /** Extended attributes of one entry. */
  readonly xattrs: number;
  /** Bytes of one extended attribute's value. */
  readonly xattrValueBytes: number;
  /** Bytes of one entry's extended attributes, names and values together. */
  readonly xattrBytes: number;
  /** Bytes of one file, holes included. */
  readonly fileBytes: number;
  /** Data parts of one sparse file. */
  readonly sparseParts: number;
  /** Bytes of one layer's uncompressed archive; also of all files of a layer together, holes included. */
  readonly layerBytes: number;
  /** Bytes of the uncompressed archives of an image's layers, each once. */
  readonly imageBytes: number;
  /** Bytes that come out of one byte of a compressed layer, on the average. */
  readonly ratio: number;
  /** Bytes that may come out of a layer whatever its ratio is. */
  readonly ratioFloor: number;
  /** Bytes of the window of a zstd frame, which is the memory that it takes. What is between two powers of two counts as the lower one. */
  readonly zstdWindow: number;
  /** Layers of one image. */
  readonly layers: number;
  /** Bytes of a manifest, an index, a config, or the list of an archive. */
  readonly documentBytes: number;
  /** Entries of a layout's indexes that are looked at to find one image. */
  readonly indexEntries: number;
  /** Members of an archive that holds images (`oci-archive:`, `docker-archive:`). */
  readonly archiveMembers: number;
}

/** One bound, for those who set it. */
export interface LimitSpec {
  /** The default. */
  readonly value: number;
  /** The most that it may be raised to, where Linux or the formats of the store end. */
  readonly most?: number;
  /** What is counted, in a few words. */
  readonly summary: string;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const TIB = 1024 * GIB;

/**
 * The bounds, with their defaults: where Linux has a bound, that one; else far beyond what real images hold.
 *
 * `pathDepth` is that of the deepest path of PATH_MAX bytes; what one inode may have of extended attributes is what EROFS can hold. No
 * gzip is denser than 1032; what a builder makes is below 20, but for files of zeros, for which there is the floor.
 */
export const LIMITS: { readonly [N in keyof Limits]: LimitSpec } = {
  entries: { value: 4_000_000, summary: "entries of a layer" },
  pathBytes: { value: 4095, summary: "length of a path or hard link's target" },
  pathDepth: { value: 2048, most: 2048, summary: "directories within each other" },
  symlinkBytes: { value: 4095, most: 4095, summary: "length of a symbolic link's target" },
  headerBytes: { value: 16 * MIB, summary: "PAX records before an entry" },
  xattrs: { value: 256, summary: "extended attributes of an entry" },
  xattrValueBytes: { value: 32_000, most: 32_000, summary: "value of an extended attribute" },
  xattrBytes: { value: 32_000, most: 32_000, summary: "names and values of them all" },
  fileBytes: { value: TIB, most: 2 ** 53 - 1, summary: "a file, holes included" },
  sparseParts: { value: 1_000_000, summary: "pieces of a sparse file" },
  layerBytes: { value: 128 * GIB, summary: "a layer, unpacked" },
  imageBytes: { value: 512 * GIB, summary: "an image's layers, unpacked" },
  ratio: { value: 200, summary: "bytes out of a byte of a compressed layer" },
  ratioFloor: { value: GIB, summary: "a layer, unpacked, below which no ratio counts" },
  zstdWindow: { value: 128 * MIB, most: 2 * GIB, summary: "window of zstd" },
  layers: { value: 1000, most: 65_535, summary: "layers of an image" },
  documentBytes: { value: 4 * MIB, summary: "a manifest, index or config" },
  indexEntries: { value: 10_000, summary: "entries of a layout's indexes" },
  archiveMembers: { value: 200_000, summary: "members of an archive of images" },
};

/** All defaults. */
export const DEFAULT_LIMITS: Limits = Object.fromEntries(
  Object.entries(LIMITS).map(([name, { value }]) => [name, value]),
) as unknown as Limits;

/** The names of all limits. */
export const LIMIT_NAMES = Object.keys(LIMITS) as readonly (keyof Limits)[];

/** Whether a limit counts bytes. */
export function countsBytes(name: keyof Limits): boolean {
  return /Bytes$|Floor$|Window$/.test(name);
}

/** A limit's name as it is written on a command line: `file-bytes` for `fileBytes`. */
export function limitFlag(name: keyof Limits): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** A limit's value as it is written on a command line: `4M` for 4194304 bytes. */
export function formatLimit(name: keyof Limits, value: number): string {
  if (!countsBytes(name)) return String(value);
  for (const [suffix, unit] of [["T", TIB], ["G", GIB], ["M", MIB], ["K", KIB]] as const) {
    if (value >= unit && value % unit === 0) return `${value / unit}${suffix}`;
  }
  return String(value);
}

/**
 * The error for a limit that is passed. It names the limit, its value and what was met; the hint says how to raise it.
 *
 * @param where What was being read, for the head of the message.
 * @param what What is too large, with its size.
 * @param value What the limit is set to.
 */
export function limitError(
  where: string,
  what: string,
  limit: keyof Limits,
  value: number,
): LaminaError {
  const flag = limitFlag(limit);
  const { most } = LIMITS[limit];
  return new LaminaError(
    "invalid",
    `${where}: ${what}, over the limit ${flag}=${formatLimit(limit, value)}`,
    {
      hint: most !== undefined && value >= most
        ? "This is as much as can be stored: make the image again without it."
        : `If you trust where this comes from, raise the limit: --limit ${flag}=VALUE, or $LAMINA_LIMITS.`,
    },
  );
}
