/**
 * `lamina lease rm`.
 *
 * @module
 */

import { defineCommand } from "../spec.ts";
import { exitCode, failureDocument } from "../terminal/failure.ts";

export default defineCommand({
  description: "The images stay in the store, as far as they have names or others need them.",
  arguments: [{ name: "ID", repeat: true, complete: "lease", summary: "the lease" }],
  flags: [],
  examples: [{ command: "lamina lease rm nightly", says: "let go of what it kept" }],
}, async (context, { args }) => {
  const store = await context.store();
  // None is renewed meanwhile.
  using _images = store.images.lock();
  const removed: string[] = [];
  const failed: { readonly id: string; readonly error: unknown }[] = [];
  for (const id of args.id) {
    if (store.leases.remove(id)) {
      removed.push(id);
      continue;
    }
    const error = store.leases.missing(id, "removing");
    // Nothing but an error to tell: then it is the whole answer.
    if (args.id.length === 1) throw error;
    failed.push({ id, error });
  }
  return {
    document: {
      removed,
      failed: failed.map(({ id, error }) => ({ id, ...failureDocument(error) })),
    },
    text: () => removed.map((id) => `removed lease ${id}\n`).join(""),
    brief: removed,
    errors: failed.map(({ error }) => error),
    code: failed.length > 0 ? exitCode(failed[0].error) : 0,
  };
});
