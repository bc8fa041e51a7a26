/**
 * What a walk made, and how.
 *
 * @module
 */

import type { Skipped } from "./metadata.ts";

/** Counts of one thread's work; plain data, so that it can be sent. */
export interface Counts extends Skipped {
  directories: number;
  /** Regular files by how they got their content; each name of a hard-link group but the first is in `hardLinks` instead. */
  linked: number;
  cloned: number;
  copied: number;
  /** Further names of files that were made already. */
  hardLinks: number;
  symlinks: number;
  /** Devices, fifos, sockets. */
  specials: number;
  /** Bytes that were written (not cloned, not linked). */
  copiedBytes: number;
  clonedBytes: number;
}

/** All zero. */
export function noCounts(): Counts {
  return {
    directories: 0,
    linked: 0,
    cloned: 0,
    copied: 0,
    hardLinks: 0,
    symlinks: 0,
    specials: 0,
    copiedBytes: 0,
    clonedBytes: 0,
    owners: 0,
    xattrs: 0,
    modes: 0,
    devices: 0,
  };
}

/** Adds the counts of another thread. */
export function addCounts(to: Counts, from: Counts): void {
  for (const key of Object.keys(to) as (keyof Counts)[]) to[key] += from[key];
}

/** The counts as a composition's notes: those that are not zero, and what had to be left out by a name that says so. */
export function notes(counts: Counts): Record<string, number> {
  const { owners, xattrs, modes, devices, ...made } = counts;
  const all: Record<string, number> = {
    ...made,
    skippedOwners: owners,
    skippedXattrs: xattrs,
    skippedModes: modes,
    skippedDevices: devices,
  };
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
}
