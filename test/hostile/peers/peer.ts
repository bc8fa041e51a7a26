/**
 * Other programs that unpack layers.
 *
 * @module
 */

import type { Sample } from "./sample.ts";

/** What a peer made of a sample. */
export interface Outcome {
  /** The directory with the tree; undefined where it was refused. */
  readonly tree: string | undefined;
  /** What was said on stderr. */
  readonly said: string;
  /**
   * `outside: …`: what was changed outside; `unreadable: …`: what the tree has and does not give; `crashes: exit CODE: …`: it ended, and did not
   * refuse.
   */
  readonly notes: readonly string[];
}

/** Why a peer does something else than we do, and why we do not. */
export interface Reason {
  /**
   * What the difference looks like: `TITLE | PATH: ours → theirs`, `TITLE | only in the first: …`, `TITLE | refuses: what it said`,
   * `TITLE | accepts, ours: our message`, `TITLE | ` and a note of the {@link Outcome}.
   */
  readonly says: RegExp;
  readonly why: string;
}

/** See the module. */
export interface Peer {
  /** The program, in $PATH. */
  readonly name: string;
  /** What it cannot be given. */
  readonly leavesOut: (sample: Sample) => boolean;
  /**
   * Shell commands that unpack the samples. Sample N is in `/samples/N`: its layers as `1.tar`, `2.tar`, …; its layout as `layout`. The
   * tree goes into `/trees/N/root`, what is said on stderr into `/trees/N/said`; where it fails its exit code is a line of `/trees/N/failed`. After each one
   * `watch N` notes what was changed outside. Notes are lines of `/trees/N/notes`.
   */
  readonly script: (samples: readonly (readonly [n: number, sample: Sample])[]) => string;
  /** Exit code with which it refuses: any other one is a crash, be the layer as it may. */
  readonly refusal: number;
  /** Paths of entries that are not compared. */
  readonly passesOver?: RegExp;
  readonly reasons: readonly Reason[];
}
