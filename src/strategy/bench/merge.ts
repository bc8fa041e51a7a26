/**
 * Benchmarks of several stores as one.
 *
 * @module
 */

import type { Report } from "./shape.ts";

/** Puts reports of different places into one; what they have in common is the first one's. At least one. */
export function mergeReports(reports: readonly Report[]): Report {
  const images = new Map(reports.flatMap(({ images }) => images).map((one) => [one.digest, one]));
  return {
    ...reports[0],
    images: [...images.values()],
    places: reports.flatMap(({ places }) => places),
    results: reports.flatMap(({ results }) => results),
    judgements: reports.flatMap(({ judgements }) => judgements),
  };
}
