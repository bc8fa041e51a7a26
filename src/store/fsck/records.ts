/**
 * Names, leases and compositions: whether their records can be read, and what they refer to is there.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import { FileLock, MOUNT_SOURCE, readMounts } from "../../linux/mod.ts";
import { listDirectory, readIfThere } from "../atomic.ts";
import type { CompositionRecord } from "../compositions.ts";
import type { Store } from "../store.ts";
import type { Finding } from "./finding.ts";
import { hasImage } from "./images.ts";

/** Checks all names, leases and compositions. */
export function* checkRecords(store: Store): Generator<Finding> {
  yield* checkNames(store);
  yield* checkLeases(store);
  yield* checkCompositions(store);
}

function* checkNames(store: Store): Generator<Finding> {
  for (const file of listDirectory(store.layout.tags)) {
    const name = nameOf(file);
    const wrong = (message: string): Finding => ({
      kind: "name-image",
      severity: "damage",
      id: name,
      message,
      images: [],
    });
    const digest = store.names.get(name);
    // Removed meanwhile.
    if (digest === undefined && readIfThere(`${store.layout.tags}/${file}`) === undefined) continue;
    if (digest === undefined || !isDigest(digest)) yield wrong("it names no digest");
    else if (!hasImage(store, digest) && store.names.get(name) === digest) {
      yield wrong(`its image ${digest} is not in the store`);
    }
  }
}

function* checkLeases(store: Store): Generator<Finding> {
  for (const id of listDirectory(store.layout.leases)) {
    const finding = (kind: "lease-record" | "lease-image", message: string): Finding => ({
      kind,
      severity: "damage",
      id,
      message,
      images: [],
    });
    try {
      const lease = store.leases.get(id);
      if (lease === undefined) continue;
      if (!isDigest(lease.image)) yield finding("lease-record", "it keeps no digest");
      else if (!hasImage(store, lease.image) && store.leases.get(id)?.image === lease.image) {
        yield finding("lease-image", `its image ${lease.image} is not in the store`);
      }
    } catch (error) {
      if (!(error instanceof LaminaError)) throw error;
      yield finding("lease-record", "it is not JSON");
    }
  }
}

function* checkCompositions(store: Store): Generator<Finding> {
  const { compositions } = store.layout;
  for (const id of listDirectory(compositions)) {
    const record = readRecord(store, id);
    if (record === "damaged") {
      yield {
        kind: "composition-record",
        severity: "damage",
        id,
        message: `its record cannot be read${mountsText(unrecordedMounts(store))}`,
        images: [],
      };
    } else if (record === undefined) {
      // Others make and forget compositions under this lock: who has it may be at this one.
      using records = FileLock.tryExclusive(`${store.layout.locks}/compositions`);
      if (records === undefined) continue;
      if (listDirectory(compositions).includes(id) && readRecord(store, id) === undefined) {
        yield leftover(`compositions/${id}`, "a composition that was killed before it began");
      }
    } else if (!hasImage(store, record.image) && readRecord(store, id) !== undefined) {
      yield {
        kind: "composition-image",
        severity: "damage",
        id,
        path: record.target,
        message: `its image ${record.image} is not in the store: lamina release ${id}`,
        images: [],
      };
    }
  }
}

function mountsText(mounts: readonly string[]): string {
  return mounts.length === 0 ? "" : `; no record has the mount ${mounts.join(", ")}: umount it`;
}

/** Where overlays of the store's are mounted that no composition's record has. */
export function unrecordedMounts(store: Store): string[] {
  const recorded = new Set(readable(store).map(({ target }) => target));
  return readMounts()
    .filter(({ path, source, superOptions }) =>
      source === MOUNT_SOURCE && superOptions.includes(`${store.root}/`) && !recorded.has(path)
    )
    .map(({ path }) => path);
}

/** The compositions whose records can be read, the oldest first. */
export function readable(store: Store): CompositionRecord[] {
  return listDirectory(store.layout.compositions).map((id) => readRecord(store, id))
    .filter((record) => record !== undefined && record !== "damaged")
    .sort((a, b) => (a.created < b.created ? -1 : a.created > b.created ? 1 : 0));
}

function readRecord(store: Store, id: string): CompositionRecord | "damaged" | undefined {
  try {
    const record = store.compositions.get(id);
    if (record === undefined) return undefined;
    return record.id === id && isDigest(record.image) && record.target.startsWith("/")
      ? record
      : "damaged";
  } catch (error) {
    if (error instanceof LaminaError || error instanceof TypeError) return "damaged";
    throw error;
  }
}

/** What a killed process left. */
export function leftover(path: string, message: string): Finding {
  return { kind: "leftover", severity: "reclaimable", id: path, message, images: [] };
}

function isDigest(text: string): boolean {
  return /^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$/.test(text);
}

/** The name that a file in tags/ is for. */
export function nameOf(file: string): string {
  try {
    return decodeURIComponent(file);
  } catch {
    return file;
  }
}
