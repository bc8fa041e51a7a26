/**
 * Ways to change an input so that it is wrong in one place and right in the others.
 *
 * @module
 */

import type { Random } from "./random.ts";
import { bytesOf, type Target } from "./target.ts";

/** No input grows beyond this. */
const LONGEST_INPUT = 256 * 1024;

/** Numbers at which something ends. */
const EDGES = [
  ...[0, 1, 2, 4, 7, 8, 15, 16, 31, 32, 40, 63, 64, 100, 127, 128, 255, 256, 511, 512, 513],
  ...[1023, 1024, 4095, 4096, 4097, 32767, 32768, 65535, 65536, 2 ** 24, 2 ** 31 - 1, 2 ** 31],
  ...[2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32, 2 ** 33, 2 ** 40, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64],
];

type Way = (input: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

/** A copy in which something is done to the bytes. */
function within(change: (copy: Uint8Array, random: Random) => void): Way {
  return (input, random) => {
    if (input.length === 0) return new Uint8Array([random.below(256)]);
    const copy = input.slice();
    change(copy, random);
    return copy;
  };
}

/** Puts bytes in the place of others. */
function replace(input: Uint8Array, start: number, end: number, by: Uint8Array): Uint8Array {
  const out = new Uint8Array(input.length - (end - start) + by.length);
  out.set(input.subarray(0, start));
  out.set(by, start);
  out.set(input.subarray(end), start + by.length);
  return out;
}

const flipBit = within((copy, random) => {
  copy[random.below(copy.length)] ^= 1 << random.below(8);
});

const setByte = within((copy, random) => {
  copy[random.below(copy.length)] = random.oneIn(2) ? random.below(256) : random.pick(EDGES);
});

const addToByte = within((copy, random) => {
  copy[random.below(copy.length)] += random.below(33) - 16;
});

/** A binary number of 2, 4 or 8 bytes, where such numbers stand. */
const setNumber = within((copy, random) => {
  const size = random.pick([2, 4, 4, 8]);
  if (copy.length < size) return;
  let at = random.below(copy.length - size + 1);
  if (!random.oneIn(4)) at -= at % size;
  const view = new DataView(copy.buffer, at, size);
  const little = !random.oneIn(4);
  const value = BigInt(random.pick(EDGES)) + BigInt(random.below(3) - 1);
  if (size === 2) view.setUint16(0, Number(BigInt.asUintN(16, value)), little);
  else if (size === 4) view.setUint32(0, Number(BigInt.asUintN(32, value)), little);
  else view.setBigUint64(0, BigInt.asUintN(64, value), little);
});

/** A number in digits. */
const setDigits: Way = (input, random) => {
  const isDigit = (at: number) => input[at] >= 0x30 && input[at] <= 0x39;
  let start = random.below(input.length);
  for (let tries = 0; tries < 4096 && !isDigit(start); tries++) start = (start + 1) % input.length;
  if (!isDigit(start)) return flipBit(input, random, input);
  while (start > 0 && isDigit(start - 1)) start--;
  let end = start;
  while (end < input.length && isDigit(end)) end++;
  const value = BigInt(random.pick(EDGES)) + BigInt(random.below(3) - 1);
  const digits = (value < 0n ? 0n : value).toString(random.oneIn(3) ? 8 : 10);
  const keep = random.oneIn(2) ? digits.padStart(end - start, "0").slice(0, end - start) : digits;
  return replace(input, start, end, bytesOf(keep));
};

const removePiece: Way = (input, random) => {
  const start = random.below(input.length);
  return replace(input, start, Math.min(input.length, start + random.length(4096)), EMPTY);
};

const repeatPiece: Way = (input, random) => {
  const start = random.below(input.length);
  const piece = input.subarray(start, start + random.length(1024));
  const at = random.oneIn(2) ? start : random.below(input.length + 1);
  return replace(input, at, at, piece);
};

/** Whole blocks of 512 bytes: headers once more, or in another order. */
const moveBlock: Way = (input, random) => {
  const blocks = Math.floor(input.length / 512);
  const from = 512 * random.below(blocks);
  const to = 512 * random.below(blocks + 1);
  const piece = input.slice(from, from + 512 * (1 + random.below(3)));
  return replace(input, to, random.oneIn(2) ? to : Math.min(input.length, to + 512), piece);
};

const copyWithin = within((copy, random) => {
  const from = random.below(copy.length);
  copy.copyWithin(random.below(copy.length), from, from + random.length(512));
});

const splice: Way = (input, random, other) => {
  const start = random.below(other.length);
  const piece = other.subarray(start, start + random.length(8192));
  const at = random.below(input.length + 1);
  const end = random.oneIn(2) ? at : Math.min(input.length, at + piece.length);
  return replace(input, at, end, piece);
};

const cut: Way = (input, random) => input.slice(0, random.below(input.length));

const fill = within((copy, random) => {
  const start = random.below(copy.length);
  const byte = random.pick([0, 0, 0xff, 0x20, 0x30, 0x2f]);
  copy.fill(byte, start, start + random.length(600));
});

const EMPTY = new Uint8Array();

const WAYS: readonly Way[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  addToByte,
  setNumber,
  setNumber,
  setDigits,
  setDigits,
  removePiece,
  repeatPiece,
  moveBlock,
  copyWithin,
  splice,
  splice,
  cut,
  fill,
];

function putWord(words: readonly string[]): Way {
  return (input, random) => {
    const word = bytesOf(random.pick(words));
    const at = random.below(input.length + 1);
    const end = random.oneIn(2) ? at : Math.min(input.length, at + word.length);
    return replace(input, at, end, word);
  };
}

/** Another input, made of one that is known and perhaps of a second one. */
export function mutate(
  target: Target,
  input: Uint8Array,
  random: Random,
  other: Uint8Array,
): Uint8Array {
  const { words = [] } = target;
  let out = input;
  for (let steps = 1 + random.below(1 << random.below(4)); steps > 0; steps--) {
    const own = target.mutate && !random.oneIn(3) ? target.mutate(out, random, other) : undefined;
    if (own !== undefined) out = own;
    else if (words.length > 0 && random.oneIn(6)) out = putWord(words)(out, random, other);
    else out = random.pick(WAYS)(out, random, other);
    if (out.length > LONGEST_INPUT) out = out.slice(0, LONGEST_INPUT);
  }
  return target.mend !== undefined && !random.oneIn(10) ? target.mend(out) : out;
}
