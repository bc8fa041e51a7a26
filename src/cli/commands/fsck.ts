/**
 * `lamina fsck`.
 *
 * @module
 */

import {
  type Checked,
  type CheckOptions,
  type CheckProgress,
  checkStore,
} from "../../store/fsck/check.ts";
import type { Finding } from "../../store/fsck/finding.ts";
import type { Repaired } from "../../store/fsck/repair/repair.ts";
import type { Store } from "../../store/mod.ts";
import { endedFindings, releaseDead } from "../../strategy/dead.ts";
import type { Answer } from "../terminal/output.ts";
import { defineCommand } from "../spec.ts";
import { shortDigest } from "../terminal/names.ts";
import type { Progress, Task } from "../terminal/progress.ts";
import { printable } from "../terminal/printable.ts";
import { count, duration, plural, size } from "../terminal/units.ts";

/** Findings that a person is shown. */
const SHOWN = 100;

export default defineCommand({
  description:
    "Checks every content, layer, tree and image in the store against its digest, every layer's files against its index, and names, leases and " +
    "compositions against what they refer to. Pulls and compositions go on meanwhile. It fails (exit code 1) where anything is " +
    "damaged; what can merely be freed is only named.\n\n" +
    "With --repair the store is taken alone: what is damaged is made again out of what is whole, or out of the image's layers, fetched again " +
    "from where it was pulled. Layers that mounts use are left alone: release these first. What cannot be repaired is moved to " +
    "quarantine/ in the store, with a note, so that `lamina pull` brings it again. It fails where anything stays damaged.",
  arguments: [{
    name: "IMAGE",
    optional: true,
    repeat: true,
    complete: "image",
    summary: "only these images, their layers and contents",
  }],
  flags: [
    { name: "repair", summary: "repair what is damaged" },
    { name: "quick", summary: "only references and metadata: read no contents" },
  ],
  examples: [
    { command: "lamina fsck", says: "everything" },
    { command: "lamina fsck --quick app", says: "in a moment, whether all of an image is there" },
    { command: "lamina fsck --repair", says: "after a disk fault, or a write to a hard link" },
  ],
}, async (context, { flags, args }) => {
  const begun = performance.now();
  const store = await context.store();
  const named = (args.image ?? []).map((word) =>
    store.names.get(word) ?? store.images.find(word).digest
  );
  const images = named.length === 0 ? undefined : [...new Set(named)];
  const names = store.names.byDigest();
  using progress = await context.progress();
  const options: CheckOptions = {
    quick: flags.quick,
    images,
    signal: context.signal,
    onProgress: showCheck(progress),
  };
  const took = () => (performance.now() - begun) / 1000;
  if (flags.repair) {
    await releaseDead(store, await context.plugins());
    const repaired = await repair(store, options);
    return answerRepair(repaired, flags.quick, names, store, took());
  }
  const findings: Finding[] = images === undefined ? endedFindings(store) : [];
  const check = checkStore(store, options);
  let next = await check.next();
  for (; !next.done; next = await check.next()) findings.push(next.value);
  const checked = next.value;
  const seconds = took();
  return {
    document: { quick: flags.quick, findings, ...checked, seconds },
    text: () => findingsText(findings, names) + summaryOf(findings, checked, seconds),
    brief: idsOf(findings),
    code: isDamaged(findings) ? 1 : 0,
  };
});

async function repair(store: Store, options: CheckOptions): Promise<Repaired> {
  const { Refetcher } = await import("../../oci/refetch.ts");
  const { repairStore } = await import("../../store/fsck/repair/repair.ts");
  await using source = new Refetcher(store.native);
  return await repairStore(store, source, options);
}

function answerRepair(
  repaired: Repaired,
  quick: boolean,
  names: ReadonlyMap<string, string[]>,
  store: Store,
  seconds: number,
): Answer {
  const { found, remaining, quarantined, quarantine, inUse, failures, checked } = repaired;
  const { checked: _checked, found: findings, ...rest } = repaired;
  const text = () => {
    const solved = found.filter((one) => !remaining.some((other) => sameThing(one, other)));
    const lines = [
      ...solved.length === 0 ? [] : ["repaired:\n", findingsText(solved, names)],
      ...remaining.length === 0 ? [] : ["left:\n", findingsText(remaining, names)],
      ...failures.map((why) => `${printable(why)}\n`),
      ...inUse.map(({ diffId, compositions }) =>
        `layer ${shortDigest(diffId)} is in use: lamina release ${
          compositions.join(" ")
        }, then again lamina fsck --repair\n`
      ),
      ...[...new Set(remaining.flatMap(({ images }) => images))].map((digest) =>
        `image ${names.get(digest)?.[0] ?? shortDigest(digest)} is damaged: ${
          whatToDo(store, digest)
        }\n`
      ),
      ...quarantine === undefined
        ? []
        : [`moved to ${printable(quarantine)}: ${plural(quarantined.length, "thing")}\n`],
    ];
    return lines.join("") + summaryOf(remaining, checked, seconds);
  };
  return {
    document: { quick, repair: true, findings, ...rest, ...checked, seconds },
    text,
    brief: idsOf(remaining),
    code: isDamaged(remaining) ? 1 : 0,
  };
}

function whatToDo(store: Store, digest: string): string {
  try {
    const source = store.images.get(digest)?.source;
    if (source) return `lamina pull ${source}`;
  } catch {
    // Its record is what is damaged.
  }
  return "pull it again";
}

function sameThing(one: Finding, other: Finding): boolean {
  return one.kind === other.kind && one.id === other.id && one.path === other.path;
}

function idsOf(findings: readonly Finding[]): string[] {
  const damaged = findings.filter(({ severity }) => severity === "damage");
  return [...new Set(damaged.map(({ id }) => id))];
}

function isDamaged(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === "damage");
}

/** One bar for each phase. */
function showCheck(progress: Progress): (event: CheckProgress) => void {
  const bars = new Map<string, Task>();
  return ({ phase, done, total }) => {
    let bar = bars.get(phase);
    if (bar === undefined) {
      bar = progress.task(`checking ${phase}`, total, "entries");
      bars.set(phase, bar);
    }
    if (done === total) bar.finish();
    else bar.update(done);
  };
}

/** What was found, a line for each; ends with a line break. */
function findingsText(findings: readonly Finding[], names: ReadonlyMap<string, string[]>): string {
  const called = (digest: string) => names.get(digest)?.[0] ?? shortDigest(digest);
  const lines = findings.slice(0, SHOWN).flatMap((finding) => {
    const { kind, id, path, message, images, sharedWith = [] } = finding;
    const [what] = kind.split("-");
    const subject = kind === "leftover"
      ? id
      : `${what === "entry" ? "layer" : what} ${what === "name" ? id : shortDigest(id)}`;
    const where = path === undefined ? "" : `: ${printable(path)}`;
    const of = images.length === 0 || what === "image"
      ? ""
      : ` (of ${images.slice(0, 5).map(called).join(", ")}${images.length > 5 ? ", …" : ""})`;
    return [
      `${subject}${where}: ${printable(message)}${of}`,
      ...sharedWith.map(({ composition, path }) =>
        `  also ${printable(path)} of composition ${composition}`
      ),
    ];
  });
  const more = findings.length - SHOWN;
  if (more > 0) lines.push(`and ${count(more)} more; --json has all`);
  return lines.map((line) => `${line}\n`).join("");
}

function summaryOf(findings: readonly Finding[], checked: Checked, seconds: number): string {
  const damaged = findings.filter(({ severity }) => severity === "damage").length;
  const free = findings.length - damaged;
  const { images, layers, bytes } = checked;
  const result = damaged === 0 ? "all is whole" : plural(damaged, "problem");
  const reclaimable = free === 0 ? "" : `, ${plural(free, "thing")} that can be freed`;
  return `${plural(images, "image")}, ${plural(layers, "layer")}, ${size(bytes)} read: ${result}` +
    `${reclaimable}, in ${duration(seconds * 1000)}\n`;
}
