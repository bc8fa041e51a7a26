/**
 * Micro-measurements: what one directory, link, clone or copy costs on a site. Together they take some milliseconds.
 *
 * @module
 */

import {
  AT_FDCWD,
  check,
  close,
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
  unlinkat,
  utimensat,
  writeAll,
} from "../linux/mod.ts";
import { copyContent } from "./materialize/content.ts";
import type { Measure } from "./plugin.ts";

/** Repetitions: at least and at most so many, in between as many as fit into these microseconds. */
const [ENOUGH, MOST, BUDGET] = [5, 64, 8_000];
/** What contents are written by. */
const BLOCK = 256 * 1024;

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
      once(`copy ${bytes}`, [from, to], () => measureContent(from, to, bytes, copyContent)),
    time: (work, settle) => time(work, settle),
  };
}

function mountOf(path: string): string {
  const stat = new Stat();
  check(statx(AT_FDCWD, path, 0, stat), "statx", path);
  return `${stat.devMajor}:${stat.devMinor}:${stat.mountId}`;
}

/** What fails between two directories is about the two of them, not about the files that were made to try it. */
const BETWEEN = "from store to target";

/**
 * One call in microseconds: the lowest tenth, which says what it takes once its code is compiled and when nobody else is at work. What
 * loading and compiling take is counted apart, see {@link probe!LOADING}.
 */
function time<T>(work: (index: number) => T, settle?: (made: T) => void): number {
  const samples: number[] = [];
  let least = Infinity;
  for (let spent = 0; samples.length < ENOUGH || samples.length < MOST && spent < BUDGET;) {
    const start = performance.now();
    const made = work(samples.length);
    const took = (performance.now() - start) * 1000;
    samples.push(took);
    least = Math.min(least, took);
    // Where it was interrupted, it did nothing.
    spent += Math.min(took, 4 * least);
    settle?.(made);
  }
  return samples.sort((a, b) => a - b)[Math.floor(samples.length / 10)];
}

const encoder = new TextEncoder();
const name = (label: string, index: number | string) => encoder.encode(`.${label}-${index}\0`);

function measureDirectory(path: string): number {
  using at = Fd.open(path, O_RDONLY | O_DIRECTORY);
  return time((i) => {
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
  for (let i = 0; i < MOST; i++) {
    using _made = Fd.openat(source.n, name(label, i), O_WRONLY | O_CREAT | O_EXCL, 0o644);
  }
  return time((i) => {
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
    const block = new Uint8Array(Math.min(bytes, BLOCK)).fill(0x6c);
    for (let done = 0; done < bytes; done += block.length) {
      check(writeAll(made.n, block.subarray(0, bytes - done)), "write", from);
    }
    // What is to be cloned is on disk: a fresh source would first be written, once, and spoil the measure.
    fsync(made.n);
  }
  const label = `${place === copyContent ? "copy" : "clone"}-${bytes}`;
  // Large ones go at once: a probe has to do with little room.
  const settle = (made: Uint8Array) => {
    if (bytes >= BLOCK) check(unlinkat(target.n, made), "unlink", to);
  };
  return time((i) => {
    const flags = O_WRONLY | O_CREAT | O_EXCL;
    const copy = name(label, i);
    using made = Fd.openat(target.n, copy, flags, 0o644);
    using object = Fd.openat(source.n, file, O_RDONLY);
    place(made.n, object.n, bytes);
    check(utimensat(made.n, null, 1, 0), "futimens", to);
    return copy;
  }, settle);
}
