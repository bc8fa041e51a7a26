/**
 * Inputs that showed something once, kept to be run by every test.
 *
 * @module
 */

import { createHash } from "node:crypto";

const DIRECTORY = new URL("./seeds/", import.meta.url);

/** The seeds of a target. */
export function savedSeeds(target: string): Uint8Array[] {
  const directory = new URL(`${target}/`, DIRECTORY);
  try {
    return [...Deno.readDirSync(directory)].map(({ name }) => name).sort()
      .map((name) => Deno.readFileSync(new URL(name, directory)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Keeps an input; returns its name. */
export function saveSeed(target: string, input: Uint8Array): string {
  const directory = new URL(`${target}/`, DIRECTORY);
  Deno.mkdirSync(directory, { recursive: true });
  const name = createHash("sha256").update(input).digest("hex").slice(0, 16);
  Deno.writeFileSync(new URL(name, directory), input);
  return `${target}/${name}`;
}
