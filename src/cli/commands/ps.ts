/**
 * `lamina ps`.
 *
 * @module
 */

import { shownCompositions } from "../compositions.ts";
import { defineCommand } from "../spec.ts";
import { table } from "../terminal/table.ts";
import { age } from "../terminal/units.ts";

export default defineCommand({
  description:
    "STATE is `ready`, `held` while a `lamina run` uses it, `making` or `releasing` while that goes on; and `dead` where its process " +
    "died, or a reboot took its mount. What died on the way the next `compose`, `release --all` or `gc` clears up. A mount of this boot that is " +
    "not at its target is `unmounted`: by hand, or it is in another mount namespace; only `release` forgets it.",
  arguments: [],
  flags: [],
  examples: [
    { command: "lamina ps", says: "all compositions, the oldest first" },
    { command: "lamina ps --quiet", says: "their ids, one a line" },
  ],
}, async (context) => {
  const store = await context.store();
  const compositions = shownCompositions(store, store.compositions.list());
  return {
    document: compositions.map(({ shown }) => shown),
    text: (screen) => {
      if (compositions.length === 0) return "no compositions\n";
      return table(
        [
          { title: "ID", style: () => "dim" },
          { title: "IMAGE", shrinks: true },
          { title: "STRATEGY" },
          { title: "ACCESS" },
          {
            title: "STATE",
            style: (row) => row[4] === "ready" || row[4] === "held" ? "green" : "yellow",
          },
          { title: "MADE" },
          { title: "TARGET", shrinks: true },
        ],
        compositions.map(({ shown: record, state }) => [
          record.id,
          record.imageName,
          record.strategy,
          record.access,
          state,
          age(new Date(record.created), new Date()),
          record.target,
        ]),
        screen,
      );
    },
    brief: compositions.map(({ shown }) => shown.id),
  };
});
