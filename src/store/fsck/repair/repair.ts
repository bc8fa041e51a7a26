/**
 * Repairing a store: what is damaged is made again of what is whole, or fetched again.
 *
 * Everything is put in its place by a rename, so that a repair that is killed leaves what it did not come to as it was. What mounts of
 * compositions may be reading is left alone.
 *
 * @module
 */

import { LaminaError } from "../../../error.ts";
import { AT_FDCWD, removeTree, renameat2 } from "../../../linux/mod.ts";
import { removeIfThere } from "../../atomic.ts";
import { clearLeftovers } from "../../gc/leftovers.ts";
import type { Store } from "../../store.ts";
import { type Checked, type CheckOptions, inspect, type Inspected } from "../check.ts";
import type { Finding } from "../finding.ts";
import { readImage } from "../images.ts";
import { readable } from "../records.ts";
import { bringLayers, remakeImage, restoreDocuments, restoreTree } from "./images.ts";
import { LayerRepairer } from "./layers.ts";
import { Quarantine } from "./quarantine.ts";
import { ReferenceRepairer } from "./references.ts";
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
  readonly #failures = new Set<string>();
  readonly #layers: LayerRepairer;
  readonly #references: ReferenceRepairer;

  constructor(store: Store, supplier: Supplier) {
    this.#store = store;
    this.#supplier = supplier;
    this.#quarantine = new Quarantine(store.layout);
    const failed = (why: string) => void this.#failures.add(why);
    this.#layers = new LayerRepairer(store, supplier, this.#quarantine, failed);
    this.#references = new ReferenceRepairer(store, supplier, this.#quarantine, failed);
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
      inUse: [...this.#layers.inUse].map(([diffId, compositions]) => ({ diffId, compositions })),
      failures: [...this.#failures],
      checked: last.checked,
    };
  }

  /** Does what can be done about what was found. Returns whether anything was done. */
  async #round(damaged: readonly Inspected[]): Promise<boolean> {
    let changed = false;
    const bad = damaged.filter(({ finding }) => finding.kind === "object-content")
      .map(({ problem }) => problem!.payload!);
    this.#layers.begin(bad, mountedLayers(this.#store));
    for (const { finding } of damaged) changed = this.#solveSimple(finding) || changed;
    const layers = Map.groupBy(
      damaged.filter(({ finding }) => isOfLayer(finding)),
      ({ finding }) => finding.id,
    );
    for (const [diffId, inspected] of layers) {
      const problems = inspected.map(({ problem }) => problem!);
      changed = await this.#layers.layer(diffId, problems) || changed;
    }
    for (const payload of bad) changed = await this.#layers.object(payload) || changed;
    for (const { finding } of damaged) changed = await this.#image(finding) || changed;
    for (const { finding } of damaged) changed = await this.#references.solve(finding) || changed;
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
      case "chain-tree":
        // It is made again when it is needed.
        removeIfThere(`${layout.chains}/${id}`);
        return true;
      default:
        return false;
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
      if (kind === "image-layer") return await bringLayers(this.#store, this.#supplier, image!);
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

  /** Takes layers out that stay damaged. Returns whether there were any. */
  #takeOutLayers(damaged: readonly Inspected[]): boolean {
    const layers = new Map<string, string>();
    for (const { finding } of damaged) {
      if (isOfLayer(finding) && !this.#layers.isInUse(finding.id)) {
        layers.set(finding.id, finding.message);
      }
    }
    return this.#layers.takeOut(layers);
  }

  [Symbol.dispose](): void {
    this.#layers[Symbol.dispose]();
  }
}

function isOfLayer({ kind }: Finding): boolean {
  return /^(layer|entry)-/.test(kind);
}

/** The compositions whose mounts use each layer. */
function mountedLayers(store: Store): Map<string, string[]> {
  const users = new Map<string, string[]>();
  for (const { id, image, result } of readable(store)) {
    if (result !== "mount") continue;
    for (const { diffId } of readImage(store, image, silent)?.layers ?? []) {
      users.set(diffId, [...users.get(diffId) ?? [], id]);
    }
  }
  return users;
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
