/**
 * `lamina ps`.
 *
 * @module
 */

import { defineCommand } from "../spec.ts";
import { table } from "../terminal/table.ts";
import { age } from "../terminal/units.ts";

export default defineCommand({
  arguments: [],
  flags: [],
  examples: [
    { command: "lamina ps", says: "all compositions, the oldest first" },
    { command: "lamina ps --quiet", says: "their ids, one a line" },
  ],
}, async (context) => {
  const store = await context.store();
  const compositions = store.compositions.list();
  return {
    document: compositions,
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
        compositions.map((record) => [
          record.id,
          record.imageName,
          record.strategy,
          record.access,
          record.state,
          age(new Date(record.created), new Date()),
          record.target,
        ]),
        screen,
      );
    },
    brief: compositions.map((record) => record.id),
  };
});
