/**
 * Checking a store: everything in it against its digest and its references.
 *
 * @module
 */

import { displayPath, toCString } from "../../linux/mod.ts";
import { listDirectory } from "../atomic.ts";
import { COUNTED, readFormat } from "../format.ts";
import type { Store } from "../store.ts";
import { checkChains } from "./chains.ts";
import { Crew } from "./crew.ts";
import type { Finding, Problem } from "./finding.ts";
import { checkDocuments, checkRebuild, hasImage, readImage, wrongTree } from "./images.ts";
import type { CheckJob } from "./jobs.ts";
import { checkRecords, leftover } from "./records.ts";
import { Scope } from "./scope.ts";
import { SharedFiles } from "./shared.ts";

/** How to check. */
export interface CheckOptions {
  /** Only references and metadata: contents are not read, trees are not made again. */
  readonly quick?: boolean;
  /** Digests of images: only these, their layers, trees and contents. Default: everything. */
  readonly images?: readonly string[];
  /** Threads; 0: the caller's own. Default: 2 where there is enough to read, else 0. */
  readonly threads?: number;
  /** Stops it. */
  readonly signal?: AbortSignal;
  /** Told how far it is. */
  readonly onProgress?: (progress: CheckProgress) => void;
}

/** How far a check is. */
export interface CheckProgress {
  /** What is looked at. */
  readonly phase: "objects" | "layers";
  /** Pieces of the work that are done: directories of objects, layers. */
  readonly done: number;
  /** All pieces. */
  readonly total: number;
}

/** What a check looked at. */
export interface Checked {
  /** Images. */
  images: number;
  /** Layers. */
  layers: number;
  /** Bytes of content that were read. */
  bytes: number;
}

/** Layers from which on threads are worth their start. */
const MANY_BYTES = 64 << 20;

/**
 * Checks a store while pulls and compositions go on; the collector waits. What is found comes as it is found.
 *
 * @returns What it looked at.
 * @throws {LaminaError} `failed` where something cannot be looked at.
 * @throws The signal's reason.
 */
export async function* checkStore(
  store: Store,
  options: CheckOptions = {},
): AsyncGenerator<Finding, Checked> {
  if (options.images === undefined) yield* findLeftovers(store);
  using _shared = await store.working(options.signal);
  return yield* checkLocked(store, options);
}

/** Like {@link checkStore}; hold the store's lock. */
async function* checkLocked(
  store: Store,
  options: CheckOptions = {},
): AsyncGenerator<Finding, Checked> {
  const inspection = inspect(store, options);
  let next = await inspection.next();
  for (; !next.done; next = await inspection.next()) yield next.value.finding;
  return next.value;
}

/** What is found, and the problem of a layer or an object that it is made of. */
export interface Inspected {
  readonly finding: Finding;
  readonly problem?: Problem;
}

/** Like {@link checkLocked}, for who wants to repair what is found. */
export async function* inspect(
  store: Store,
  options: CheckOptions,
): AsyncGenerator<Inspected, Checked> {
  const { quick = false } = options;
  const checked: Checked = { images: 0, layers: 0, bytes: 0 };
  if (options.images === undefined) {
    yield* found(checkDirectories(store));
    yield* found(checkRecords(store));
  }
  const scope = new Scope(store, options.images);
  for (const digest of options.images ?? store.images.digests()) {
    options.signal?.throwIfAborted();
    checked.images++;
    yield* found(checkImage(store, digest, scope, quick));
  }
  if (options.images === undefined) yield* found(checkChains(store, scope.images, quick));
  // What was just written is where it is said to be only once it is there.
  if (!quick) store.sync();
  yield* checkContents(store, options, scope, checked);
  return checked;
}

function* found(findings: Iterable<Finding>): Generator<Inspected> {
  for (const finding of findings) yield { finding };
}

/** Directories that every store has had from the first; others are made when they are needed. */
function* checkDirectories({ layout }: Store): Generator<Finding> {
  const { objects, layers, images, trees, tags, compositions, tmp, locks } = layout;
  for (const path of [objects, layers, images, trees, tags, compositions, tmp, locks]) {
    let there = false;
    try {
      there = Deno.lstatSync(path).isDirectory;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    if (there) continue;
    const id = path.slice(layout.root.length + 1);
    const message = "the directory is missing";
    yield { kind: "store-directory", severity: "damage", id, message, images: [] };
  }
}

function* checkImage(
  store: Store,
  digest: string,
  scope: Scope,
  quick: boolean,
): Generator<Finding> {
  const found: Finding[] = [];
  const report = (kind: Finding["kind"], message: string, path?: string) =>
    void found.push({
      kind,
      severity: "damage",
      id: digest,
      ...path === undefined ? {} : { path },
      message,
      images: [digest],
    });
  const image = readImage(store, digest, report);
  if (image !== undefined) {
    scope.images.push(image);
    checkDocuments(store, image, report);
    for (const { diffId } of image.layers) {
      if (listDirectory(store.layout.layer(diffId)).length > 0) continue;
      report("image-layer", `its layer ${diffId} is not in the store`, diffId);
    }
    const wrong = wrongTree(store, image.tree.digest);
    if (wrong !== undefined) report("image-tree", wrong);
    if (!quick) checkRebuild(store, image, report);
  }
  // Somebody may have removed it meanwhile.
  if (found.length > 0 && hasImage(store, digest)) yield* found;
}

async function* checkContents(
  store: Store,
  options: CheckOptions,
  scope: Scope,
  checked: Checked,
): AsyncGenerator<Inspected> {
  const { layout, native } = store;
  const { quick = false, signal, onProgress } = options;
  const objects = layout.objects;
  const diffIds = scope.layers();
  const wanted = scope.contents();
  using crew = new Crew(options.threads ?? threadsFor(store, diffIds));
  const shared = new SharedFiles(store);
  const damaged = new Set<number>();
  const directories: CheckJob[] = listDirectory(objects).filter((name) =>
    /^[0-9a-f]{2}$/.test(name)
  )
    .map((directory) => ({ type: "objects", objects, directory, wanted, quick }));
  let done = 0;
  for await (const { problems, bytes } of crew.run(directories, signal)) {
    onProgress?.({ phase: "objects", done: ++done, total: directories.length });
    checked.bytes += bytes;
    for (const problem of problems) {
      const { kind, message, payload, ino } = problem;
      if (kind === "object-content") damaged.add(ino!);
      const images = scope.usersOf(payload!.slice(0, 65));
      const finding: Finding = { kind, severity: "damage", id: payload!, message, images };
      yield { finding: { ...finding, ...sharedWith(shared, ino) }, problem };
    }
  }
  const counted = readFormat(layout.format)!["ro-compat"].includes(COUNTED);
  const layers = diffIds.map((diffId) => {
    const path = layout.layer(diffId);
    const check = { path, objects, native, counted, quick, damaged };
    return { type: "layer", diffId, check } as const;
  });
  done = 0;
  for await (const { job, problems, bytes } of crew.run(layers, signal)) {
    onProgress?.({ phase: "layers", done: ++done, total: layers.length });
    checked.layers++;
    checked.bytes += bytes;
    for (const problem of problems) {
      const found = findingOf(job.diffId, problem, scope.imagesOf(job.diffId));
      yield { finding: { ...found, ...sharedWith(shared, problem.ino) }, problem };
    }
  }
}

function findingOf(diffId: string, { kind, path, message }: Problem, images: string[]): Finding {
  const about = path === undefined ? {} : {
    path: kind.startsWith("entry-") || kind === "layer-object"
      ? `/${displayPath(toCString(path))}`
      : path,
  };
  return { kind, severity: "damage", id: diffId, ...about, message, images };
}

function sharedWith(
  shared: SharedFiles,
  ino: number | undefined,
): Pick<Finding, "sharedWith"> {
  const files = ino === undefined ? [] : shared.of(ino);
  return files.length === 0 ? {} : { sharedWith: files };
}

function threadsFor(store: Store, diffIds: readonly string[]): number {
  let bytes = 0;
  for (const diffId of diffIds) {
    try {
      bytes += store.layers.record(diffId)?.fileBytes ?? 0;
    } catch {
      // The layer's own check says so.
    }
  }
  return bytes < MANY_BYTES ? 0 : 2;
}

/** What killed processes left, if nobody is at work, who might need it. */
function findLeftovers(store: Store): Finding[] {
  using alone = store.tryAlone();
  return alone === undefined ? [] : [...leftovers(store)];
}

function* leftovers(store: Store): Generator<Finding> {
  const { layout } = store;
  for (const name of listDirectory(layout.tmp)) {
    yield leftover(`tmp/${name}`, "a killed process was making this");
  }
  for (const name of listDirectory(layout.objects)) {
    if (name.startsWith(".")) yield leftover(`objects/${name}`, "a copy that was not finished");
  }
  const layers = new Set(store.layers.list());
  for (const name of listDirectory(layout.locks)) {
    const diffId = /^layer-(.*)$/.exec(name)?.[1].replace("-", ":");
    if (diffId !== undefined && !layers.has(diffId)) {
      yield leftover(`locks/${name}`, "the lock of a layer that never came");
    }
  }
}
