/**
 * Repairs of layers and objects: entries as the index has them, indexes and records as the layer's blob makes them, contents out of whatever
 * whole copy there is, or out of the blob, fetched again.
 *
 * @module
 */

import { LaminaError } from "../../../error.ts";
import { explain } from "../../../layer/failure.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  check,
  renameat2,
  Stat,
  statx,
  SysError,
} from "../../../linux/mod.ts";
import { countTree, type Inode } from "../../../tree/mod.ts";
import { replaceFile } from "../../atomic.ts";
import { noteSweep } from "../../gc/leftovers.ts";
import type { ImageRecord } from "../../images.ts";
import type { LayerRecord } from "../../layers.ts";
import type { Store } from "../../store.ts";
import type { Problem } from "../finding.ts";
import { checkRebuild, readImage } from "../images.ts";
import { readIndex, readRecord } from "../jobs.ts";
import { Contents } from "./contents.ts";
import type { Quarantine } from "./quarantine.ts";
import { LayerRestorer } from "./restore.ts";
import type { Supplier } from "./supplier.ts";

const silent = () => {};

/** Repairs layers and objects of one store. Hold the store alone. */
export class LayerRepairer implements Disposable {
  /** Of layers that were left alone: the compositions whose mounts use them. */
  readonly inUse: Map<string, readonly string[]> = new Map();
  readonly #store: Store;
  readonly #supplier: Supplier;
  readonly #quarantine: Quarantine;
  readonly #contents: Contents;
  readonly #failed: (why: string) => void;
  readonly #stagings = new DisposableStack();
  /** Layers that it was tried to fetch. */
  readonly #tried = new Set<string>();
  /** Of these, those where something else than the source was in the way: the next repair may get them. */
  readonly #troubled = new Set<string>();
  /** Index, record and files of layers that were fetched again. */
  readonly #fetchedAt = new Map<string, { readonly record: LayerRecord; readonly path: string }>();
  #users: ReadonlyMap<string, readonly string[]> = new Map();

  /** @param failed Told why something could not be done. */
  constructor(
    store: Store,
    supplier: Supplier,
    quarantine: Quarantine,
    failed: (why: string) => void,
  ) {
    this.#store = store;
    this.#supplier = supplier;
    this.#quarantine = quarantine;
    this.#contents = new Contents(store);
    this.#failed = failed;
  }

  /** What is to be known before a round: the objects that are not what they should be, and what mounts use. */
  begin(damaged: readonly string[], users: ReadonlyMap<string, readonly string[]>): void {
    for (const payload of damaged) this.#contents.damaged(payload);
    this.#users = users;
  }

  /** Whether mounts of compositions use a layer, so that it is to be left alone. */
  isInUse(diffId: string): boolean {
    const users = this.#users.get(diffId);
    if (users !== undefined) this.inUse.set(diffId, users);
    return users !== undefined;
  }

  /** Solves problems of a layer. Returns whether anything was done. */
  async layer(diffId: string, problems: readonly Problem[]): Promise<boolean> {
    if (this.isInUse(diffId)) return false;
    const path = this.#store.layout.layer(diffId);
    const record = readRecord(path, diffId, silent);
    const root = readIndex(path, record, silent);
    const broken = problems.some(({ kind }) => kind === "layer-index" || kind === "layer-record");
    if (root === undefined || broken || !this.#isProven(diffId, record)) {
      const fresh = await this.#replaceIndex(diffId) || this.#remakeRecord(diffId, root);
      if (fresh || root === undefined) return fresh;
    }
    return await this.#entries(diffId, root, problems);
  }

  async #entries(diffId: string, root: Inode, problems: readonly Problem[]): Promise<boolean> {
    using restorer = new LayerRestorer(
      this.#store,
      diffId,
      root,
      this.#contents,
      this.#quarantine,
    );
    const solve = (problem: Problem) => {
      try {
        return restorer.solve(problem);
      } catch (error) {
        if (!(error instanceof SysError)) throw error;
        const failure = explain(error, `repairing layer ${diffId}`);
        // A full disk, for instance: nothing would come of going on.
        if (failure.hint !== undefined) throw failure;
        this.#failed(failure.message);
        return false;
      }
    };
    const left = problems.filter((problem) => !solve(problem));
    if (left.length === 0) return true;
    if (!await this.#fetch(diffId)) return left.length < problems.length;
    return left.filter(solve).length > 0 || left.length < problems.length;
  }

  /** Whether an index is the one that the layer had when it came. */
  #isProven(diffId: string, record: LayerRecord | undefined): boolean {
    return record?.indexDigest !== undefined || this.#isProvenByImage(diffId);
  }

  #isProvenByImage(diffId: string): boolean {
    return this.#imagesOf(diffId).some((image) => checkRebuild(this.#store, image, silent));
  }

  #imagesOf(diffId: string): ImageRecord[] {
    return this.#store.images.digests().map((digest) => readImage(this.#store, digest, silent))
      .filter((image) => image?.layers.some((layer) => layer.diffId === diffId))
      .filter((image) => image !== undefined);
  }

  /** Fetches a layer again, as a place to take contents from. Its index and record are then in {@link #fetchedAt}. */
  async #fetch(diffId: string): Promise<boolean> {
    if (this.#tried.has(diffId)) return this.#fetchedAt.has(diffId);
    this.#tried.add(diffId);
    const reasons: string[] = [];
    for (const image of this.#imagesOf(diffId)) {
      const staging = this.#stagings.use(this.#store.staging());
      const layer = `${staging.path}/layer`;
      const objects = `${staging.path}/objects`;
      Deno.mkdirSync(layer);
      Deno.mkdirSync(objects);
      try {
        const record = await this.#supplier.layer(image, diffId, { staging: layer, objects });
        this.#contents.add(objects);
        this.#fetchedAt.set(diffId, { record, path: layer });
        return true;
      } catch (error) {
        if (!(error instanceof LaminaError)) throw error;
        if (error.kind === "failed") this.#troubled.add(diffId);
        reasons.push(error.message);
      }
    }
    const why = reasons.length > 0 ? reasons.join("; ") : "no image says where it came from";
    this.#failed(`fetching layer ${diffId} again: ${why}`);
    return false;
  }

  /** Puts index and record in place as the layer's blob makes them. */
  async #replaceIndex(diffId: string): Promise<boolean> {
    if (!await this.#fetch(diffId)) return false;
    const { record, path } = this.#fetchedAt.get(diffId)!;
    const place = this.#store.layout.layer(diffId);
    const { tmp } = this.#store.layout;
    Deno.mkdirSync(place, { recursive: true });
    replaceFile(`${place}/index.erofs`, Deno.readFileSync(`${path}/index.erofs`), tmp);
    // What is on disk may have files without their content whatever the fetched copy has.
    const metacopies = Math.max(1, record.metacopies);
    this.#writeRecord({ ...record, metacopies: this.#store.native ? metacopies : 0 });
    return true;
  }

  /** Makes a record of an index that an image proves. */
  #remakeRecord(diffId: string, root: Inode | undefined): boolean {
    if (root === undefined || !this.#isProvenByImage(diffId)) return false;
    const { bytes } = countTree(root);
    let entries = 0;
    const count = ({ children }: Inode) => {
      entries++;
      for (const child of children?.values() ?? []) count(child);
    };
    count(root);
    this.#writeRecord({
      diffId,
      entries,
      tarBytes: bytes,
      fileBytes: bytes,
      sharedBytes: 0,
      metacopies: this.#store.native ? 1 : 0,
    });
    return true;
  }

  #writeRecord(record: LayerRecord): void {
    const place = this.#store.layout.layer(record.diffId);
    replaceFile(`${place}/layer.json`, JSON.stringify(record) + "\n", this.#store.layout.tmp);
  }

  /** Solves what an object has that no layer's file could be made the new one of. Returns whether anything was done. */
  async object(payload: string): Promise<boolean> {
    const [base] = payload.split(".");
    const isSpare = base !== payload;
    if (!isSpare && this.#contents.isWhole(payload)) return false;
    const users = this.#store.layers.list().filter((diffId) => this.#uses(diffId, base));
    if (users.some((diffId) => this.#users.has(diffId))) return false;
    for (const diffId of users) {
      if (this.#contents.isWhole(base)) break;
      const root = this.#store.layers.tree(diffId);
      await this.#entries(diffId, root, [{ kind: "layer-object", message: "", payload: base }]);
    }
    if (!isSpare && this.#contents.isWhole(payload)) return true;
    // Nobody may share it any more.
    const { objects } = this.#store.layout;
    this.#quarantine.movePath(
      `${objects}/${payload}`,
      "its content is not what its name says",
    );
    if (isSpare) closeGap(objects, payload);
    return true;
  }

  #uses(diffId: string, payload: string): boolean {
    try {
      return usesPayload(this.#store.layers.tree(diffId), payload);
    } catch (error) {
      if (error instanceof LaminaError) return false;
      throw error;
    }
  }

  /** Takes layers out that cannot be repaired: then a pull brings them again. Returns whether there were any. */
  takeOut(layers: ReadonlyMap<string, string>): boolean {
    let taken = false;
    for (const [diffId, why] of layers) {
      if (this.#users.has(diffId) || this.#troubled.has(diffId)) continue;
      // In quarantine it has its objects still: some time later nobody has them.
      noteSweep(this.#store.layout);
      this.#quarantine.movePath(this.#store.layout.layer(diffId), `layer ${diffId}: ${why}`);
      taken = true;
    }
    return taken;
  }

  [Symbol.dispose](): void {
    this.#stagings.dispose();
  }
}

function usesPayload({ children }: Inode, payload: string): boolean {
  for (const child of children!.values()) {
    if (child.children === null ? child.payload === payload : usesPayload(child, payload)) {
      return true;
    }
  }
  return false;
}

/** Gives the number of a spare object that went to the last one: they are counted without gaps. */
function closeGap(objects: string, gone: string): void {
  const [base, number] = gone.split(".");
  let last = Number(number);
  const stat = new Stat();
  const isThere = (n: number) =>
    statx(AT_FDCWD, `${objects}/${base}.${n}`, AT_SYMLINK_NOFOLLOW, stat) === 0;
  while (isThere(last + 1)) last++;
  if (last === Number(number)) return;
  const [from, to] = [`${objects}/${base}.${last}`, `${objects}/${gone}`];
  check(renameat2(AT_FDCWD, from, AT_FDCWD, to, 0), "rename", from);
}
