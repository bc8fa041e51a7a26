/**
 * `lamina lease renew`.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import { defineCommand } from "../spec.ts";
import { until } from "../terminal/units.ts";
import { parseExpiry } from "../values.ts";

export default defineCommand({
  description:
    "The time counts from now, whatever was left of the lease; so it may also be cut short. An expired lease is renewed too, " +
    "as long as its image is there.",
  arguments: [{ name: "ID", complete: "lease", summary: "the lease" }],
  flags: [{
    name: "for",
    value: "TIME",
    default: "24h",
    summary: "how long from now on: such as 90m, 24h, 7d, or forever",
  }],
  examples: [{ command: "lamina lease renew nightly --for 7d", says: "for a week from now on" }],
}, async (context, { args, flags }) => {
  const now = new Date();
  const expires = parseExpiry(flags.for, now, "lamina lease renew");
  const store = await context.store();
  using _shared = store.shared();
  using _images = store.images.lock();
  const lease = store.leases.get(args.id);
  if (lease === undefined) throw store.leases.missing(args.id, "renewing");
  if (store.images.get(lease.image) === undefined) {
    throw new LaminaError(
      "not-found",
      `renewing lease ${args.id}: its image ${lease.image} is gone`,
      {
        hint: "Pull the image again, and make a new lease.",
      },
    );
  }
  const renewed = store.leases.renew(args.id, expires);
  return {
    document: renewed,
    text: () =>
      `${renewed.id} ${expires === null ? "never expires" : `expires ${until(expires, now)}`}\n`,
    brief: [renewed.id],
  };
});
