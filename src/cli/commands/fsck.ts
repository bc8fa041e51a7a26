/**
 * `lamina fsck`.
 *
 * @module
 */

import { type Checked, type CheckProgress, checkStore } from "../../store/fsck/check.ts";
import type { Finding } from "../../store/fsck/finding.ts";
import { defineCommand } from "../spec.ts";
import { shortDigest } from "../terminal/names.ts";
import type { Progress, Task } from "../terminal/progress.ts";
import { printable } from "../terminal/text.ts";
import { count, duration, plural, size } from "../terminal/units.ts";

/** Findings that a person is shown. */
const SHOWN = 100;

export default defineCommand({
  description:
    "Checks every content, layer, tree and image in the store against its digest, every layer's files against its index, and names, leases and " +
    "compositions against what they refer to. Pulls and compositions go on meanwhile. It fails (exit code 1) where anything is " +
    "damaged; what can merely be freed is only named.",
  arguments: [{
    name: "IMAGE",
    optional: true,
    repeat: true,
    complete: "image",
    summary: "only these images, their layers and contents",
  }],
  flags: [
    { name: "quick", summary: "only references and metadata: read no contents" },
  ],
  examples: [
    { command: "lamina fsck", says: "everything" },
    { command: "lamina fsck --quick app", says: "in a moment, whether all of an image is there" },
  ],
}, async (context, { flags, args }) => {
  const begun = performance.now();
  const store = await context.store();
  const named = (args.image ?? []).map((word) =>
    store.names.get(word) ?? store.images.find(word).digest
  );
  const images = named.length === 0 ? undefined : [...new Set(named)];
  const names = store.names.byDigest();
  const findings: Finding[] = [];
  using progress = await context.progress();
  const check = checkStore(store, {
    quick: flags.quick,
    images,
    signal: context.signal,
    onProgress: showCheck(progress),
  });
  let next = await check.next();
  for (; !next.done; next = await check.next()) findings.push(next.value);
  const checked = next.value;
  const seconds = (performance.now() - begun) / 1000;
  const damaged = findings.filter(({ severity }) => severity === "damage");
  return {
    document: { quick: flags.quick, findings, ...checked, seconds },
    text: () => textOf(findings, names) + summaryOf(findings, checked, seconds),
    brief: [...new Set(damaged.map(({ id }) => id))],
    code: damaged.length > 0 ? 1 : 0,
  };
});

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
function textOf(findings: readonly Finding[], names: ReadonlyMap<string, string[]>): string {
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
  const reclaimable = free === 0 ? "" : `, ${plural(free, "thing")} that lamina gc frees`;
  return `${plural(images, "image")}, ${plural(layers, "layer")}, ${size(bytes)} read: ${result}` +
    `${reclaimable}, in ${duration(seconds * 1000)}\n`;
}
