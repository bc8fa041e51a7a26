import { assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import { Ring, SLOT_BYTES } from "../../src/layer/ring.ts";
import { toHex } from "../../src/tree/digest.ts";
import { needs } from "../support/root.ts";

const NO_HASH = new Ring().hashes ? undefined : "no libcrypto";

/** What the filling side of a ring does in a thread of its own. */
const FILL = `
  import { Ring } from ${JSON.stringify(new URL("../../src/layer/ring.ts", import.meta.url).href)};
  onmessage = ({ data: { memory, lengths } }) => {
    const ring = new Ring(memory);
    for (const [i, length] of lengths.entries()) {
      ring.acquire().fill(i, 0, length);
      ring.publish(length);
    }
    ring.awaitHashed();
    const digest = ring.digest();
    ring.finish();
    ring.awaitWritten();
    postMessage(digest);
  };`;

Deno.test({
  ...needs("what goes through a ring is hashed once, whoever does it", NO_HASH),
  async fn() {
    const ring = new Ring();
    const lengths = Array.from({ length: 60 }, (_, i) => i % 7 === 0 ? SLOT_BYTES : i * 1000 + 1);
    const worker = new Worker(`data:application/javascript,${encodeURIComponent(FILL)}`, {
      type: "module",
    });
    // Twice: the memory is used again.
    for (let again = 0; again < 2; again++) {
      ring.reset();
      const theirs = new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
      worker.postMessage({ memory: ring.memory, lengths });
      const expected = createHash("sha256");
      let count = 0;
      for (let slot = ring.next(); slot !== undefined; slot = ring.next()) {
        expected.update(slot);
        // Now and then the other side has time: the ring is full then.
        if (++count % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
        ring.release();
      }
      assertEquals(count, lengths.length);
      const digest = ring.digest();
      assertEquals(toHex(digest), expected.digest("hex"));
      ring.written();
      assertEquals(await theirs, digest);
    }
    worker.terminate();
  },
});

Deno.test({
  ...needs("the hash of a ring through which nothing went", NO_HASH),
  fn() {
    assertEquals(toHex(new Ring().digest()), createHash("sha256").digest("hex"));
  },
});
