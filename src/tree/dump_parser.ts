/**
 * Reads the text form of a tree, composefs-dump(5): what mkcomposefs takes and composefs-info prints.
 *
 * One line for each entry, with fields separated by single spaces: PATH SIZE MODE NLINK UID GID RDEV MTIME PAYLOAD CONTENT
 * DIGEST and any number of KEY=VALUE. Where mkcomposefs is lenient by accident (blanks and signs before numbers, numbers
 * cut to 32 bits, digests of any length), this parser refuses.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { objectPath } from "./digest.ts";
import { decimal, digestField, dumpError, octal, unescape, unescapePlain } from "./dump_fields.ts";
import { fileType, MAX_FILE, MAX_INLINE, MAX_U32 } from "./erofs_format.ts";
import { validName } from "./erofs_numbering.ts";
import { firstPaths } from "./first_paths.ts";
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
import { byteString, toBytes } from "./latin1.ts";

/** So much is looked at at once, up to the end of a line; and no line may be much longer. */
const CHUNK = 1 << 16;
const MAX_LINE = 1 << 24;
const NEWLINE = 10;
/** Largest xattrs of an inode: 12, and for each 7 and the bytes of its key and value. */
const MAX_XATTRS = 32767;
/** Largest text of them. */
const MAX_XATTR_TEXT = 65535;

/** The fields that every line has. */
const PATH = 0;
const SIZE = 1;
const MODE = 2;
const NLINK = 3;
const UID = 4;
const GID = 5;
const RDEV = 6;
const MTIME = 7;
const PAYLOAD = 8;
const CONTENT = 9;
const DIGEST = 10;
const FIELDS = 11;
/** Names of those that must not be empty. */
const NAMES = ["PATH", "SIZE", "MODE", "NLINK", "UID", "GID", "RDEV", "MTIME"];

/** A hard link whose target is not known yet. */
interface Pending {
  readonly line: number;
  readonly directory: Inode;
  readonly name: ByteString;
  readonly target: ByteString;
}

/** An inode that has hard links, and the path of its own line. */
interface Target {
  readonly inode: Inode;
  readonly path: ByteString;
}

class DumpParser {
  readonly #strict: boolean;
  #root: Inode | null = null;
  /** Number of the current line, and its fields. */
  #line = 0;
  readonly #fields: string[] = new Array(FIELDS).fill("");
  /** Directories by path, the root's being empty. */
  readonly #directories = new Map<ByteString, Inode>();
  /** The one asked for last. */
  #recent: { path: ByteString; directory: Inode } | undefined;
  /** Hard links by the inode that keeps their place. */
  readonly #pending = new Map<Inode, Pending>();

  constructor(strict: boolean) {
    this.#strict = strict;
  }

  parse(text: Uint8Array): Inode {
    for (let at = 0; at < text.length;) {
      const newline = text.indexOf(NEWLINE, Math.min(at + CHUNK, text.length) - 1);
      const end = newline < 0 ? text.length : newline;
      if (end - at > CHUNK + MAX_LINE) throw dumpError(this.#line + 1, "the line is too long");
      this.#lines(byteString(text, at, end));
      if (newline < 0 && this.#strict) this.#fail("it does not end in a newline");
      at = end + 1;
    }
    if (this.#root === null) throw new LaminaError("invalid", "the dump is empty");
    this.#resolveLinks();
    return this.#root;
  }

  #fail(reason: string): never {
    throw dumpError(this.#line, reason);
  }

  #lines(chunk: string): void {
    const nul = chunk.indexOf("\0");
    for (let at = 0; at <= chunk.length;) {
      const newline = chunk.indexOf("\n", at);
      const end = newline < 0 ? chunk.length : newline;
      this.#line++;
      if (nul >= at && nul < end) this.#fail(`byte ${nul - at + 1} is NUL`);
      this.#entry(chunk, at, end);
      at = end + 1;
    }
  }

  #entry(chunk: string, start: number, end: number): void {
    let at = start;
    for (let field = 0; field < FIELDS; field++) {
      if (at > end) this.#fail(`it has ${field} fields, ${FIELDS} are needed`);
      const space = chunk.indexOf(" ", at);
      const stop = space < 0 || space > end ? end : space;
      if (stop === at && field <= MTIME) this.#fail(`${NAMES[field]} is empty`);
      this.#fields[field] = chunk.slice(at, stop);
      at = stop + 1;
    }
    const path = unescapePlain(this.#fields[PATH], this.#line, "PATH");
    const mode = this.#fields[MODE];
    if (mode.startsWith("@")) {
      this.#link(path, this.#mode(mode.slice(1)));
    } else {
      const inode = new Inode(this.#mode(mode));
      this.#enter(inode, path);
      this.#numbers(inode);
      this.#data(inode);
      if (at <= end) this.#xattrs(inode, chunk.slice(at, end));
    }
  }

  #mode(text: string): number {
    const mode = octal(text, this.#line, "MODE");
    if (fileType(mode) === 0) this.#fail(`MODE ${text} has no file type`);
    return mode;
  }

  /** Puts an inode into the tree. */
  #enter(inode: Inode, path: ByteString): Pending | null {
    if (path === "/") {
      if (inode.children === null) this.#fail("the root is not a directory");
      if (this.#root !== null) this.#fail("the root is there already");
      this.#root = inode;
      this.#directories.set("", inode);
      return null;
    }
    if (!path.startsWith("/")) this.#fail("PATH does not start with /");
    if (this.#root === null) this.#fail("the root is not the first entry");
    const slash = path.lastIndexOf("/");
    const name = path.slice(slash + 1);
    if (!validName(name)) {
      this.#fail(`PATH ends in ${JSON.stringify(name)}, which cannot be a name`);
    }
    const directory = this.#parent(path.slice(0, slash));
    const children = directory.children!;
    if (children.has(name)) this.#fail(`${path} is there already`);
    children.set(name, inode);
    if (inode.children !== null) this.#directories.set(path, inode);
    return { line: this.#line, directory, name, target: "" };
  }

  /** The directory of a path; entries of one directory mostly follow each other. */
  #parent(path: ByteString): Inode {
    if (path === this.#recent?.path) return this.#recent.directory;
    const directory = this.#directories.get(path);
    if (directory === undefined) this.#noParent(path);
    this.#recent = { path, directory };
    return directory;
  }

  #noParent(path: ByteString): never {
    // The root's own path is empty here.
    if (path === "/") this.#fail("PATH starts with two slashes");
    this.#fail(
      this.#find(path) === undefined
        ? `the directory ${path} is not there (parents come before what is in them)`
        : `${path} is not a directory`,
    );
  }

  #find(path: ByteString): Inode | undefined {
    const slash = path.lastIndexOf("/");
    if (slash < 0) return undefined;
    if (path === "/") return this.#root!;
    return this.#directories.get(path) ??
      this.#directories.get(path.slice(0, slash))?.children?.get(path.slice(slash + 1));
  }

  #numbers(inode: Inode): void {
    const fields = this.#fields;
    const line = this.#line;
    inode.size = decimal(fields[SIZE], MAX_FILE, line, "SIZE");
    inode.nlink = decimal(fields[NLINK], MAX_U32, line, "NLINK");
    inode.uid = decimal(fields[UID], MAX_U32, line, "UID");
    inode.gid = decimal(fields[GID], MAX_U32, line, "GID");
    const rdev = decimal(fields[RDEV], MAX_U32, line, "RDEV");
    const type = inode.mode & S_IFMT;
    if (type === S_IFCHR || type === S_IFBLK) inode.rdev = rdev;
    else if (this.#strict && rdev !== 0) this.#fail("RDEV is not 0, but this is not a device");
    const mtime = fields[MTIME];
    const point = mtime.indexOf(".");
    if (point < 0) this.#fail(`MTIME ${JSON.stringify(mtime)} is not SECONDS.NANOSECONDS`);
    const negative = mtime.startsWith("-");
    const seconds = mtime.slice(negative ? 1 : 0, point);
    inode.mtime = decimal(seconds, Number.MAX_SAFE_INTEGER, line, "MTIME");
    if (negative) inode.mtime = 0 - inode.mtime;
    inode.nsec = decimal(mtime.slice(point + 1), 999_999_999, line, "MTIME's nanoseconds");
  }

  /** PAYLOAD, CONTENT and DIGEST, and what SIZE means for this type. */
  #data(inode: Inode): void {
    const fields = this.#fields;
    const line = this.#line;
    switch (inode.mode & S_IFMT) {
      case S_IFREG:
        if (fields[PAYLOAD] !== "-") {
          inode.payload = unescapePlain(fields[PAYLOAD], line, "PAYLOAD");
          if (inode.payload.length > 4095) this.#fail("PAYLOAD is longer than 4095 bytes");
        }
        if (fields[CONTENT] !== "-") this.#content(inode);
        if (fields[DIGEST] !== "-") {
          const digest = digestField(fields[DIGEST], line);
          if (inode.payload === objectPath(digest)) inode.setObject(digest);
          else inode.digest = digest;
        }
        return;
      case S_IFLNK: {
        const target = unescapePlain(fields[PAYLOAD], line, "PAYLOAD");
        if (fields[PAYLOAD] === "-") this.#fail("the symbolic link has no target");
        if (target.length === 0 || target.length > 4095) {
          this.#fail("the target is not 1 to 4095 bytes long");
        }
        if (this.#strict && inode.size !== target.length) {
          this.#fail(`SIZE ${inode.size} is not the length of the target, ${target.length}`);
        }
        inode.target = target;
        inode.size = 0;
        break;
      }
      default:
        if (fields[PAYLOAD] !== "-") this.#fail("PAYLOAD is for files, links and symbolic links");
        if (inode.children !== null) {
          inode.size = 0;
          inode.nlink = 1;
        }
    }
    if (fields[CONTENT] !== "-") this.#fail("CONTENT is for regular files");
    if (fields[DIGEST] !== "-") this.#fail("DIGEST is for regular files");
  }

  #content(inode: Inode): void {
    const content = unescape(this.#fields[CONTENT], this.#line, "CONTENT");
    if (content.length !== inode.size) {
      this.#fail(`SIZE is ${inode.size}, but CONTENT has ${content.length} bytes`);
    }
    if (content.length > MAX_INLINE) this.#fail(`CONTENT is longer than ${MAX_INLINE} bytes`);
    if (content.length > 0) inode.content = toBytes(content);
  }

  #xattrs(inode: Inode, text: string): void {
    const line = this.#line;
    if (text.length > MAX_XATTR_TEXT) {
      this.#fail(`the xattrs are longer than ${MAX_XATTR_TEXT} bytes`);
    }
    const xattrs = new Map<ByteString, Uint8Array>();
    let size = 12;
    for (const field of text.split(" ")) {
      const equals = field.indexOf("=");
      if (equals < 0) this.#fail(`the xattr ${JSON.stringify(field)} has no =`);
      const key = unescapePlain(field.slice(0, equals), line, "an xattr's KEY");
      if (key.length === 0 || key.length > 255) {
        this.#fail("an xattr's KEY is not 1 to 255 bytes long");
      }
      const value = toBytes(unescape(field.slice(equals + 1), line, "an xattr's VALUE"));
      const replaced = xattrs.get(key);
      if (replaced !== undefined) size -= 7 + key.length + replaced.length;
      size += 7 + key.length + value.length;
      if (size > MAX_XATTRS) this.#fail(`the xattrs are larger than ${MAX_XATTRS} bytes`);
      xattrs.set(key, value);
    }
    inode.xattrs = xattrs;
  }

  #link(path: ByteString, mode: number): void {
    const field = this.#fields[PAYLOAD];
    if ((mode & S_IFMT) === S_IFDIR) this.#fail("a directory cannot be a hard link");
    if (field === "-") this.#fail("the hard link has no target");
    const target = unescapePlain(field, this.#line, "PAYLOAD");
    if (!target.startsWith("/")) this.#fail("the target of the hard link does not start with /");
    const inode = new Inode(mode);
    const place = this.#enter(inode, path);
    if (place !== null) this.#pending.set(inode, { ...place, target });
  }

  /** Puts the inodes in the places of the hard links to them. */
  #resolveLinks(): void {
    const found = new Map<Pending, Target>();
    for (const pending of this.#pending.values()) this.#follow(pending, found);
    const own = new Map<Inode, ByteString>();
    for (const [link, { inode, path }] of found) {
      link.directory.children!.set(link.name, inode);
      own.set(inode, path.slice(1));
    }
    if (own.size === 0) return;
    for (const [inode, first] of firstPaths(this.#root!, new Set(own.keys()))) {
      const path = own.get(inode)!;
      if (path !== first) inode.canonical = path;
    }
  }

  /** Finds what a hard link leads to, perhaps over other hard links. */
  #follow(start: Pending, found: Map<Pending, Target>): void {
    const chain = new Set<Pending>();
    let target: Target | undefined;
    for (let link = start; target === undefined;) {
      chain.add(link);
      const inode = this.#find(link.target);
      if (inode === undefined) {
        throw dumpError(link.line, `the target ${link.target} of the hard link is not there`);
      }
      if (inode.children !== null) {
        throw dumpError(link.line, `the target ${link.target} of the hard link is a directory`);
      }
      const next = this.#pending.get(inode);
      if (next === undefined) {
        target = { inode, path: link.target };
      } else {
        if (chain.has(next)) throw dumpError(link.line, "the hard link leads back to itself");
        target = found.get(next);
        link = next;
      }
    }
    for (const link of chain) found.set(link, target);
  }
}

/**
 * The tree that a dump describes.
 *
 * @param options `strict`: as with mkcomposefs under CFS_PARSE_STRICT, the last line must end in a newline, RDEV must be 0
 *   for what is no device, and SIZE of a symbolic link the length of its target.
 * @throws LaminaError (invalid) with the number of the line and what is wrong with it.
 */
export function parseDump(text: Uint8Array, options: { readonly strict?: boolean } = {}): Inode {
  return new DumpParser(options.strict ?? false).parse(text);
}
