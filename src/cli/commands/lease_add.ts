/**
 * `lamina lease add`.
 *
 * @module
 */

import { checkLeaseId, type LeaseRecord } from "../../store/mod.ts";
import { defineCommand } from "../spec.ts";
import { shortDigest } from "../terminal/names.ts";
import { until } from "../terminal/units.ts";
import { parseExpiry } from "../values.ts";

export default defineCommand({
  description:
    "While the lease lasts, the image and its layers stay in the store, whatever becomes of its names: `lamina rm` refuses, " +
    "`lamina gc` leaves it alone. The lease is on the image that IMAGE is now, by its digest. An expired lease keeps nothing. " +
    "Compositions and running pulls keep what they need by themselves. Prints the lease's id.",
  arguments: [{
    name: "IMAGE",
    complete: "image",
    summary: "a name, a digest, or the beginning of one",
  }],
  flags: [
    {
      name: "for",
      value: "TIME",
      default: "24h",
      summary: "how long: such as 90m, 24h, 7d, or forever",
    },
    { name: "owner", value: "TEXT", summary: "who wants it, for those who list leases" },
    { name: "id", value: "ID", summary: "the lease's id (default: a random one)" },
  ],
  examples: [
    { command: "lamina lease add debian:12", says: "keep it for a day" },
    {
      command: "lamina lease add app --for 7d --owner ci --id nightly",
      says: "for a week, under a name to renew or remove it by",
    },
  ],
}, async (context, { args, flags }) => {
  const now = new Date();
  const expires = parseExpiry(flags.for, now, "lamina lease add");
  if (flags.id !== undefined) checkLeaseId(flags.id);
  const store = await context.store();
  using _shared = store.shared();
  using _images = store.images.lock();
  const image = store.images.find(args.image);
  const lease: LeaseRecord = {
    id: flags.id ?? crypto.randomUUID().replaceAll("-", "").slice(0, 12),
    image: image.digest,
    imageName: args.image,
    owner: flags.owner ?? "",
    created: now.toISOString(),
    expires: expires?.toISOString() ?? null,
  };
  store.leases.add(lease, now);
  return {
    document: lease,
    text: (screen) =>
      `${screen.paint("bold", lease.id)} keeps ${args.image} (${shortDigest(image.digest)}) ${
        expires === null ? "until it is removed" : `and expires ${until(expires, now)}`
      }\n`,
    brief: [lease.id],
  };
});
