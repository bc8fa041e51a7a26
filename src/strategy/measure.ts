/**
 * Micro-measurements: what one directory, link, clone or copy costs on a site. Together they take some milliseconds.
 *
 * @module
 */

import {
  AT_FDCWD,
  check,
  close,
  copyAll,
  Fd,
  ficlone,
  fsync,
  linkat,
  mkdirat,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_RDONLY,
  O_WRONLY,
  openat,
  Stat,
  statx,
  utimensat,
  writeAll,
} from "../linux/mod.ts";
import type { Measure } from "./plugin.ts";

/** Repetitions of what is small. */
const REPEAT = 12;
/** Repetitions of what moves more than this many bytes. */
const REPEAT_LARGE = 3;
const LARGE = 256 * 1024;

/** Makes a {@link Measure} that keeps its results by the mounts that they are of: one for each probe of a site. */
export function createMeasure(): Measure {
  const results = new Map<string, number>();
  const once = (what: string, places: readonly string[], measure: () => number): number => {
    const key = [what, ...places.map(mountOf)].join(" ");
    let result = results.get(key);
    if (result === undefined) results.set(key, result = measure());
    return result;
  };
  return {
    directory: (at) => once("directory", [at], () => measureDirectory(at)),
    link: (from, to) => once("link", [from, to], () => measureLink(from, to)),
    clone: (from, to, bytes) =>
      once(`clone ${bytes}`, [from, to], () => measureContent(from, to, bytes, cloneContent)),
    copy: (from, to, bytes) =>
      once(`copy ${bytes}`, [from, to], () => measureContent(from, to, bytes, copyAll)),
    time: (work) => time(5, work),
  };
}

function mountOf(path: string): string {
  const stat = new Stat();
  check(statx(AT_FDCWD, path, 0, stat), "statx", path);
  return `${stat.devMajor}:${stat.devMinor}:${stat.mountId}`;
}

/** What fails between two directories is about the two of them, not about the files that were made to try it. */
const BETWEEN = "from store to target";

function time(repeat: number, work: (index: number) => void): number {
  const samples: number[] = [];
  for (let i = 0; i < repeat; i++) {
    const start = performance.now();
    work(i);
    samples.push((performance.now() - start) * 1000);
  }
  return samples.sort((a, b) => a - b)[samples.length >> 1];
}

const encoder = new TextEncoder();
const name = (label: string, index: number | string) => encoder.encode(`.${label}-${index}\0`);

function measureDirectory(path: string): number {
  using at = Fd.open(path, O_RDONLY | O_DIRECTORY);
  return time(REPEAT, (i) => {
    const directory = name("directory", i);
    check(mkdirat(at.n, directory, 0o755), "mkdir", path);
    const fd = check(openat(at.n, directory, O_RDONLY | O_DIRECTORY), "open", path);
    check(utimensat(fd, null, 1, 0), "futimens", path);
    close(fd);
  });
}

function measureLink(from: string, to: string): number {
  using source = Fd.open(from, O_RDONLY | O_DIRECTORY);
  using target = Fd.open(to, O_RDONLY | O_DIRECTORY);
  const label = `linked-${crypto.randomUUID()}`;
  // Each link to an inode of its own, as in a tree: one that is changed again and again costs the journal less.
  for (let i = 0; i < REPEAT; i++) {
    using _made = Fd.openat(source.n, name(label, i), O_WRONLY | O_CREAT | O_EXCL, 0o644);
  }
  return time(REPEAT, (i) => {
    check(linkat(source.n, name(label, i), target.n, name("link", i)), "link", BETWEEN);
  });
}

function cloneContent(target: number, source: number): void {
  check(ficlone(target, source), "FICLONE", BETWEEN);
}

function measureContent(
  from: string,
  to: string,
  bytes: number,
  place: (target: number, source: number, size: number) => void,
): number {
  using source = Fd.open(from, O_RDONLY | O_DIRECTORY);
  using target = Fd.open(to, O_RDONLY | O_DIRECTORY);
  const file = name("content", crypto.randomUUID());
  {
    using made = Fd.openat(source.n, file, O_WRONLY | O_CREAT | O_EXCL, 0o644);
    const block = new Uint8Array(Math.min(bytes, LARGE)).fill(0x6c);
    for (let done = 0; done < bytes; done += block.length) {
      check(writeAll(made.n, block.subarray(0, bytes - done)), "write", from);
    }
    // What is to be cloned is on disk: a fresh source would first be written, once, and spoil the measure.
    fsync(made.n);
  }
  const label = `${place === copyAll ? "copy" : "clone"}-${bytes}`;
  return time(bytes > LARGE ? REPEAT_LARGE : REPEAT, (i) => {
    const flags = O_WRONLY | O_CREAT | O_EXCL;
    using made = Fd.openat(target.n, name(label, i), flags, 0o644);
    using object = Fd.openat(source.n, file, O_RDONLY);
    place(made.n, object.n, bytes);
    check(utimensat(made.n, null, 1, 0), "futimens", to);
  });
}
