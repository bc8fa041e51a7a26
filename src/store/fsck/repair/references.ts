/**
 * Repairs of names, leases and compositions: the images that they refer to are fetched again; what cannot be of use is put into quarantine.
 *
 * @module
 */

import { LaminaError } from "../../../error.ts";
import { FileLock } from "../../../linux/mod.ts";
import { listDirectory } from "../../atomic.ts";
import type { Store } from "../../store.ts";
import type { Finding } from "../finding.ts";
import { hasImage } from "../images.ts";
import { nameOf, unrecordedMounts } from "../records.ts";
import { bringImage } from "./images.ts";
import type { Quarantine } from "./quarantine.ts";
import type { Supplier } from "./supplier.ts";

/** Repairs what refers to images. Hold the store alone. */
export class ReferenceRepairer {
  readonly #store: Store;
  readonly #supplier: Supplier;
  readonly #quarantine: Quarantine;
  readonly #failed: (why: string) => void;
  /** Images that it was tried to fetch. */
  readonly #tried = new Set<string>();
  /** Of these, those where something else than the source was in the way: the next repair may get them. */
  readonly #troubled = new Set<string>();

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
    this.#failed = failed;
  }

  /** Solves a finding about a name, a lease or a composition. Returns whether anything was done. */
  async solve({ kind, id, message }: Finding): Promise<boolean> {
    const { names, leases, compositions, layout } = this.#store;
    switch (kind) {
      case "name-image": {
        const digest = names.get(id);
        if (await this.#bring(digest, names.source(id))) return true;
        if (this.#troubled.has(digest ?? "")) return false;
        const file = listDirectory(layout.tags).find((file) => nameOf(file) === id);
        const source = names.source(id);
        const from = source === undefined ? "" : `; it was pulled from ${source}`;
        this.#quarantine.movePath(`${layout.tags}/${file}`, message + from);
        return true;
      }
      case "lease-record":
        this.#quarantine.movePath(`${layout.leases}/${id}`, message);
        return true;
      case "lease-image": {
        const { image, imageName } = leases.get(id)!;
        if (await this.#bring(image, names.source(imageName) ?? imageName)) return true;
        if (this.#troubled.has(image)) return false;
        this.#quarantine.movePath(`${layout.leases}/${id}`, message);
        return true;
      }
      case "composition-image": {
        // Whether or not its image can be had, it may be in use.
        const { image, imageName } = compositions.get(id)!;
        return await this.#bring(image, names.source(imageName) ?? imageName);
      }
      case "composition-record": {
        const workspace = compositions.workspace(id);
        using lock = FileLock.tryExclusive(`${workspace}/lock`);
        if (lock === undefined || unrecordedMounts(this.#store).length > 0) return false;
        this.#quarantine.movePath(workspace, message);
        return true;
      }
      default:
        return false;
    }
  }

  /** Fetches an image that the store has not. Returns whether it has it now. */
  async #bring(digest: string | undefined, source: string | undefined): Promise<boolean> {
    if (digest === undefined) return false;
    const from = source || undefined;
    if (from !== undefined && !hasImage(this.#store, digest) && !this.#tried.has(digest + from)) {
      this.#tried.add(digest + from);
      try {
        await bringImage(this.#store, this.#supplier, { digest, source: from, platform: "" });
      } catch (error) {
        if (!(error instanceof LaminaError)) throw error;
        this.#failed(`image ${digest}: ${error.message}`);
        if (error.kind === "failed") this.#troubled.add(digest);
      }
    }
    return hasImage(this.#store, digest);
  }
}
