/**
 * `lamina lease ls`.
 *
 * @module
 */

import { isExpired } from "../../store/mod.ts";
import { defineCommand } from "../spec.ts";
import { shortDigest } from "../terminal/names.ts";
import { table } from "../terminal/table.ts";
import { age, until } from "../terminal/units.ts";

export default defineCommand({
  description: "Expired leases keep nothing; the next `lamina gc` removes them.",
  arguments: [],
  flags: [{ name: "all", short: "a", summary: "expired ones too" }],
  examples: [
    { command: "lamina lease ls", says: "what keeps images, the oldest first" },
    { command: "lamina lease ls --all --quiet", says: "all ids, one a line" },
  ],
}, async (context, { flags }) => {
  const store = await context.store();
  const now = new Date();
  const leases = store.leases.list().map((lease) => ({ ...lease, expired: isExpired(lease, now) }))
    .filter((lease) => flags.all || !lease.expired);
  return {
    document: leases,
    text: (screen) => {
      if (leases.length === 0) return "no leases\n";
      return table(
        [
          { title: "ID", style: () => "bold" },
          { title: "IMAGE", shrinks: true },
          { title: "DIGEST", style: () => "dim" },
          { title: "OWNER", shrinks: true },
          { title: "MADE" },
          { title: "EXPIRES", style: (row) => row[5] === "expired" ? "yellow" : undefined },
        ],
        leases.map(({ id, imageName, image, owner, created, expires, expired }) => [
          id,
          imageName,
          shortDigest(image),
          owner || "-",
          age(new Date(created), now),
          expires === null ? "never" : expired ? "expired" : until(new Date(expires), now),
        ]),
        screen,
      );
    },
    brief: leases.map(({ id }) => id),
  };
});
