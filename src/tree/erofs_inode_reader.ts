/**
 * Reads inodes of an image, without the entries of directories: metadata, xattrs, content.
 *
 * @module
 */

import { isObjectPath } from "./digest.ts";
import { AttributeCursor } from "./erofs_attribute_cursor.ts";
import {
  ESCAPED_OVERLAY,
  fileType,
  LAYOUT_CHUNKS,
  MAX_FILE,
  MAX_INLINE,
  METACOPY,
  OPAQUE,
  OVERLAY,
  REDIRECT,
  XATTR_PREFIXES,
} from "./erofs_format.ts";
import { type DataPlace, type ErofsImage, malformed } from "./erofs_image.ts";
import { PREFIX_BYTES, splitName } from "./erofs_names.ts";
import {
  type ByteString,
  Inode,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from "./inode.ts";
import { byteStrings } from "./latin1.ts";

/** Head of a metacopy xattr with a SHA-256 digest, which follows: version 0, 36 bytes, no flags, algorithm 1. */
const METACOPY_HEAD = [0, 36, 0, 1];
const METACOPY_LENGTH = 36;
const MAX_PATH = 4095;
const MAX_KEY = 255;
const SLASH = 0x2f;

const metacopy = splitName(METACOPY);
const redirect = splitName(REDIRECT);
const opaque = splitName(OPAQUE);
const PREFIXES = Array.from(
  PREFIX_BYTES,
  (_, index) => XATTR_PREFIXES.find((entry) => entry.index === index)?.prefix ?? "",
);

/** Reads inodes of one image. */
export class InodeReader {
  readonly #image: ErofsImage;
  readonly #cursor: AttributeCursor;
  readonly #text: (start: number, end: number) => ByteString;
  readonly #place: DataPlace = { blocks: 0, blocksLength: 0, tail: 0, tailLength: 0 };
  /** Xattrs of the shared table, by their place: read once for all inodes that have them. */
  readonly #shared = new Map<number, { key: ByteString; value: Uint8Array }>();
  #taken = 0;

  /** Begins with nothing read. */
  constructor(image: ErofsImage) {
    this.#image = image;
    this.#cursor = new AttributeCursor(image);
    this.#text = byteStrings(image.bytes);
  }

  /**
   * Counts bytes of data that an inode has for itself. As no two share any, they cannot be more than the image has: an
   * image that pretends so would grow without end.
   */
  take(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken > this.#image.bytes.length) throw malformed("inodes share data in it");
  }

  /** One inode, as the tree had it. A whiteout is still a file with marks, and so is the directory that it is in. */
  inode(nid: number): Inode {
    const image = this.#image;
    const mode = image.mode(nid);
    if (fileType(mode) === 0) throw malformed(`inode ${nid} has mode ${mode.toString(8)}`);
    const inode = new Inode(mode);
    inode.uid = image.uid(nid);
    inode.gid = image.gid(nid);
    inode.mtime = image.mtimeOf(nid);
    inode.nsec = image.nsecOf(nid);
    if (!Number.isSafeInteger(inode.mtime) || inode.nsec >= 1e9) {
      throw malformed(`inode ${nid} has an impossible modification time`);
    }
    if (inode.children === null) inode.nlink = image.nlink(nid);
    switch (mode & S_IFMT) {
      case S_IFREG:
        this.#content(nid, inode);
        break;
      case S_IFLNK:
        this.#target(nid, inode);
        break;
      case S_IFDIR:
        break;
      default:
        this.#special(nid, inode);
    }
    if (image.xattrsLength(nid) > 0) this.#xattrs(nid, inode);
    return inode;
  }

  #content(nid: number, inode: Inode): void {
    const image = this.#image;
    inode.size = image.size(nid);
    if (image.layout(nid) === LAYOUT_CHUNKS) {
      if (inode.size > 0 && inode.size <= MAX_FILE) return;
    } else if (inode.size <= MAX_INLINE) {
      if (inode.size > 0) inode.content = this.#data(nid);
      return;
    }
    throw malformed(`file ${nid} has an impossible size, ${inode.size}`);
  }

  /** The data of a file that is kept inline, or of a symbolic link. */
  #data(nid: number): Uint8Array {
    const { bytes } = this.#image;
    const place = this.#place;
    this.#image.locate(nid, place);
    const data = new Uint8Array(place.blocksLength + place.tailLength);
    this.take(data.length);
    data.set(bytes.subarray(place.blocks, place.blocks + place.blocksLength));
    data.set(bytes.subarray(place.tail, place.tail + place.tailLength), place.blocksLength);
    return data;
  }

  #target(nid: number, inode: Inode): void {
    const size = this.#image.size(nid);
    if (size > 0 && size <= MAX_PATH) {
      const place = this.#place;
      this.#image.locate(nid, place);
      this.take(size);
      const inBlocks = this.#text(place.blocks, place.blocks + place.blocksLength);
      inode.target = inBlocks + this.#text(place.tail, place.tail + place.tailLength);
      if (!inode.target.includes("\0")) return;
    }
    throw malformed(`symbolic link ${nid} has an impossible target`);
  }

  #special(nid: number, inode: Inode): void {
    const image = this.#image;
    const type = inode.mode & S_IFMT;
    if (type === S_IFCHR || type === S_IFBLK) inode.rdev = image.union(nid);
    // A dump can give a device a size. It is not written, but where it needs more than 32 bits the inode is extended
    // for no other reason, and that is all there is left of it.
    const needed = inode.mtime !== image.mtime || inode.nsec !== image.nsec ||
      inode.nlink > 0xffff || inode.uid > 0xffff || inode.gid > 0xffff;
    if (image.isExtended(nid) && !needed) inode.size = 2 ** 32;
  }

  #xattrs(nid: number, inode: Inode): void {
    const cursor = this.#cursor;
    const isObject = inode.size > 0 && inode.content === null && (inode.mode & S_IFMT) === S_IFREG;
    cursor.start(nid);
    while (cursor.next()) {
      if (isObject && cursor.is(metacopy)) this.#digest(nid, inode);
      else if (isObject && cursor.is(redirect)) this.#payload(nid, inode);
      else if (nid !== this.#image.rootNid || !cursor.is(opaque)) this.#xattr(nid, inode);
    }
  }

  #digest(nid: number, inode: Inode): void {
    const { value, valueLength } = this.#cursor;
    const { bytes } = this.#image;
    if (valueLength === 0) return;
    if (valueLength !== METACOPY_LENGTH || METACOPY_HEAD.some((b, i) => bytes[value + i] !== b)) {
      throw malformed(`file ${nid} has a digest that is not of SHA-256`);
    }
    inode.digest = bytes.slice(value + METACOPY_HEAD.length, value + valueLength);
  }

  #payload(nid: number, inode: Inode): void {
    const { value, valueLength } = this.#cursor;
    const slash = this.#image.bytes[value] === SLASH ? 1 : 0;
    const { digest } = inode;
    const length = valueLength - slash;
    if (digest !== null && isObjectPath(this.#image.bytes, value + slash, length, digest)) {
      return inode.setObject(digest);
    }
    inode.payload = this.#text(value + slash, value + valueLength);
    if (inode.payload.length > MAX_PATH || inode.payload.includes("\0")) {
      throw malformed(`file ${nid} has an impossible path of its content`);
    }
  }

  #xattr(nid: number, inode: Inode): void {
    const cursor = this.#cursor;
    const known = cursor.shared ? this.#shared.get(cursor.value) : undefined;
    const { key, value } = known ?? this.#decode(nid);
    if (cursor.shared && known === undefined) this.#shared.set(cursor.value, { key, value });
    const xattrs = inode.xattrs ??= new Map();
    if (xattrs.has(key)) throw malformed(`inode ${nid} has the xattr ${key} twice`);
    xattrs.set(key, value);
  }

  #decode(nid: number): { key: ByteString; value: Uint8Array } {
    const { index, suffix, suffixLength, value, valueLength } = this.#cursor;
    let key = PREFIXES[index] + this.#text(suffix, suffix + suffixLength);
    const escaped = key.startsWith(ESCAPED_OVERLAY);
    if (escaped) key = OVERLAY + key.slice(ESCAPED_OVERLAY.length);
    const impossible = key.length === 0 || key.length > MAX_KEY || key.includes("\0");
    if (impossible || !escaped && key.startsWith(OVERLAY)) {
      throw malformed(`inode ${nid} has an xattr that composefs does not write`);
    }
    // A shared one comes here once: without this, overlapping ones could be many times the image.
    this.take(valueLength);
    return { key, value: this.#image.bytes.slice(value, value + valueLength) };
  }
}
