/**
 * Isolation: whatever is done in a composed tree that can be written to, the store stays bit for bit as it was.
 *
 * @module
 */

import type { Case, Experiment } from "./experiment.ts";
import { bytesOf, type TreeImage } from "./images/mod.ts";
import { snapshot } from "./snapshot.ts";
import type { Subject } from "./subject.ts";
import { directory, file, hardlink } from "./tar.ts";
import { compareTrees } from "./tree.ts";
import { type Write, WRITES } from "./writes.ts";

/** The directory that is listed as writable, where inodes are shared. */
const LISTED = "victims";

const VICTIMS: Pick<TreeImage, "id" | "layers"> = {
  id: "victims",
  layers: () => [[
    directory(LISTED),
    ...WRITES.flatMap(({ id, victim }) => victim(`${LISTED}/${id}`)),
    directory("others"),
    ...["one", "two", "three"].map((name) => file(`others/${name}`, bytesOf(5000, 4))),
  ]],
};

/** See the module. */
export function isolationExperiments(subject: Subject): Experiment[] {
  if (subject.traits.isolation === "full") return [everything(subject), nextTime(subject)];
  return [everything(subject), nextTime(subject), listed(subject)];
}

const id = "isolation";

function everything(subject: Subject): Experiment {
  const writes = WRITES.filter(({ privileged }) => subject.bed.store.native || !privileged);
  const shared = subject.traits.isolation === "shared";
  const where = shared ? "in a directory that is listed as writable" : "in the composed tree";
  const store: Case = { id: `${id}/store`, says: "nothing else in the store changes either" };
  const cases = writes.map((write): Case => ({
    id: `${id}/${write.id}`,
    says: `${where}, ${write.says} works, and does not reach the store`,
  }));
  return {
    id,
    cases: [...cases, store],
    obstacle: subject.obstacle("rw"),
    async run(subject, found) {
      const image = await subject.image(VICTIMS);
      const layer = subject.bed.store.layers.directory(image.layers[0].diffId);
      const before = snapshot(layer);
      const writable = shared ? [LISTED] : [];
      await subject.during(image, { access: "rw", writable }, (target) => {
        const whole = snapshot(target);
        for (const write of writes) {
          const failure = attempt(write, `${target}/${LISTED}/${write.id}`);
          if (failure !== undefined) found(`${id}/${write.id}`, failure);
        }
        // No inode is written to by these.
        Deno.removeSync(`${target}/others/one`);
        Deno.renameSync(`${target}/others/two`, `${target}/others/renamed`);
        Deno.writeTextFileSync(`${target}/others/new`, "new");
        const written = snapshot(target);
        for (const write of writes) {
          const path = `${LISTED}/${write.id}`;
          if (whole.get(path) === written.get(path)) {
            found(`${id}/${write.id}`, `${path} is in the composed tree as it was before`);
          }
        }
      });
      for (const [path, what] of differences(before, snapshot(layer))) {
        const write = writes.find((one) => isOf(path, `${LISTED}/${one.id}`));
        found(write === undefined ? store.id : `${id}/${write.id}`, what);
      }
    },
  };
}

function attempt({ act }: Write, path: string): string | undefined {
  try {
    act(path);
    return undefined;
  } catch (error) {
    return `it did not work: ${(error as Error).message}`;
  }
}

/** Whether a path is a victim, something of it, or what it was renamed or linked to. */
function isOf(path: string, victim: string): boolean {
  return path === victim || path.startsWith(`${victim}/`) ||
    ["-too", "-moved", "-new", "-link"].some((end) => path === victim + end);
}

function differences(
  before: Map<string, string>,
  after: Map<string, string>,
): [path: string, what: string][] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => [
      path,
      `in the store, ${path} was: ${before.get(path) ?? "not there"}; is: ${
        after.get(path) ?? "gone"
      }`,
    ]);
}

function nextTime(subject: Subject): Experiment {
  const id = "isolation-next";
  return {
    id,
    cases: [
      { id: `${id}/tree`, says: "a second composition shows nothing of what the first one wrote" },
      { id: `${id}/beside`, says: "nor does one that is there at the same time" },
    ],
    obstacle: subject.obstacle("rw"),
    async run(subject, found) {
      const image = await subject.image(VICTIMS);
      const writable = subject.traits.isolation === "shared" ? [LISTED] : [];
      const look = (name: string) => (target: string) => {
        for (const what of compareTrees(subject, subject.bed.expected(image), target).rest([])) {
          found(`${id}/${name}`, what);
        }
      };
      await subject.during(image, { access: "rw", writable }, async (target) => {
        for (const name of ["write", "write-tiny", "append", "truncate", "write-group"]) {
          Deno.writeTextFileSync(`${target}/${LISTED}/${name}`, "written by the first");
        }
        Deno.removeSync(`${target}/${LISTED}/unlink`);
        await subject.during(image, { access: "rw", writable }, look("beside"));
      });
      await subject.during(image, { access: "rw", writable }, look("tree"));
    },
  };
}

const LIST: Pick<TreeImage, "id" | "layers"> = {
  id: "listed",
  layers: () => [[
    file("alone", bytesOf(5000, 1)),
    file("group", bytesOf(5000, 2)),
    hardlink("elsewhere/of-group", "group"),
    file("directory/file", bytesOf(5000, 3)),
    file("directory/deep/er/file", bytesOf(5000, 4)),
    file("directory/tiny", "t"),
    file("inner/listed/file", bytesOf(5000, 5)),
  ]],
};

/** Where inodes are shared: what is listed, and only that, is written to. */
function listed(subject: Subject): Experiment {
  const id = "isolation-listed";
  const files: readonly (readonly [id: string, path: string, says: string])[] = [
    ["file", "alone", "a file that is listed by itself"],
    ["group", "group", "a file of whose hard-link group another name is listed"],
    ["directory", "directory/file", "a file in a listed directory"],
    ["deep", "directory/deep/er/file", "one further down"],
    ["tiny", "directory/tiny", "a tiny one"],
    ["inner", "inner/listed/file", "one in a listed directory further down"],
  ];
  return {
    id,
    cases: [
      ...files.map(([name, , says]) => ({
        id: `${id}/${name}`,
        says: `writing to ${says} does not reach the store`,
      })),
      { id: `${id}/tree`, says: "a list of writable paths changes nothing in the tree" },
    ],
    obstacle: subject.obstacle("rw"),
    async run(subject, found) {
      const image = await subject.image(LIST);
      const layer = subject.bed.store.layers.directory(image.layers[0].diffId);
      const before = snapshot(layer);
      const writable = ["alone", "elsewhere/of-group", "/directory", "inner/listed", "not/there"];
      await subject.during(image, { access: "rw", writable }, (target) => {
        for (const what of compareTrees(subject, subject.bed.expected(image), target).rest([])) {
          found(`${id}/tree`, what);
        }
        for (const [, path] of files) Deno.writeTextFileSync(`${target}/${path}`, "written");
      });
      for (const [path, what] of differences(before, snapshot(layer))) {
        const name = files.find((one) => one[1] === path)?.[0] ?? "group";
        found(`${id}/${name}`, what);
      }
    },
  };
}
