/**
 * Changes of JSON that leave it JSON.
 *
 * @module
 */

import type { Random } from "../random.ts";
import { bytesOf, textOf } from "../target.ts";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Values where another one is expected. */
const ODD: readonly (() => Json)[] = [
  () => null,
  () => true,
  () => 0,
  () => -1,
  () => 1.5,
  () => 2 ** 53,
  () => 1e308,
  () => "",
  () => "\0",
  () => "../../etc",
  () => "\u20ac\ud800",
  () => "x".repeat(30_000),
  () => "sha256:" + "a".repeat(64),
  () => "sha512:" + "b".repeat(128),
  () => [],
  () => ({}),
  () => [[[[[]]]]],
  () => nested(5000),
  () => ({ toString: 1, valueOf: 1 }),
  () => JSON.parse('{"__proto__":{"digest":"x"},"constructor":1}'),
  () => Array.from({ length: 300 }, (_, i) => i),
];

function nested(depth: number): Json {
  let value: Json = [];
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** Changes one value of a document; undefined where it is none, or too deep to be written. */
export function mutateJson(
  input: Uint8Array,
  random: Random,
  other: Uint8Array,
): Uint8Array | undefined {
  try {
    return changeValue(input, random, other);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function changeValue(
  input: Uint8Array,
  random: Random,
  other: Uint8Array,
): Uint8Array | undefined {
  const value = parse(input);
  if (value === undefined) return undefined;
  const places: { holder: Json[] | { [key: string]: Json }; key: string }[] = [];
  const keys = new Set<string>();
  const collect = (json: Json, depth: number) => {
    if (typeof json !== "object" || json === null || depth > 20) return;
    for (const key of Object.keys(json)) {
      places.push({ holder: json as { [key: string]: Json }, key });
      if (!Array.isArray(json)) keys.add(key);
      collect((json as { [key: string]: Json })[key], depth + 1);
    }
  };
  const top: { [key: string]: Json } = { top: value };
  collect(top, 0);
  const { holder, key } = random.pick(places);
  const at = holder as { [key: string]: Json };
  // Not by assignment: it may be called __proto__.
  const set = (key: string, value: Json) =>
    Object.defineProperty(at, key, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  switch (random.below(6)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      break;
    case 1: {
      const from = random.pick(places);
      set(key, JSON.parse(JSON.stringify((from.holder as { [key: string]: Json })[from.key])));
      break;
    }
    case 2:
      if (keys.size > 0) set(random.pick([...keys, "mediaType", "layers", "manifests"]), at[key]);
      break;
    case 3:
      set(key, parse(other) ?? null);
      break;
    default:
      set(key, random.pick(ODD)());
  }
  return stringify(top.top ?? null);
}

/** The same for one line of many. */
export function mutateLines(
  input: Uint8Array,
  random: Random,
  other: Uint8Array,
): Uint8Array | undefined {
  const lines = textOf(input).split("\n");
  const at = random.below(lines.length);
  const changed = mutateJson(bytesOf(lines[at]), random, other);
  if (changed === undefined) return undefined;
  lines[at] = textOf(changed);
  return bytesOf(lines.join("\n"));
}

function parse(input: Uint8Array): Json | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(input));
  } catch {
    return undefined;
  }
}

function stringify(value: Json): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
