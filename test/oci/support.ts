/** What the tests of this folder share. */

import { assertEquals, assertRejects } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import type { BlobSource, LayerSource } from "../../src/layer/mod.ts";
import type { ResolvedImage } from "../../src/oci/mod.ts";
import { openSource, parsePlatform, parseReference } from "../../src/oci/mod.ts";
import type { SourceOptions } from "../../src/oci/source.ts";

/** Resolves a reference as text. */
export async function resolve(
  reference: string,
  platform?: string,
  options?: SourceOptions,
): Promise<ResolvedImage> {
  using source = await openSource(parseReference(reference), options);
  return await source.resolve(platform === undefined ? undefined : parsePlatform(platform));
}

/** Asserts that resolving fails with this kind, a message that holds all of these pieces, and something to do. */
export async function assertRefused(
  reference: string,
  kind: LaminaError["kind"],
  pieces: string | readonly string[],
  platform?: string,
  options?: SourceOptions,
): Promise<void> {
  const error = await assertRejects(() => resolve(reference, platform, options), LaminaError);
  for (const piece of [pieces].flat()) {
    assertEquals(
      error.message.includes(piece),
      true,
      `${JSON.stringify(error.message)} should hold ${JSON.stringify(piece)}`,
    );
  }
  assertEquals(error.kind, kind, error.message);
  assertEquals(typeof error.hint, "string", error.message);
}

/** Runs a program and returns what it wrote; fails when it does. */
export async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) {
    throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
  return new TextDecoder().decode(stdout);
}

/** Reads a layer's blob. */
export function readRange(source: LayerSource): Uint8Array {
  const { file, offset, length } = blobOf(source);
  return Deno.readFileSync(file).subarray(offset, offset + length);
}

/** Where a layer's blob is, of a source that has blobs. */
export function blobOf(source: LayerSource): BlobSource {
  if ("tarSplit" in source) throw new Error("the layer has no blob");
  return source;
}
