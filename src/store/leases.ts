/**
 * Leases: what a caller keeps images by, whether or not they have a name or are composed.
 *
 * A lease is one file, `leases/ID`. It pins the image of a manifest's digest, and with it all that the image needs, until it expires or is
 * removed. An expired one pins nothing; the collector removes its file.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { createFile, listDirectory, readIfThere, replaceFile, syncDirectory } from "./atomic.ts";
import { splitDigest } from "./digest.ts";
import type { Layout } from "./layout.ts";

/** A lease as its file has it. */
export interface LeaseRecord {
  /** See {@link checkLeaseId}. */
  readonly id: string;
  /** Digest of the manifest of the image that it keeps. */
  readonly image: string;
  /** The name that the image was asked for by. */
  readonly imageName: string;
  /** Who wants it, in the caller's words; may be empty. */
  readonly owner: string;
  /** When it was made, RFC 3339. */
  readonly created: string;
  /** When it expires, RFC 3339; null: never. */
  readonly expires: string | null;
}

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/**
 * Checks an id that a caller gives to a lease.
 *
 * @throws {LaminaError} `usage`.
 */
export function checkLeaseId(id: string): void {
  if (ID.test(id)) return;
  throw new LaminaError("usage", `not an id for a lease: ${JSON.stringify(id.slice(0, 200))}`, {
    hint: "An id starts with a letter or digit, goes on with those and . _ -, at most 128 in all.",
  });
}

/** Whether a lease pins nothing any more. */
export function isExpired(lease: LeaseRecord, now: Date): boolean {
  return lease.expires !== null && new Date(lease.expires) <= now;
}

/** The leases of a store. Hold the store's lock to add or renew one: the collector takes it alone. */
export class Leases {
  readonly #layout: Layout;

  /** The leases of a store. */
  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /**
   * Adds a lease. An expired one with the same id makes way.
   *
   * @throws {LaminaError} `exists` where a lease has the id, `usage` for a bad id.
   */
  add(lease: LeaseRecord, now: Date = new Date()): void {
    checkLeaseId(lease.id);
    splitDigest(lease.image);
    const there = this.get(lease.id);
    if (there !== undefined && isExpired(there, now)) this.remove(there.id);
    Deno.mkdirSync(this.#layout.leases, { recursive: true });
    if (createFile(this.#path(lease.id), format(lease), this.#layout.tmp)) return;
    throw new LaminaError("exists", `adding lease ${lease.id}: there is one with this id`, {
      hint: `Give another id, or prolong it: lamina lease renew ${lease.id}`,
    });
  }

  /** A lease by its id, expired or not; undefined where there is none. */
  get(id: string): LeaseRecord | undefined {
    if (!ID.test(id)) return undefined;
    const bytes = readIfThere(this.#path(id));
    if (bytes === undefined) return undefined;
    try {
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch (cause) {
      throw new LaminaError("invalid", `reading lease ${id}: ${this.#path(id)} is not JSON`, {
        cause,
        hint: `It was changed on disk: lamina lease rm ${id}`,
      });
    }
  }

  /** All leases, expired ones too, the oldest first. */
  list(): LeaseRecord[] {
    return listDirectory(this.#layout.leases).map((id) => this.get(id))
      .filter((lease) => lease !== undefined)
      .sort((a, b) => a.created < b.created ? -1 : a.created > b.created ? 1 : 0);
  }

  /** The leases that pin their images at a time, the oldest first. */
  active(now: Date): LeaseRecord[] {
    return this.list().filter((lease) => !isExpired(lease, now));
  }

  /**
   * Lets a lease, expired or not, expire at another time; null: never.
   *
   * @returns It as it is now.
   * @throws {LaminaError} `not-found`.
   */
  renew(id: string, expires: Date | null): LeaseRecord {
    const lease = this.get(id);
    if (lease === undefined) throw this.missing(id, "renewing");
    const renewed = { ...lease, expires: expires?.toISOString() ?? null };
    replaceFile(this.#path(id), format(renewed), this.#layout.tmp);
    return renewed;
  }

  /** Removes a lease; returns whether there was one. */
  remove(id: string): boolean {
    if (!ID.test(id)) return false;
    try {
      Deno.removeSync(this.#path(id));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
    syncDirectory(this.#layout.leases);
    return true;
  }

  /** The error for a lease that is not there. */
  missing(id: string, doing: string): LaminaError {
    return new LaminaError(
      "not-found",
      `${doing} lease ${id}: the store ${this.#layout.root} has none with this id`,
      { hint: "lamina lease ls --all lists them." },
    );
  }

  #path(id: string): string {
    return `${this.#layout.leases}/${id}`;
  }
}

function format(lease: LeaseRecord): string {
  return JSON.stringify(lease, null, 2) + "\n";
}
