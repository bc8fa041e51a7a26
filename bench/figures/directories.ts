/**
 * The plot of strategies that make directories, and of what is like them.
 *
 * @module
 */

import { axisY, dot, link, tickX } from "@observablehq/plot";
import { ticksAround } from "../../src/cli/page/drawing.ts";
import { median } from "../../src/strategy/bench/statistics.ts";
import { DIRECTORIES } from "../directories.ts";
import { type Timing, took } from "../interleave.ts";
import type { Section } from "../section.ts";
import { COLOURS, drawing, type Key, time, timeAxis } from "./document.ts";

/** Who is who among those that make directories, by the beginning of their names. */
const KINDS: readonly (readonly [prefix: string, ...key: Key])[] = [
  ["the same system calls", "C, one thread and two (floors)", COLOURS.ink],
  ["lamina", "lamina", COLOURS.blue],
  ["cp", "cp", COLOURS.orange],
  ["rsync", "rsync", COLOURS.pink],
  ["ostree", "ostree checkout", COLOURS.green],
  ["go-microvm", "go-microvm CloneDir", COLOURS.red],
];

function kindOf({ name }: Timing): Key {
  const [, key, colour] = KINDS.find(([prefix]) => name.startsWith(prefix))!;
  return [key, colour];
}

/** A row for each strategy and filesystem, a dot for each contestant. */
export function directoriesFigure(sections: readonly Section[]): string {
  const rows = sections.toSorted((a, b) =>
    DIRECTORIES.findIndex((one) => one === a.topic) -
    DIRECTORIES.findIndex((one) => one === b.topic)
  );
  const rowOf = ({ topic, filesystem }: Section) => `${topic} · ${filesystem}`;
  const dots = rows.flatMap((section) =>
    took(section.timings).map((timing) => ({
      row: rowOf(section),
      ms: median(timing.milliseconds),
      colour: kindOf(timing)[1],
      floor: kindOf(timing)[1] === COLOURS.ink,
      title: `${timing.name}: ${time(median(timing.milliseconds))}`,
    }))
  );
  const insides = rows.flatMap((section) =>
    section.timings.filter(({ name, inside }) => name.startsWith("lamina") && inside.length > 0)
      .map(({ milliseconds, inside }) => ({
        row: rowOf(section),
        from: median(inside),
        to: median(milliseconds),
      }))
  );
  const ticks = ticksAround([...dots.map(({ ms }) => ms), ...insides.map(({ from }) => from)]);
  const keys = KINDS.map(([, name, colour]): Key => [name, colour])
    .filter(([, colour]) => dots.some((one) => one.colour === colour));
  const shown =
    "Medians, on a logarithmic scale; lamina's line ends at its time without process start.";
  return drawing(`A directory out of ${sections[0].image}`, shown, keys, {
    height: 60 + 30 * rows.length,
    marginLeft: 120,
    marginRight: 30,
    x: { type: "log", domain: [ticks[0], ticks.at(-1)!], label: null },
    y: { domain: rows.map(rowOf), label: null },
    marks: [
      timeAxis(ticks),
      axisY({ tickSize: 0, fontSize: 12 }),
      link(insides, {
        x1: "from",
        x2: "to",
        y: "row",
        stroke: COLOURS.blue,
        strokeWidth: 3,
      }),
      dot(dots.filter(({ floor }) => !floor), {
        x: "ms",
        y: "row",
        fill: "colour",
        stroke: "white",
        r: 6,
        title: "title",
      }),
      tickX(dots.filter(({ floor }) => floor), {
        x: "ms",
        y: "row",
        stroke: "colour",
        strokeWidth: 3,
        inset: 3,
        title: "title",
      }),
    ],
  });
}
