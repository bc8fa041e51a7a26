/**
 * A process that ingests one layer as another user: `ingest_child.ts UID JSON`, where JSON has `source`, `target` and `native`. Prints
 * the result as JSON, or `error: MESSAGE`.
 *
 * @module
 */

import { LayerPipeline } from "../../src/layer/mod.ts";

const [uid, job] = [Number(Deno.args[0]), JSON.parse(Deno.args[1])];

// The program of Deno itself may be where that user cannot read, so root starts it, and it gives up its rights here; the C library does so
// for all threads.
if (Deno.uid() !== uid) {
  const { symbols } = Deno.dlopen("libc.so.6", {
    setgroups: { parameters: ["usize", "buffer"], result: "i32" },
    setresgid: { parameters: ["u32", "u32", "u32"], result: "i32" },
    setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
  });
  const done = symbols.setgroups(0n, null) | symbols.setresgid(uid, uid, uid) |
    symbols.setresuid(uid, uid, uid);
  if (done !== 0) throw new Error("cannot change the user");
}

try {
  await using pipeline = new LayerPipeline({ native: job.native });
  console.log(JSON.stringify(await pipeline.ingest(job.source, job.target)));
} catch (error) {
  console.log(`error: ${(error as Error).message}`);
}
