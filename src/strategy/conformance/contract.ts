/**
 * The contract itself: traits of the right shape, strategies that stand alone, the number of layers.
 *
 * @module
 */

import { createHost } from "../host.ts";
import { TRAIT_NAMES } from "../loading/shape.ts";
import type { Experiment } from "./experiment.ts";
import type { Subject } from "./subject.ts";
import { file, whiteout } from "./tar.ts";

/** See the module. */
export function contractExperiments(subject: Subject): Experiment[] {
  return [shape(), tooManyLayers(subject)];
}

/** What loading does not check, which refuses functions and traits that are not there or of a wrong type. */
function shape(): Experiment {
  const id = "contract";
  return {
    id,
    cases: [
      { id: `${id}/traits-unknown`, says: "there are no traits that the contract does not know" },
      { id: `${id}/create-anew`, says: "every call of create makes a strategy of its own" },
      { id: `${id}/create-alike`, says: "all of them have the same traits" },
    ],
    run({ plugin: { plugin } }, found) {
      const [one, other] = [plugin.create(createHost()), plugin.create(createHost())];
      for (const name of Object.keys(one.traits)) {
        if (!TRAIT_NAMES.includes(name)) found(`${id}/traits-unknown`, `there is ${name}`);
      }
      if (one === other) found(`${id}/create-anew`, "two calls give the same object");
      if (JSON.stringify(one.traits) !== JSON.stringify(other.traits)) {
        found(`${id}/create-alike`, "two calls give different traits");
      }
    },
  };
}

/** Above this many layers no image is made. */
const MOST = 1000;

function tooManyLayers(subject: Subject): Experiment {
  const id = "contract/layers";
  const { maxLayers } = subject.traits;
  const access = subject.access.at(-1) ?? "ro";
  return {
    id,
    cases: [
      {
        id: `${id}/refused`,
        says: "an image with one layer more than its traits allow is refused",
      },
    ],
    obstacle: maxLayers === undefined
      ? "its traits give no greatest number of layers"
      : maxLayers > MOST
      ? `it takes ${maxLayers} layers`
      : subject.obstacle(access),
    async run(subject, found) {
      // Two layers in turn: they come into the store once.
      const layers = [[file("file", "there")], [whiteout("file")]];
      const image = await subject.image({
        id: `layers-${maxLayers! + 1}`,
        layers: () => Array.from({ length: maxLayers! + 1 }, (_, index) => layers[index % 2]),
      });
      const target = subject.bed.target();
      const refused = await subject.compose(image, target).then(() => undefined, String);
      if (refused === undefined) {
        found(`${id}/refused`, `it composes ${maxLayers! + 1}`);
        await subject.release(target);
      } else if (!refused.includes(String(maxLayers))) {
        found(`${id}/refused`, `what is said does not name the number: ${refused}`);
      }
    },
  };
}
