/**
 * gzip: RFC 1952. Members one after the other are one stream, as everywhere.
 *
 * The CRC-32 of a member is not computed: the DiffID, a SHA-256 of the same bytes, is.
 *
 * @module
 */

import type { Decoder, Output } from "./decoder.ts";
import { type InflateLibrary, inflateLibrary } from "./inflate_library.ts";
import { type Inflater, makeInflater } from "./inflater.ts";

// What the next bytes are.
/** The ten bytes that every member starts with. */
const FIXED = 0;
const EXTRA_LENGTH = 1;
const EXTRA = 2;
const NAME = 3;
const COMMENT = 4;
const HEADER_CRC = 5;
const DATA = 6;
/** CRC-32 and length modulo 2^32. */
const TRAILER = 7;
/** Zeros behind the last member: tapes and some writers pad with them. */
const PADDING = 8;

const FLAG_CRC = 2;
const FLAG_EXTRA = 4;
const FLAG_NAME = 8;
const FLAG_COMMENT = 16;

/** Undoes gzip. */
export class GzipDecoder implements Decoder {
  readonly #output: Output;
  readonly #inflate: Inflater;
  #state = FIXED;
  /** Bytes of the current part that have come. */
  #seen = 0;
  #flags = 0;
  #extra = 0;
  #length = 0;
  #members = 0;
  /** Where in the output the member began. */
  #start = 0;

  constructor(output: Output, library: InflateLibrary = inflateLibrary()) {
    this.#output = output;
    this.#inflate = makeInflater(library);
  }

  push(input: Uint8Array): void {
    for (let at = 0; at < input.length;) {
      if (this.#state === DATA) at = this.#data(input, at);
      else this.#byte(input[at++]);
    }
  }

  end(): void {
    if (this.#state === PADDING) return;
    if (this.#state === FIXED && this.#seen === 0 && this.#members > 0) return;
    throw new Error("the gzip stream is cut short");
  }

  #data(input: Uint8Array, at: number): number {
    const output = this.#output;
    const inflate = this.#inflate;
    do {
      const { slot, used } = output;
      try {
        inflate.write(input, at, slot, used);
      } catch (cause) {
        // Libraries name what is wrong in different ways, and nobody can mend it.
        throw new Error("the gzip stream is malformed", { cause });
      }
      at = input.length - inflate.inputLeft;
      output.advance(slot.length - used - inflate.outputLeft);
    } while (inflate.outputLeft === 0 && !inflate.ended);
    if (inflate.ended) this.#enter(TRAILER);
    return at;
  }

  #byte(byte: number): void {
    const seen = this.#seen++;
    switch (this.#state) {
      case FIXED:
        return this.#fixed(byte, seen);
      case EXTRA_LENGTH:
        this.#extra |= byte << (8 * seen);
        if (seen === 1) this.#enter(this.#extra > 0 ? EXTRA : this.#after(FLAG_EXTRA));
        return;
      case EXTRA:
        if (this.#seen === this.#extra) this.#enter(this.#after(FLAG_EXTRA));
        return;
      case NAME:
        if (byte === 0) this.#enter(this.#after(FLAG_NAME));
        return;
      case COMMENT:
        if (byte === 0) this.#enter(this.#after(FLAG_COMMENT));
        return;
      case HEADER_CRC:
        if (seen === 1) this.#enter(DATA);
        return;
      case TRAILER:
        if (seen >= 4) this.#length |= byte << (8 * (seen - 4));
        if (seen === 7) this.#endMember();
        return;
      case PADDING:
        if (byte !== 0) throw new Error("there is something behind the gzip stream");
    }
  }

  #fixed(byte: number, seen: number): void {
    if (seen === 0 && byte === 0 && this.#members > 0) return this.#enter(PADDING);
    const wrong = (seen === 0 && byte !== 0x1f) || (seen === 1 && byte !== 0x8b) ||
      (seen === 2 && byte !== 8);
    if (wrong) {
      throw new Error(
        this.#members > 0
          ? "there is something behind the gzip stream"
          : "its gzip header is malformed",
      );
    }
    if (seen === 3) {
      if ((byte & 0xe0) !== 0) throw new Error("its gzip header has unknown flags");
      this.#flags = byte;
    }
    if (seen === 9) this.#enter(this.#after(0));
  }

  /** The next part of a header, behind the one of a flag; the parts come in the order of these bits, the CRC last. */
  #after(flag: number): number {
    if (flag < FLAG_EXTRA && (this.#flags & FLAG_EXTRA) !== 0) return EXTRA_LENGTH;
    if (flag < FLAG_NAME && (this.#flags & FLAG_NAME) !== 0) return NAME;
    if (flag < FLAG_COMMENT && (this.#flags & FLAG_COMMENT) !== 0) return COMMENT;
    return (this.#flags & FLAG_CRC) !== 0 ? HEADER_CRC : DATA;
  }

  #enter(state: number): void {
    this.#state = state;
    this.#seen = 0;
    if (state === EXTRA_LENGTH) this.#extra = 0;
    if (state === TRAILER) this.#length = 0;
    if (state === DATA) {
      this.#start = this.#output.total;
      if (this.#members > 0) this.#inflate.reset();
    }
  }

  #endMember(): void {
    if (((this.#output.total - this.#start) | 0) !== this.#length) {
      throw new Error("the gzip stream has another length than it says");
    }
    this.#members++;
    this.#enter(FIXED);
  }
}
