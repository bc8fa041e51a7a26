/**
 * Ctrl-C: a strategy is told to stop by its job's signal.
 *
 * @module
 */

import type { LoadedPlugin } from "../loader.ts";
import type { Job, Made } from "../plugin.ts";
import type { Experiment } from "./experiment.ts";
import { SIMPLE } from "./simple_image.ts";
import type { Subject } from "./subject.ts";
import { compareTrees } from "./tree.ts";

/** See the module. */
export function stopExperiments(subject: Subject): Experiment[] {
  const id = "stop";
  const access = subject.access.at(-1) ?? "ro";
  // What takes a moment only need not listen.
  const long = subject.traits.result === "directory" && subject.traits.keeps === undefined;
  const heard = {
    id: `${id}/heard`,
    says: "told to stop before its first entry, it does not build a directory to the end",
  };
  return [{
    id,
    cases: [
      ...long ? [heard] : [],
      { id: `${id}/failed`, says: "what was told to stop is no composition" },
      { id: `${id}/again`, says: "the image composes afterwards" },
    ],
    obstacle: subject.obstacle(access),
    async run(subject, found) {
      const image = await subject.image(SIMPLE);
      const target = subject.bed.target();
      const controller = new AbortController();
      let finished = false;
      const compose = async (job: Job, original: (job: Job) => Made | Promise<Made>) => {
        controller.abort();
        const made = await original(job);
        finished = true;
        return made;
      };
      const plugins = [withCompose(subject.plugin, compose)];
      const { signal } = controller;
      const composed = await subject.compose(image, target, { access, plugins, signal })
        .then(() => true, () => false);
      if (finished && long) found(heard.id, "it goes on to the end");
      if (composed) {
        found(`${id}/failed`, "it is on record as one");
        await subject.release(target);
      }
      await subject.during(image, { access }, (target) => {
        const seen = compareTrees(subject, subject.bed.expected(image), target);
        for (const what of seen.rest([])) found(`${id}/again`, what);
      });
    },
  }];
}

/** The same plugin, with something around its composing. */
function withCompose(
  loaded: LoadedPlugin,
  around: (job: Job, original: (job: Job) => Made | Promise<Made>) => Promise<Made>,
): LoadedPlugin {
  const plugin: LoadedPlugin["plugin"] = {
    ...loaded.plugin,
    create(host) {
      const strategy = loaded.plugin.create(host);
      const compose = (job: Job) => around(job, (job) => strategy.compose(job));
      return Object.assign(Object.create(strategy), { compose });
    },
  };
  return { ...loaded, plugin };
}
