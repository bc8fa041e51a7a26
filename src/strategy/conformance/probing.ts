/**
 * Probes: they say what is so, in a shape that can be used, and leave nothing behind.
 *
 * @module
 */

import { AT_FDCWD, removeTree } from "../../linux/mod.ts";
import { verdictFault } from "../loading/shape.ts";
import { mounts } from "../mounts.ts";
import type { Access, Site, Verdict } from "../plugin.ts";
import { type Experiment, Impossible } from "./experiment.ts";
import { SIMPLE } from "./simple_image.ts";
import type { Subject } from "./subject.ts";
import { compareTrees } from "./tree.ts";

/** See the module. */
export function probeExperiments(subject: Subject): Experiment[] {
  return [
    ...subject.access.flatMap((access) => [here(access), elsewhere(access), full(access)]),
    withoutRights(subject),
  ];
}

/** Scratch directories for a probe, with something beside them that it has no business with. */
class Scratch implements Disposable {
  readonly site: Site;
  readonly #paths: readonly string[];

  constructor({ bed }: Subject, access: Access, options: Partial<Site> & { at?: string } = {}) {
    const { at = bed.targets, ...more } = options;
    const [store, target, upper] = ["store", "target", "upper"].map((role) =>
      `${role === "target" ? at : bed.targets}/probe-${role}`
    );
    this.#paths = [store, target, upper];
    for (const path of this.#paths) Deno.mkdirSync(path, { mode: 0o700 });
    const { native } = bed.store;
    const sameFilesystem = at === bed.targets;
    const own = { access, store, target, upper, sameFilesystem, native, idmap: undefined };
    this.site = { ...own, data: false, ...more };
  }

  [Symbol.dispose](): void {
    for (const path of this.#paths) removeTree(AT_FDCWD, path);
  }
}

async function asked(subject: Subject, site: Site): Promise<Verdict> {
  return await subject.create().probe(site);
}

function misshapen(verdict: unknown): string[] {
  const fault = verdictFault(verdict);
  return fault === undefined ? [] : [fault];
}

function here(access: Access): Experiment {
  const id = `probe/${access}/here`;
  return {
    id,
    cases: [
      { id: `${id}/verdict`, says: "a probe answers with a verdict of the right shape" },
      { id: `${id}/same`, says: "a second probe says the same" },
      { id: `${id}/honest`, says: "where it says that it works, it composes" },
    ],
    async run(subject, found) {
      const works: boolean[] = [];
      for (const _ of [0, 1]) {
        using scratch = new Scratch(subject, access);
        const verdict = await asked(subject, scratch.site);
        for (const what of misshapen(verdict)) found(`${id}/verdict`, what);
        works.push(verdict?.works);
      }
      if (works[0] !== works[1]) found(`${id}/same`, "one says that it works, the other not");
      if (works[1] !== true) return;
      const image = await subject.image(SIMPLE);
      await subject.during(image, { access }, (target) => {
        const seen = compareTrees(subject, subject.bed.expected(image), target);
        for (const what of seen.rest([])) found(`${id}/honest`, what);
      }).catch((error) => found(`${id}/honest`, (error as Error).message));
    },
  };
}

/** Runs something with a tmpfs mounted, on which targets would be. */
async function onTmpfs(
  subject: Subject,
  size: number,
  work: (path: string) => Promise<void>,
): Promise<void> {
  if (!mounts.allowed()) throw new Impossible("this process may not mount");
  const path = subject.bed.target();
  Deno.mkdirSync(path);
  try {
    using tmpfs = mounts.tmpfs({ size });
    tmpfs.attach(path);
    await work(path);
  } finally {
    mounts.unmount(path);
    Deno.removeSync(path);
  }
}

function elsewhere(access: Access): Experiment {
  const id = `probe/${access}/elsewhere`;
  return {
    id,
    cases: [
      {
        id: `${id}/verdict`,
        says: "where store and target are on two filesystems, it gives a verdict",
      },
      { id: `${id}/honest`, says: "if that says that it works, it composes there" },
    ],
    async run(subject, found) {
      const image = await subject.image(SIMPLE);
      await onTmpfs(subject, 64 << 20, async (at) => {
        let verdict: Verdict;
        {
          using scratch = new Scratch(subject, access, { at });
          verdict = await asked(subject, scratch.site);
        }
        for (const what of misshapen(verdict)) found(`${id}/verdict`, what);
        if (!verdict.works) return;
        const target = `${at}/target`;
        try {
          await subject.compose(image, target, { access });
          const seen = compareTrees(subject, subject.bed.expected(image), target);
          for (const what of seen.rest([])) found(`${id}/honest`, what);
          await subject.release(target);
        } catch (error) {
          found(`${id}/honest`, (error as Error).message);
        }
      });
    },
  };
}

function full(access: Access): Experiment {
  const id = `probe/${access}/full`;
  return {
    id,
    cases: [{ id: `${id}/verdict`, says: "on a filesystem that is full it gives a verdict" }],
    async run(subject, found) {
      await onTmpfs(subject, 64 << 10, async (at) => {
        using scratch = new Scratch(subject, access, { at });
        try {
          Deno.writeFileSync(`${at}/filler`, new Uint8Array(1 << 20));
        } catch {
          // Full, as it should be.
        }
        const verdict = await asked(subject, scratch.site);
        for (const what of misshapen(verdict)) found(`${id}/verdict`, what);
      });
    },
  };
}

function withoutRights(subject: Subject): Experiment {
  const id = "probe/not-native";
  return {
    id,
    cases: [{ id: `${id}/verdict`, says: "for a store without root's rights it gives a verdict" }],
    async run(_subject, found) {
      const access = subject.access.at(-1) ?? "ro";
      using scratch = new Scratch(subject, access, { native: false });
      const verdict = await asked(subject, scratch.site);
      for (const what of misshapen(verdict)) found(`${id}/verdict`, what);
    },
  };
}
