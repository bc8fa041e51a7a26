/**
 * A thread of a check: gets jobs, answers with what is wrong.
 *
 * @module
 */

import { ContentReader } from "./content.ts";
import { type CheckJob, runJob } from "./jobs.ts";

const scope = self as unknown as {
  onmessage: (event: MessageEvent<CheckJob>) => void;
  postMessage(answer: unknown): void;
};

const reader = new ContentReader();

scope.onmessage = ({ data }) => {
  const before = reader.bytes;
  try {
    const problems = runJob(data, reader);
    scope.postMessage({ problems, bytes: reader.bytes - before });
  } catch (error) {
    scope.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
};
