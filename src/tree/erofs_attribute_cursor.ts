/**
 * The xattrs of an inode in an image, one after the other, as they lie there.
 *
 * @module
 */

import { MAX_SHARED, XATTR_HEADER } from "./erofs_format.ts";
import { type ErofsImage, malformed } from "./erofs_image.ts";
import { PREFIX_BYTES, type SplitName } from "./erofs_names.ts";

/** Walks through the xattrs of one inode after another. */
export class AttributeCursor {
  /** The current xattr: which prefix its name has. */
  index = 0;
  /** Where the rest of its name is. */
  suffix = 0;
  /** Bytes of that. */
  suffixLength = 0;
  /** Where its value is. */
  value = 0;
  /** Bytes of that. */
  valueLength = 0;
  /** Whether it is one of the shared table, which other inodes may have as well. */
  shared = false;

  readonly #image: ErofsImage;
  #nid = 0;
  /** The next reference, and the number of those left; then the next entry, and the end of all. */
  #reference = 0;
  #references = 0;
  #entry = 0;
  #end = 0;

  /** Makes a cursor that has to be {@link start}ed. */
  constructor(image: ErofsImage) {
    this.#image = image;
  }

  /** Turns to the xattrs of an inode. */
  start(nid: number): void {
    const image = this.#image;
    this.#nid = nid;
    const length = image.xattrsLength(nid);
    const body = image.xattrs(nid);
    this.#references = length === 0 ? 0 : image.bytes[body + 4];
    this.#reference = body + XATTR_HEADER;
    this.#entry = this.#reference + 4 * this.#references;
    this.#end = body + length;
    if (length > 0 && (this.#entry > this.#end || this.#references > MAX_SHARED)) {
      throw this.#malformed();
    }
    if (length === 0) this.#entry = this.#end;
  }

  /** Goes to the next xattr, if there is one. */
  next(): boolean {
    const image = this.#image;
    this.shared = this.#references > 0;
    if (this.shared) {
      this.#references--;
      this.#read(image.sharedXattrs + 4 * image.u32[this.#reference >>> 2], image.bytes.length);
      this.#reference += 4;
      return true;
    }
    if (this.#entry === this.#end) return false;
    this.#read(this.#entry, this.#end);
    this.#entry = this.value + this.valueLength + 3 & ~3;
    return true;
  }

  /** Goes to the xattr of a name, if the inode has it. */
  find(nid: number, name: SplitName): boolean {
    this.start(nid);
    while (this.next()) if (this.is(name)) return true;
    return false;
  }

  /** Whether the current xattr has this name. */
  is({ index, suffix }: SplitName): boolean {
    return this.index === index && this.suffixLength === suffix.length && this.startsWith(suffix);
  }

  /** Whether what follows the current xattr's prefix starts with these bytes, from `skip` on. */
  startsWith(bytes: Uint8Array, skip = 0): boolean {
    if (this.suffixLength - skip < bytes.length) return false;
    const all = this.#image.bytes;
    for (let i = 0; i < bytes.length; i++) {
      if (all[this.suffix + skip + i] !== bytes[i]) return false;
    }
    return true;
  }

  #read(at: number, end: number): void {
    const { bytes } = this.#image;
    if (at + 4 > end) throw this.#malformed();
    this.suffixLength = bytes[at];
    this.index = bytes[at + 1];
    this.valueLength = bytes[at + 2] | bytes[at + 3] << 8;
    this.suffix = at + 4;
    this.value = this.suffix + this.suffixLength;
    if (this.value + this.valueLength > end || PREFIX_BYTES[this.index] === undefined) {
      throw this.#malformed();
    }
  }

  #malformed(): Error {
    return malformed(`the xattrs of inode ${this.#nid} are not where they can be`);
  }
}
