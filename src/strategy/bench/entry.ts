/**
 * What is measured of one strategy, while it grows.
 *
 * @module
 */

import type { ImageRecord } from "../../store/mod.ts";
import type { Counts } from "../choice.ts";
import type { ProbeReport } from "../probe.ts";
import type { Crowd } from "./meeting.ts";
import type { Form, Sample } from "./shape.ts";

/** An image to compose. */
export interface BenchImage {
  /** The name that it was asked for by. */
  readonly name: string;
  readonly image: ImageRecord;
  /** Whether it was made for the benchmark. */
  readonly generated: boolean;
}

/** A strategy with one image at one place, as far as it is measured. */
export interface Entry {
  readonly image: BenchImage;
  readonly place: number;
  readonly report: ProbeReport;
  readonly counts: Counts;
  readonly form: Form;
  readonly samples: Sample[];
  readonly crowds: Crowds[];
  making: number | undefined;
  reason: string | undefined;
  hint: string | undefined;
}

/** So many at once, again and again. */
export interface Crowds {
  readonly count: number;
  readonly made: Crowd[];
  skipped: string | undefined;
}
