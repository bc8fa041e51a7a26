/**
 * Repairing a store: what is damaged is made again of what is whole, or fetched again.
 *
 * Everything is put in its place by a rename, so that a repair that is killed leaves what it did not come to as it was. What mounts of
 * compositions may be reading is left alone.
 *
 * @module
 */

import { LaminaError } from "../../../error.ts";
import { AT_FDCWD, removeTree, renameat2, SysError } from "../../../linux/mod.ts";
import { countTree, type Inode } from "../../../tree/mod.ts";
import { removeIfThere, replaceFile } from "../../atomic.ts";
import { clearLeftovers } from "../../gc/leftovers.ts";
import type { ImageRecord } from "../../images.ts";
import type { LayerRecord } from "../../layers.ts";
import type { Store } from "../../store.ts";
import { type Checked, type CheckOptions, inspect, type Inspected } from "../check.ts";
import type { Finding, Problem } from "../finding.ts";
import { checkRebuild, readImage } from "../images.ts";
import { readIndex, readRecord } from "../jobs.ts";
import { readable } from "../records.ts";
import { Contents } from "./contents.ts";
import { provenanceOf, remakeImage, restoreDocuments, restoreTree } from "./images.ts";
import { Quarantine } from "./quarantine.ts";
import { LayerRestorer } from "./restore.ts";
import type { Supplier } from "./supplier.ts";

/** What came of a repair. */
export interface Repaired {
  /** What was found. */
  readonly found: readonly Finding[];
  /** What of it is still so. */
  readonly remaining: readonly Finding[];
  /** What was moved into quarantine: where it was. */
  readonly quarantined: readonly string[];
  /** The directory that it is in now. */
  readonly quarantine: string | undefined;
  /** Layers that mounts of compositions use, so that they were left as they are. */
  readonly inUse: readonly { readonly diffId: string; readonly compositions: readonly string[] }[];
  /** Why what was needed could not be fetched. */
  readonly failures: readonly string[];
  /** What was looked at. */
  readonly checked: Checked;
}

/** Repairs build on each other: an index on its layer's blob, entries on the index, trees on all. */
const ROUNDS = 4;

const silent = () => {};

/**
 * Checks a store and repairs what is damaged. Takes the store alone: waits for pulls and compositions, and clears what killed processes left.
 *
 * @throws {LaminaError} As the check does.
 */
export async function repairStore(
  store: Store,
  supplier: Supplier,
  options: CheckOptions = {},
): Promise<Repaired> {
  using _removing = await store.removing(options.signal);
  using _alone = await store.alone(options.signal);
  clearLeftovers(store.layout);
  using repair = new Repair(store, supplier);
  return await repair.run(options);
}

class Repair implements Disposable {
  readonly #store: Store;
  readonly #supplier: Supplier;
  readonly #quarantine: Quarantine;
  readonly #contents: Contents;
  readonly #stagings = new DisposableStack();
  readonly #fetched = new Set<string>();
  readonly #failures = new Set<string>();
  /** Compositions by the layers that their mounts use. */
  readonly #users = new Map<string, string[]>();
  readonly #inUse = new Set<string>();

  constructor(store: Store, supplier: Supplier) {
    this.#store = store;
    this.#supplier = supplier;
    this.#quarantine = new Quarantine(store.layout);
    this.#contents = new Contents(store);
    for (const { id, image, result } of readable(store)) {
      if (result !== "mount") continue;
      for (const { diffId } of readImage(store, image, silent)?.layers ?? []) {
        this.#users.set(diffId, [...this.#users.get(diffId) ?? [], id]);
      }
    }
  }

  async run(options: CheckOptions): Promise<Repaired> {
    const found = await collect(this.#store, options);
    let last = found;
    for (let round = 0; round < ROUNDS && last.damaged.length > 0; round++) {
      if (!await this.#round(last.damaged)) break;
      this.#store.sync();
      last = await collect(this.#store, options);
    }
    if (this.#takeOutLayers(last.damaged)) last = await collect(this.#store, options);
    this.#dropKept(found.damaged);
    return {
      found: found.all,
      remaining: last.all,
      quarantined: this.#quarantine.moved,
      quarantine: this.#quarantine.path,
      inUse: [...this.#inUse].map((diffId) => ({
        diffId,
        compositions: this.#users.get(diffId)!,
      })),
      failures: [...this.#failures],
      checked: last.checked,
    };
  }

  /** Does what can be done about what was found. Returns whether anything was done. */
  async #round(damaged: readonly Inspected[]): Promise<boolean> {
    let changed = false;
    const bad = damaged.filter(({ finding }) => finding.kind === "object-content");
    for (const { problem } of bad) this.#contents.damaged(problem!.payload!);
    for (const { finding } of damaged) changed = this.#solveSimple(finding) || changed;
    const layers = Map.groupBy(
      damaged.filter(({ finding }) => /^(layer|entry)-/.test(finding.kind)),
      ({ finding }) => finding.id,
    );
    for (const [diffId, inspected] of layers) {
      const problems = inspected.map(({ problem }) => problem!);
      changed = await this.#layer(diffId, problems) || changed;
    }
    for (const { problem } of bad) changed = await this.#object(problem!.payload!) || changed;
    for (const { finding } of damaged) changed = await this.#image(finding) || changed;
    return changed;
  }

  /** What needs nothing but itself. */
  #solveSimple({ kind, id, message }: Finding): boolean {
    const { layout } = this.#store;
    switch (kind) {
      case "store-directory":
        Deno.mkdirSync(`${layout.root}/${id}`, { recursive: true });
        return true;
      case "object-foreign":
        this.#quarantine.movePath(`${layout.objects}/${id}`, message);
        return true;
      case "lease-record":
        this.#quarantine.movePath(`${layout.leases}/${id}`, message);
        return true;
      case "chain-tree":
        // It is made again when it is needed.
        removeIfThere(`${layout.chains}/${id}`);
        return true;
      default:
        return false;
    }
  }

  async #layer(diffId: string, problems: readonly Problem[]): Promise<boolean> {
    if (this.#users.has(diffId)) {
      this.#inUse.add(diffId);
      return false;
    }
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
        this.#failures.add(`layer ${diffId}: ${error.message}`);
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
    if (this.#fetched.has(diffId)) return this.#fetchedAt.has(diffId);
    this.#fetched.add(diffId);
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
        reasons.push(error.message);
      }
    }
    const why = reasons.length > 0 ? reasons.join("; ") : "no image says where it came from";
    this.#failures.add(`fetching layer ${diffId} again: ${why}`);
    return false;
  }

  readonly #fetchedAt = new Map<string, { readonly record: LayerRecord; readonly path: string }>();

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

  /** An object that no layer's file could be made the new one of. */
  async #object(payload: string): Promise<boolean> {
    const [base] = payload.split(".");
    const whole = base === payload && this.#contents.isWhole(payload);
    if (whole) return false;
    const users = this.#store.layers.list().filter((diffId) => this.#uses(diffId, base));
    if (users.some((diffId) => this.#users.has(diffId))) return false;
    for (const diffId of users) {
      const root = this.#store.layers.tree(diffId);
      if (
        await this.#entries(diffId, root, [{ kind: "layer-object", message: "", payload: base }])
      ) {
        if (this.#contents.isWhole(base)) break;
      }
    }
    if (base === payload && this.#contents.isWhole(payload)) return true;
    // Nobody may share it any more.
    this.#quarantine.movePath(
      `${this.#store.layout.objects}/${payload}`,
      "its content is not what its name says",
    );
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

  async #image({ kind, id }: Finding): Promise<boolean> {
    if (!kind.startsWith("image-")) return false;
    const image = readImage(this.#store, id, silent);
    try {
      if (kind === "image-document") {
        await restoreDocuments(this.#store, id, image, this.#supplier);
        return true;
      }
      if (kind === "image-layer") return await this.#bringLayers(image!);
      if (kind === "image-tree" && image !== undefined && restoreTree(this.#store, image)) {
        return true;
      }
      return remakeImage(this.#store, id, this.#quarantine);
    } catch (error) {
      if (!(error instanceof LaminaError)) throw error;
      this.#failures.add(`image ${id}: ${error.message}`);
      return false;
    }
  }

  /** Brings the layers of an image that the store has not, as a pull does. */
  async #bringLayers(image: ImageRecord): Promise<boolean> {
    const { layers, layout } = this.#store;
    let brought = false;
    for (const { diffId } of image.layers) {
      if (layers.has(diffId)) continue;
      using staging = this.#store.staging();
      const target = { staging: staging.path, objects: layout.objects };
      const provenance = provenanceOf(this.#store, image.digest, image);
      const record = await this.#supplier.layer(provenance, diffId, target);
      this.#store.sync();
      removeIfThere(layout.layer(diffId));
      layers.enter(record, staging);
      brought = true;
    }
    return brought;
  }

  /** What strategies keep of trees may have been made of what was damaged; it is made again when it is needed. */
  #dropKept(damaged: readonly Inspected[]): void {
    for (const digest of new Set(damaged.flatMap(({ finding }) => finding.images))) {
      const image = readImage(this.#store, digest, silent);
      if (image === undefined) continue;
      const aside = `${this.#store.layout.tmp}/${crypto.randomUUID()}`;
      const r = renameat2(
        AT_FDCWD,
        this.#store.layout.keptOf(image.tree.digest),
        AT_FDCWD,
        aside,
        0,
      );
      if (r === 0) removeTree(AT_FDCWD, aside);
    }
  }

  /** Takes layers out that stay damaged: then a pull brings them again. Returns whether there were any. */
  #takeOutLayers(damaged: readonly Inspected[]): boolean {
    const layers = new Map<string, string>();
    for (const { finding: { kind, id, message } } of damaged) {
      if (/^(layer|entry)-/.test(kind) && !this.#users.has(id)) layers.set(id, message);
    }
    for (const [diffId, why] of layers) {
      this.#quarantine.movePath(this.#store.layout.layer(diffId), `layer ${diffId}: ${why}`);
    }
    return layers.size > 0;
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

async function collect(
  store: Store,
  options: CheckOptions,
): Promise<{ all: Finding[]; damaged: Inspected[]; checked: Checked }> {
  const inspection = inspect(store, options);
  const inspected: Inspected[] = [];
  let next = await inspection.next();
  for (; !next.done; next = await inspection.next()) inspected.push(next.value);
  return {
    all: inspected.map(({ finding }) => finding),
    damaged: inspected.filter(({ finding }) => finding.severity === "damage"),
    checked: next.value,
  };
}
