/**
 * Many compositions at once.
 *
 * @module
 */

import type { ImageRecord } from "../../store/mod.ts";
import type { Experiment } from "./experiment.ts";
import { SIMPLE, simpleVariant } from "./simple_image.ts";
import type { Subject } from "./subject.ts";
import { compareTrees } from "./tree.ts";

const AT_ONCE = 8;

/** See the module. */
export function concurrencyExperiments(subject: Subject): Experiment[] {
  return [
    together(subject, "one-image", `${AT_ONCE} of one image`, () => SIMPLE),
    together(
      subject,
      "many-images",
      `${AT_ONCE} of ${AT_ONCE / 2} images`,
      (index) => simpleVariant(index % (AT_ONCE / 2)),
    ),
  ];
}

function together(
  subject: Subject,
  name: string,
  what: string,
  imageOf: (index: number) => ReturnType<typeof simpleVariant>,
): Experiment {
  const id = `concurrent/${name}`;
  const access = subject.access.at(-1);
  return {
    id,
    cases: [
      { id: `${id}/composed`, says: `${what} can be composed at once` },
      { id: `${id}/trees`, says: `of ${what} at once, each shows its own tree` },
      { id: `${id}/released`, says: `${what} can be released at once` },
    ],
    obstacle: access === undefined ? "its traits list no access" : subject.obstacle(access),
    async run(subject, found) {
      const images: ImageRecord[] = [];
      for (let i = 0; i < AT_ONCE; i++) images.push(await subject.image(imageOf(i)));
      const made = await Promise.allSettled(
        images.map((image) => subject.compose(image, subject.bed.target())),
      );
      const there = made.flatMap((result, index) => {
        if (result.status === "fulfilled") return [{ ...result.value, image: images[index] }];
        found(`${id}/composed`, (result.reason as Error).message);
        return [];
      });
      for (const { image, target } of there) {
        const seen = compareTrees(subject, subject.bed.expected(image), target);
        for (const what of seen.rest([])) found(`${id}/trees`, what);
      }
      const gone = await Promise.allSettled(there.map((one) => subject.release(one.id)));
      for (const result of gone) {
        if (result.status === "rejected") found(`${id}/released`, (result.reason as Error).message);
      }
    },
  };
}
