/**
 * Failure half-way: a damaged store, a full filesystem, a target that is taken, a process that is killed. Nothing wrong is ever shown, and
 * nothing stays.
 *
 * @module
 */

import { dirname } from "@std/path";
import { AT_FDCWD, check, Stat, statx, utimensat } from "../../linux/mod.ts";
import type { ImageRecord } from "../../store/mod.ts";
import { readErofs } from "../../tree/mod.ts";
import { mounts } from "../mounts.ts";
import { type Experiment, Impossible } from "./experiment.ts";
import { bytesOf, type TreeImage } from "./images/mod.ts";
import { SIMPLE } from "./simple_image.ts";
import { directory, file } from "./tar.ts";
import type { Subject } from "./subject.ts";
import { compareTrees } from "./tree.ts";

/** A file of the simple image with a content object of its own. */
const HURT = "usr/bin/tool";

/** Something of the store that is damaged, and what it says about it. */
interface Damage {
  readonly id: string;
  readonly says: string;
  /** The path that is taken away. */
  readonly path: (subject: Subject, image: ImageRecord) => string;
  /** What stands in its place; undefined: nothing. */
  readonly instead?: Uint8Array;
}

const layerOf = ({ bed }: Subject, image: ImageRecord) =>
  bed.store.layers.directory(image.layers[0].diffId);

const DAMAGES: readonly Damage[] = [
  { id: "no-layer", says: "a layer's directory is missing", path: layerOf },
  {
    id: "no-file",
    says: "a file of a layer is missing",
    path: (subject, image) => `${layerOf(subject, image)}/${HURT}`,
  },
  { id: "no-object", says: "a content object is missing", path: objectOf },
  {
    id: "no-directory",
    says: "a directory of a layer is missing",
    path: (subject, image) => `${layerOf(subject, image)}/usr`,
  },
  {
    id: "no-origins",
    says: "the file of origins is cut to nothing",
    path: ({ bed }, image) => bed.store.trees.origins(image),
    instead: new Uint8Array(),
  },
  {
    id: "bad-tree",
    says: "the tree's image is garbage",
    path: ({ bed }, image) => bed.store.layout.tree(image.tree.digest),
    instead: bytesOf(8192, 1),
  },
];

function objectOf({ bed }: Subject, image: ImageRecord): string {
  const { layout } = bed.store;
  let inode = readErofs(Deno.readFileSync(layout.tree(image.tree.digest)));
  for (const name of HURT.split("/")) inode = inode.children!.get(name)!;
  return `${layout.objects}/${inode.payload}`;
}

/** See the module. */
export function failureExperiments(subject: Subject): Experiment[] {
  return [
    ...DAMAGES.map((damage) => damaged(subject, damage)),
    fullTarget(subject),
    takenTarget(subject),
    killed(subject),
  ];
}

function obstacleOf(subject: Subject): string | undefined {
  const access = subject.access.at(-1);
  return access === undefined ? "its traits list no access" : subject.obstacle(access);
}

function damaged(subject: Subject, { id: name, says, path, instead }: Damage): Experiment {
  const id = `failure/${name}`;
  return {
    id,
    cases: [
      { id: `${id}/refused`, says: `where ${says}, it fails, or shows nothing but what is right` },
      { id: `${id}/again`, says: "once that is repaired, it composes again" },
    ],
    obstacle: obstacleOf(subject),
    async run(subject, found) {
      const image = await subject.image(SIMPLE);
      const expected = subject.bed.expected(image);
      const place = path(subject, image);
      const aside = `${subject.bed.path}/aside`;
      using _time = new TimeOf(dirname(place));
      Deno.renameSync(place, aside);
      try {
        if (instead !== undefined) Deno.writeFileSync(place, instead);
        for (const what of await wrongly(subject, image, expected)) found(`${id}/refused`, what);
      } finally {
        if (instead !== undefined) Deno.removeSync(place);
        Deno.renameSync(aside, place);
      }
      await subject.during(image, {}, (target) => {
        const seen = compareTrees(subject, expected, target);
        for (const what of seen.rest([])) found(`${id}/again`, what);
      });
    },
  };
}

/** Keeps the time of a directory in which something comes and goes. */
class TimeOf implements Disposable {
  readonly #path: string;
  readonly #stat = new Stat();

  constructor(path: string) {
    this.#path = path;
    check(statx(AT_FDCWD, path, 0, this.#stat), "statx", path);
  }

  [Symbol.dispose](): void {
    const { mtime, nsec } = this.#stat;
    check(utimensat(AT_FDCWD, this.#path, mtime, nsec), "utimensat", this.#path);
  }
}

/** What a composition of a damaged image shows that is wrong; that it fails, or cannot be read, is right. */
async function wrongly(
  subject: Subject,
  image: ImageRecord,
  expected: Map<string, string>,
): Promise<string[]> {
  const found: string[] = [];
  const target = subject.bed.target();
  try {
    await subject.compose(image, target);
  } catch {
    return found;
  }
  try {
    // A mount shows the layers as they are, so that what they lack is lacking; but never is there another content.
    const lacking = subject.traits.result === "mount" ? / → .*sha256=/ : /^/;
    const wrong = compareTrees(subject, expected, target).rest([]);
    found.push(...wrong.filter((line) => lacking.test(line)));
  } catch {
    // It cannot be read to its end, so that nobody takes it for whole.
  }
  await subject.release(target);
  return found;
}

const LARGE: Pick<TreeImage, "id" | "layers"> = {
  id: "large-contents",
  layers: () => [[
    directory("d"),
    ...Array.from({ length: 24 }, (_, i) => file(`d/f${i}`, bytesOf(400_000, i))),
  ]],
};

function fullTarget(subject: Subject): Experiment {
  const id = "failure/full";
  return {
    id,
    cases: [
      { id: `${id}/cleared`, says: "on a target that fills up nothing stays of a failed attempt" },
      { id: `${id}/tree`, says: "if it does compose there, the tree is right" },
    ],
    obstacle: obstacleOf(subject),
    async run(subject, found) {
      if (!mounts.allowed()) throw new Impossible("this process may not mount");
      const image = await subject.image(LARGE);
      const small = subject.bed.target();
      Deno.mkdirSync(small);
      {
        // Room for a probe, and for a part of the image.
        using tmpfs = mounts.tmpfs({ size: 6 << 20 });
        tmpfs.attach(small);
      }
      try {
        const target = `${small}/target`;
        if (await subject.compose(image, target).then(() => true, () => false)) {
          const seen = compareTrees(subject, subject.bed.expected(image), target);
          for (const what of seen.rest([])) found(`${id}/tree`, what);
          await subject.release(target);
        }
        const left = Array.from(Deno.readDirSync(small), ({ name }) => name);
        if (left.length > 0) found(`${id}/cleared`, `it holds ${left.join(", ")}`);
      } finally {
        mounts.unmount(small);
        Deno.removeSync(small);
      }
    },
  };
}

function takenTarget(subject: Subject): Experiment {
  const id = "failure/taken-target";
  return {
    id,
    cases: [{ id: `${id}/refused`, says: "a target that holds something is refused, and kept" }],
    obstacle: obstacleOf(subject),
    async run(subject, found) {
      const image = await subject.image(SIMPLE);
      const target = subject.bed.target();
      Deno.mkdirSync(target);
      Deno.writeTextFileSync(`${target}/mine`, "mine");
      if (await subject.compose(image, target).then(() => true, () => false)) {
        found(`${id}/refused`, "it composes there");
        await subject.release(target);
      }
      if (Deno.readTextFileSync(`${target}/mine`) !== "mine") found(`${id}/refused`, "it is gone");
      Deno.removeSync(target, { recursive: true });
    },
  };
}

function killed(subject: Subject): Experiment {
  const id = "failure/killed";
  const { program } = subject;
  return {
    id,
    cases: [
      { id: `${id}/cleared`, says: "after kill -9 half-way the next command clears up" },
      { id: `${id}/tree`, says: "and composes as if nothing had happened" },
    ],
    obstacle: obstacleOf(subject) ??
      (program === undefined ? "there is no program to run and kill" : undefined),
    async run(subject, found) {
      const [image, small] = [await subject.image(LARGE), await subject.image(SIMPLE)];
      const target = subject.bed.target();
      await composeAndKill(subject, image, target);
      await subject.during(small, {}, (other) => {
        const seen = compareTrees(subject, subject.bed.expected(small), other);
        for (const what of seen.rest([])) found(`${id}/tree`, what);
      });
      const { records } = subject.bed.leftovers();
      for (const { id: made, state } of records) {
        // It was done before it could be killed.
        if (state === "ready") await subject.release(made);
        else found(`${id}/cleared`, `the record of ${made} is left, ${state}`);
      }
    },
  };
}

/** Composes in a process of its own, and kills that as soon as it has begun. */
async function composeAndKill(subject: Subject, image: ImageRecord, target: string): Promise<void> {
  const { bed, plugin } = subject;
  const [command, ...first] = subject.program!;
  const file = plugin.source.file === undefined ? [] : ["--plugin", plugin.source.file];
  const access = subject.access.at(-1)!;
  const asked = ["--strategy", plugin.name, "--access", access];
  const isolation = ["--isolation", subject.isolation(access)];
  const child = new Deno.Command(command, {
    args: [...first, "--root", bed.store.root, ...file]
      .concat(["compose", image.digest, target, ...asked, ...isolation]),
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let ended = false;
  const status = child.status.then(() => ended = true);
  while (!ended && bed.store.compositions.list().every(({ strategy }) => strategy === "")) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  if (!ended) child.kill("SIGKILL");
  await status;
}
