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

/** How two sets of samples compare. */
export interface Comparison {
  /** The median of all ratios of a sample of the first set to one of the second (the estimator of Hodges and Lehmann). */
  readonly ratio: number;
  /** Between these the true ratio lies, with 95 % confidence; undefined where there are too few samples to tell. */
  readonly interval: readonly [low: number, high: number] | undefined;
}

/**
 * Compares two sets of samples, at least one in each. The interval is the one that belongs to the test of Mann, Whitney and Wilcoxon,
 * which assumes nothing about how samples are distributed: it does without 1 just where that test finds a difference.
 */
export function compareSamples(now: readonly number[], before: readonly number[]): Comparison {
  const ratios = now.flatMap((a) => before.map((b) => a / b)).sort((a, b) => a - b);
  const rank = criticalRank(now.length, before.length);
  const interval = rank === 0
    ? undefined
    : [ratios[rank - 1], ratios[ratios.length - rank]] as const;
  return { ratio: median(ratios), interval };
}

/** The probability that the interval misses on one side. */
const TAIL = 0.025;
/** For more pairs the distribution is normal for all that matters here. */
const EXACT = 2500;

/**
 * How many of the ratios lie outside the interval on each side, counting its own end; 0 where there is none: the largest k for which
 * the statistic U of the test is below k with a probability of {@link TAIL} at most.
 */
export function criticalRank(n: number, m: number): number {
  const pairs = n * m;
  if (pairs > EXACT) {
    return Math.max(0, Math.floor(pairs / 2 - 1.96 * Math.sqrt(pairs * (n + m + 1) / 12)));
  }
  // The counts of U are the coefficients of the Gaussian binomial: the product of (1 - x^(m+i)) / (1 - x^i) for i to n.
  const counts = new Float64Array(pairs + 1);
  counts[0] = 1;
  for (let i = 1; i <= n; i++) {
    for (let u = pairs; u >= m + i; u--) counts[u] -= counts[u - m - i];
    for (let u = i; u <= pairs; u++) counts[u] += counts[u - i];
  }
  const all = counts.reduce((a, b) => a + b);
  let below = 0;
  let k = 0;
  while ((below += counts[k]) / all <= TAIL) k++;
  return k;
}
