/**
 * `lamina images`.
 *
 * @module
 */

import { FILTER_NAMES, imageFilter } from "../image_filters.ts";
import { type ShownImage, shownImages } from "../images.ts";
import { defineCommand } from "../spec.ts";
import { shortDigest } from "../terminal/names.ts";
import type { Screen } from "../terminal/screen.ts";
import { table } from "../terminal/table.ts";
import { age, plural, size } from "../terminal/units.ts";

export default defineCommand({
  description:
    "SIZE is what a flattened copy of the image would take; layers that images share are in the store once. CREATED is when " +
    "it was built, USED when it was last pulled or composed. Images that lost their name, for instance to a newer pull, are " +
    "shown with --all.\n" +
    "Filters are reference=PATTERN (with * and ?), dangling=true|false (has no name), containers=true|false (something is composed " +
    "of it), label=KEY[=VALUE], before=IMAGE and since=IMAGE (by the time of the pull). Of one filter any value " +
    "is enough, of different ones all must hold.",
  arguments: [{
    name: "PATTERN",
    optional: true,
    summary: "only images with such a name, as --filter reference=PATTERN",
  }],
  flags: [
    { name: "all", short: "a", summary: "images without a name too" },
    {
      name: "filter",
      short: "f",
      value: "KEY=VALUE",
      repeat: true,
      summary: `only some: ${FILTER_NAMES.join(", ")}; may be repeated`,
    },
    { name: "digests", summary: "digests in full" },
  ],
  examples: [
    { command: "lamina images", says: "all images that have a name, the latest pulled first" },
    { command: "lamina images --all --filter dangling=true", says: "those that have none" },
    { command: "lamina images 'app:*' --quiet", says: "names that fit, one a line" },
  ],
}, async (context, { args, flags }) => {
  const store = await context.store();
  const words = args.pattern === undefined ? [] : [`reference=${args.pattern}`];
  // Who asks for dangling images wants to see them.
  const all = flags.all || flags.filter.includes("dangling=true");
  const passes = imageFilter([...words, ...flags.filter], store);
  const every = shownImages(store);
  const images = every.filter((image) => (all || image.names.length > 0) && passes(image));
  return {
    document: images,
    text: (screen) => images.length === 0 ? none(every) : tabled(images, flags.digests, screen),
    brief: images.flatMap((image) => image.names.length > 0 ? image.names : [image.digest]),
  };
});

function none(every: readonly ShownImage[]): string {
  return every.length === 0 ? "no images\n" : `none of ${plural(every.length, "image")}\n`;
}

function tabled(images: readonly ShownImage[], digests: boolean, screen: Screen): string {
  const now = new Date();
  return table(
    [
      { title: "NAME", shrinks: true },
      { title: "DIGEST", style: () => "dim" },
      { title: "PLATFORM" },
      { title: "LAYERS", right: true },
      { title: "SIZE", right: true },
      { title: "CREATED" },
      { title: "PULLED" },
      { title: "USED" },
    ],
    images.map((image) => [
      image.names.join(", ") || "-",
      digests ? image.digest : shortDigest(image.digest),
      image.platform || "-",
      String(image.layers.length),
      size(image.tree.bytes),
      image.created === null ? "-" : age(new Date(image.created), now),
      age(new Date(image.pulled), now),
      age(new Date(image.lastUsed), now),
    ]),
    screen,
  );
}
