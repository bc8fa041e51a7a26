/**
 * A line plot as SVG.
 *
 * @module
 */

/** One line. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  /** By x = 1, 2, 3 … */
  readonly values: readonly number[];
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 400, 64, 110, 40, 52];

/** Draws lines over 1, 2, 3 …, both axes logarithmic. */
export function plot(
  title: string,
  xLabel: string,
  yLabel: string,
  series: readonly Series[],
): string {
  const values = series.flatMap((one) => one.values);
  const last = Math.max(...series.map((one) => one.values.length));
  const [low, high] = [Math.min(...values), Math.max(...values)].map(Math.log10);
  const x = (n: number) => LEFT + Math.log10(n) / Math.log10(last) * (WIDTH - LEFT - RIGHT);
  const y = (value: number) =>
    HEIGHT - BOTTOM - (Math.log10(value) - low) / (high - low) * (HEIGHT - TOP - BOTTOM);
  const ticks = (from: number, to: number) =>
    [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 150, 200, 500, 1000].filter((tick) =>
      tick >= from && tick <= to
    );
  const line = (x1: number, y1: number, x2: number, y2: number) =>
    `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${
      y2.toFixed(1)
    }" stroke="#ddd"/>`;
  const text = (at: number, down: number, words: string, anchor = "middle", more = "") =>
    `<text x="${at.toFixed(1)}" y="${
      down.toFixed(1)
    }" text-anchor="${anchor}"${more}>${words}</text>`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(WIDTH / 2, 22, title, "middle", ' font-size="15"'),
    ...ticks(1, last).flatMap((tick) => [
      line(x(tick), TOP, x(tick), HEIGHT - BOTTOM),
      text(x(tick), HEIGHT - BOTTOM + 18, String(tick)),
    ]),
    ...ticks(10 ** low, 10 ** high).flatMap((tick) => [
      line(LEFT, y(tick), WIDTH - RIGHT, y(tick)),
      text(LEFT - 8, y(tick) + 4, String(tick), "end"),
    ]),
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, xLabel),
    text(16, HEIGHT / 2, yLabel, "middle", ` transform="rotate(-90 16 ${HEIGHT / 2})"`),
    ...series.flatMap(({ name, colour, values }, index) => {
      const points = values.map((value, at) => `${x(at + 1).toFixed(1)},${y(value).toFixed(1)}`);
      // Lines that end together would have their names on one spot.
      const beside = series.slice(0, index).filter((other) =>
        Math.abs(y(other.values.at(-1)!) - y(values.at(-1)!)) < 14
      ).length;
      const end = y(values.at(-1)!) + 4 + beside * 15;
      return [
        `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.join(" ")}"/>`,
        text(WIDTH - RIGHT + 8, end, name, "start", ` fill="${colour}"`),
      ];
    }),
    "</svg>",
    "",
  ].join("\n");
}
