/**
 * Releasing at odd times: twice, after a reboot, with files open or something mounted inside.
 *
 * @module
 */

import { check, mount, umount2, UMOUNT_NOFOLLOW } from "../../linux/mod.ts";
import type { ImageRecord } from "../../store/mod.ts";
import type { ComposeResult } from "../compose.ts";
import { isMountPoint } from "../filesystem.ts";
import { mounts } from "../mounts.ts";
import type { Composition } from "../plugin.ts";
import { forceRemoval, unmountBelow } from "./bed.ts";
import { type Experiment, Impossible } from "./experiment.ts";
import { SIMPLE, simpleVariant } from "./simple_image.ts";
import type { Subject } from "./subject.ts";
import { compareTrees } from "./tree.ts";

/** What is done with a composition that is there; what is wrong is returned. */
type Story = (subject: Subject, made: ComposeResult, image: ImageRecord) => Promise<string[]>;

const STORIES: readonly (readonly [id: string, says: string, story: Story])[] = [
  ["twice", "a strategy can be asked to release once more, and once more", twice],
  ["written", "what was written goes with it", async (subject, made) => {
    if (made.access === "rw") {
      Deno.mkdirSync(`${made.target}/new/directory`, { recursive: true });
      Deno.writeTextFileSync(`${made.target}/new/file`, "written");
      // Who follows it finds what lies beside the target.
      Deno.symlinkSync("../../", `${made.target}/new/link`);
      Deno.chmodSync(`${made.target}/new/directory`, 0);
    }
    await subject.release(made.id);
    return [];
  }],
  [
    "rebooted",
    "what is not there any more, as after a reboot, can be released",
    async (subject, made) => {
      if (subject.traits.result === "directory") forceRemoval(made.target);
      else unmountBelow(subject.bed.targets);
      await subject.release(made.id);
      return [];
    },
  ],
  ["half-gone", "what is half gone can be released", async (subject, made) => {
    if (made.access === "rw") {
      Deno.removeSync(`${made.target}/usr`, { recursive: true });
      Deno.removeSync(`${made.target}/etc/config`);
    }
    await subject.release(made.id);
    return [];
  }],
  [
    "open-file",
    "an open file in it does not keep it from being released",
    async (subject, made) => {
      using file = Deno.openSync(`${made.target}/var/lib/state`);
      await subject.release(made.id);
      const read = file.readSync(new Uint8Array(100));
      return read === 100 ? [] : [`the open file gives ${read} bytes of 100`];
    },
  ],
  ["foreign-mount", "a mount that others made in it is left, or in the way", foreignMount],
  ["another", "another composition of the image stays as it is", async (subject, made, image) => {
    const found: string[] = [];
    await subject.during(image, { access: made.access }, async (target) => {
      await subject.release(made.id);
      found.push(...compareTrees(subject, subject.bed.expected(image), target).rest([]));
    });
    return found;
  }],
  [
    "another-image",
    "a composition of another image, made later, stays too",
    async (subject, made) => {
      const image = await subject.image(simpleVariant(0));
      const found: string[] = [];
      await subject.during(image, { access: made.access }, async (target) => {
        await subject.release(made.id);
        found.push(...compareTrees(subject, subject.bed.expected(image), target).rest([]));
      });
      return found;
    },
  ],
];

/** See the module. */
export function releaseExperiments(subject: Subject): Experiment[] {
  const told = subject.access.flatMap((access) =>
    STORIES.map(([name, says, story]): Experiment => {
      const id = `release/${access}/${name}`;
      return {
        id,
        cases: [{ id: `${id}/done`, says }],
        obstacle: subject.obstacle(access),
        async run(subject, found) {
          const image = await subject.image(SIMPLE);
          const made = await subject.compose(image, subject.bed.target(), { access });
          for (const what of await story(subject, made, image)) found(`${id}/done`, what);
        },
      };
    })
  );
  return [...told, neverMade(), existingTarget(subject)];
}

function compositionOf(subject: Subject, { id, target, access }: ComposeResult): Composition {
  const workspace = subject.bed.store.compositions.workspace(id);
  return { id, target, access, workspace, upper: undefined };
}

async function twice(subject: Subject, made: ComposeResult): Promise<string[]> {
  await subject.release(made.id);
  const composition = compositionOf(subject, made);
  const strategy = subject.create();
  await strategy.release(composition);
  await strategy.release(composition);
  return [];
}

async function foreignMount(subject: Subject, made: ComposeResult): Promise<string[]> {
  if (!mounts.allowed()) throw new Impossible("this process may not mount");
  const inner = `${made.target}/mnt`;
  check(mount("others", inner, "tmpfs", 0, "size=1m"), "mount", inner);
  const precious = `${inner}/precious`;
  Deno.writeTextFileSync(precious, "of others");
  const found: string[] = [];
  const refused = await subject.release(made.id).then(() => false, () => true);
  if (!isMountPoint(inner)) found.push("the mount is gone, with all that was in it");
  else if (Deno.readTextFileSync(precious) !== "of others") found.push("its content is gone");
  umount2(inner, UMOUNT_NOFOLLOW);
  if (refused) await subject.release(made.id);
  return found;
}

function neverMade(): Experiment {
  const id = "release/never-made";
  return {
    id,
    cases: [{ id: `${id}/done`, says: "what was never made can be released" }],
    async run(subject) {
      const target = subject.bed.target();
      const workspace = `${target}-workspace`;
      const access = subject.access.at(-1) ?? "ro";
      const composition = { id: "0123456789ab", target, workspace, access, upper: undefined };
      await subject.create().release(composition);
    },
  };
}

function existingTarget(subject: Subject): Experiment {
  const id = "release/existing-target";
  const access = subject.access.at(-1) ?? "ro";
  return {
    id,
    cases: [
      { id: `${id}/tree`, says: "a target that is there already shows the same tree" },
      { id: `${id}/restored`, says: "and is afterwards as it was: empty, its mode the same" },
    ],
    obstacle: subject.obstacle(access),
    async run(subject, found) {
      const image = await subject.image(SIMPLE);
      const target = subject.bed.target();
      Deno.mkdirSync(target);
      Deno.chmodSync(target, 0o751);
      const made = await subject.compose(image, target, { access });
      const seen = compareTrees(subject, subject.bed.expected(image), target);
      for (const what of seen.rest([])) found(`${id}/tree`, what);
      await subject.release(made.id);
      const left = Array.from(Deno.readDirSync(target), ({ name }) => name);
      if (left.length > 0) found(`${id}/restored`, `it holds ${left.join(", ")}`);
      const mode = Deno.statSync(target).mode! & 0o7777;
      if (mode !== 0o751) found(`${id}/restored`, `its mode is ${mode.toString(8)}, not 751`);
      else Deno.removeSync(target);
    },
  };
}
