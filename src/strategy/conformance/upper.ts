/**
 * Upper directories: writes go where the request says, and stay there.
 *
 * @module
 */

import { AT_FDCWD, removeTree } from "../../linux/mod.ts";
import type { Upper } from "../plugin.ts";
import type { Experiment } from "./experiment.ts";
import { bytesOf } from "./images/mod.ts";
import { SIMPLE } from "./simple_image.ts";
import { snapshot } from "./snapshot.ts";
import type { Subject } from "./subject.ts";

/** See the module. */
export function upperExperiments(subject: Subject): Experiment[] {
  const obstacle = subject.traits.upper
    ? subject.obstacle("rw")
    : "its traits say that it knows no upper directory";
  return [inDirectory(obstacle), inMemory(obstacle)];
}

const MARK = bytesOf(5000, 77);

/** Whether some file below a directory holds what was written. */
function holdsMark(directory: string): boolean {
  const size = ` size=${MARK.length} `;
  return [...snapshot(directory)].some(([path, line]) =>
    path.endsWith("etc/written") && line.includes(size)
  );
}

function inDirectory(obstacle: string | undefined): Experiment {
  const id = "upper/directory";
  return {
    id,
    cases: [
      { id: `${id}/written`, says: "what is written is in the directory that was named" },
      { id: `${id}/kept`, says: "it stays there when the composition is released" },
      { id: `${id}/again`, says: "a composition with the same directory shows it again" },
    ],
    ...obstacle === undefined ? {} : { obstacle },
    async run(subject, found) {
      const image = await subject.image(SIMPLE);
      const path = subject.bed.target();
      const upper: Upper = { kind: "directory", path };
      await subject.during(image, { access: "rw", upper }, (target) => {
        Deno.writeFileSync(`${target}/etc/written`, MARK);
        if (!holdsMark(path)) found(`${id}/written`, `${path} does not hold it`);
      });
      if (!holdsMark(path)) found(`${id}/kept`, `${path} does not hold it any more`);
      await subject.during(image, { access: "rw", upper }, (target) => {
        if (!holdsMark(target)) found(`${id}/again`, "it is not there");
      });
      removeTree(AT_FDCWD, path);
    },
  };
}

function inMemory(obstacle: string | undefined): Experiment {
  const id = "upper/tmpfs";
  return {
    id,
    cases: [
      { id: `${id}/written`, says: "what is written to memory takes no room in the store" },
      { id: `${id}/bounded`, says: "no more can be written than was said" },
      { id: `${id}/gone`, says: "the next composition shows nothing of it" },
    ],
    ...obstacle === undefined ? {} : { obstacle },
    async run(subject, found) {
      const image = await subject.image(SIMPLE);
      const upper: Upper = { kind: "tmpfs", size: 1 << 20 };
      await subject.during(image, { access: "rw", upper }, (target, { id: made }) => {
        Deno.writeFileSync(`${target}/etc/written`, MARK);
        const workspace = subject.bed.store.compositions.workspace(made);
        if (holdsMark(workspace)) found(`${id}/written`, `${workspace} holds it`);
        try {
          Deno.writeFileSync(`${target}/etc/large`, bytesOf(4 << 20, 1));
          found(`${id}/bounded`, "4 MiB can be written where 1 MiB was said");
        } catch {
          // There is no room, as it should be.
        }
      });
      await subject.during(image, { access: "rw", upper }, (target) => {
        if (holdsMark(target)) found(`${id}/gone`, "it is there");
      });
    },
  };
}
