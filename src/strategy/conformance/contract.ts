/**
 * The contract itself: traits of the right shape, strategies that stand alone, the number of layers.
 *
 * @module
 */

import type { Strategy, Traits } from "../plugin.ts";
import type { Experiment } from "./experiment.ts";
import type { Subject } from "./subject.ts";
import { file, whiteout } from "./tar.ts";

/** See the module. */
export function contractExperiments(subject: Subject): Experiment[] {
  return [shape(), tooManyLayers(subject)];
}

/** What each trait may be. */
const ALLOWED: Readonly<Record<keyof Traits, (value: unknown) => boolean>> = {
  result: (value) => value === "mount" || value === "directory",
  access: (value) =>
    Array.isArray(value) && value.length > 0 && new Set(value).size === value.length &&
    value.every((one) => one === "ro" || one === "rw"),
  isolation: (value) => value === "full" || value === "shared",
  survivesReboot: isBoolean,
  privilege: (value) => value === "none" || value === "mount",
  integrity: isBoolean,
  upper: isBoolean,
  idmap: (value) => value === undefined || isBoolean(value),
  layouts: (value) => value === undefined || isBoolean(value),
  maxLayers: (value) => value === undefined || (Number.isInteger(value) && (value as number) > 0),
  keeps: (value) => value === undefined || /^[a-z0-9-]{1,32}$/.test(String(value)),
};

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

function shape(): Experiment {
  const id = "contract";
  const traits = Object.keys(ALLOWED).map((name) => ({
    id: `${id}/traits-${name}`,
    says: `the trait ${name} has a value that the contract knows`,
  }));
  return {
    id,
    cases: [
      ...traits,
      { id: `${id}/traits-unknown`, says: "there are no other traits" },
      {
        id: `${id}/methods`,
        says: "probe, compose and release are functions, and place if it is there",
      },
      { id: `${id}/create-anew`, says: "every call of create makes a strategy of its own" },
      { id: `${id}/create-alike`, says: "all of them have the same traits" },
    ],
    run(subject, found) {
      const [one, other] = [subject.create(), subject.create()];
      for (const [name, allowed] of Object.entries(ALLOWED)) {
        const value = one.traits[name as keyof Traits];
        if (!allowed(value)) found(`${id}/traits-${name}`, `it is ${JSON.stringify(value)}`);
      }
      for (const name of Object.keys(one.traits)) {
        if (!(name in ALLOWED)) found(`${id}/traits-unknown`, `there is ${name}`);
      }
      for (const name of ["probe", "compose", "release"] as const) {
        if (typeof one[name] !== "function") found(`${id}/methods`, `${name} is no function`);
      }
      if (one.place !== undefined && typeof one.place !== "function") {
        found(`${id}/methods`, "place is no function");
      }
      if (one === other) found(`${id}/create-anew`, "two calls give the same object");
      if (!alike(one, other)) found(`${id}/create-alike`, "two calls give different traits");
    },
  };
}

function alike(one: Strategy, other: Strategy): boolean {
  return JSON.stringify(one.traits) === JSON.stringify(other.traits);
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
