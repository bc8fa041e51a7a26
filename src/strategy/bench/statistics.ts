/**
 * Statistics of few, noisy samples: medians and what lies around them, never means.
 *
 * @module
 */

/** What some samples come to; all in the samples' unit. */
export interface Summary {
  /** How many samples. */
  readonly n: number;
  /** The median. */
  readonly median: number;
  /** The tenth percentile. */
  readonly p10: number;
  /** The ninetieth percentile. */
  readonly p90: number;
}

/**
 * The value below which a share of the samples lies, by linear interpolation between the two next to it (definition 7 of Hyndman and
 * Fan, as R and NumPy have it by default).
 *
 * @param values At least one.
 * @param share 0 to 1.
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = Math.floor(at);
  const next = sorted[Math.min(below + 1, sorted.length - 1)];
  return sorted[below] + (next - sorted[below]) * (at - below);
}

/** The median of at least one sample. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Median and spread of some samples; undefined of none. */
export function summarize(values: readonly number[]): Summary | undefined {
  if (values.length === 0) return undefined;
  return {
    n: values.length,
    median: median(values),
    p10: quantile(values, 0.1),
    p90: quantile(values, 0.9),
  };
}
