/**
 * Digests for people.
 *
 * @module
 */

/** The first twelve hex digits: what tables show, and what commands take for the whole. */
export function shortDigest(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1).slice(0, 12);
}
