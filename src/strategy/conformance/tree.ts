/**
 * Trees: each image is composed, compared with its merged tree entry by entry, and judged claim by claim.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import type { Access } from "../plugin.ts";
import { type Case, type Experiment, Impossible } from "./experiment.ts";
import type { Claim, TreeImage } from "./images/mod.ts";
import { IMAGES } from "./images/mod.ts";
import { shownWithoutRights } from "./rootless.ts";
import { escape, fields, snapshot } from "./snapshot.ts";
import type { Subject } from "./subject.ts";

/** XFS shows ACLs under a second name. */
const XATTRS = (key: string) => !key.startsWith("trusted.SGI_ACL_");

/** One experiment for each image and access. */
export function treeExperiments(subject: Subject): Experiment[] {
  return IMAGES.flatMap((image) => {
    const ways = image.large ? subject.access.slice(-1) : subject.access;
    return ways.map((access) => treeExperiment(subject, image, access));
  });
}

function treeExperiment(subject: Subject, image: TreeImage, access: Access): Experiment {
  const id = `tree/${access}/${image.id}`;
  const claims = image.claims.map((claim): Case => ({
    id: `${id}/${claim.id}`,
    says: `${image.says}: ${claim.says}`,
  }));
  const rest = { id: `${id}/rest`, says: `${image.says}: all else is as in the merged tree` };
  return {
    id,
    cases: [...claims, rest],
    obstacle: subject.obstacle(access),
    async run(subject, found) {
      const record = await subject.image(image);
      const threads = image.large ? 2 : undefined;
      const composed = subject.during(record, { access, threads }, (target) => {
        const seen = compareTrees(subject, subject.bed.expected(record), target);
        for (const claim of image.claims) {
          for (const what of seen.judge(claim)) found(`${id}/${claim.id}`, what);
        }
        for (const what of seen.rest(image.claims)) found(rest.id, what);
      });
      await composed.catch((error) => {
        const refused = error instanceof LaminaError && error.kind === "unsupported";
        throw refused ? new Impossible(`it refuses the image in words: ${error.message}`) : error;
      });
    },
  };
}

/** What a composed tree looks like, beside what it should look like. */
export interface Comparison {
  /** What is wrong with one claim. */
  judge(claim: Claim): string[];
  /** What is wrong beside some claims. */
  rest(claims: readonly Claim[]): string[];
}

/** Compares a target with the merged tree. */
export function compareTrees(
  subject: Subject,
  tree: Map<string, string>,
  target: string,
): Comparison {
  const native = subject.bed.store.native;
  const form = native ? same : shownWithoutRights(subject.traits);
  const [expected, shown] = [form(tree), form(snapshot(target, { xattrs: XATTRS }))];
  const wrong = new Map<string, string>();
  for (const path of new Set([...expected.keys(), ...shown.keys()])) {
    const [should, is] = [expected.get(path), shown.get(path)];
    if (should !== is) wrong.set(path, difference(path, should, is));
  }
  return {
    judge(claim) {
      const paths = Object.keys(claim.shows);
      const own = [...wrong].filter(([path]) => concerns(path, paths)).map(([, line]) => line);
      if (own.length > 0) return own;
      return paths.flatMap((path) => missing(path, claim.shows[path], shown.get(path), native));
    },
    rest(claims) {
      const paths = claims.flatMap(({ shows }) => Object.keys(shows));
      return [...wrong].filter(([path]) => !concerns(path, paths)).map(([, line]) => line);
    },
  };
}

function same(lines: Map<string, string>): Map<string, string> {
  return lines;
}

function concerns(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => path === root || path.startsWith(`${root}/`));
}

function difference(path: string, should: string | undefined, is: string | undefined): string {
  if (is === undefined) return `${escape(path)}: is not there; it should be: ${should}`;
  if (should === undefined) return `${escape(path)}: should not be there: ${is}`;
  return `${escape(path)}: ${fields(should, is)}`;
}

/** What a claim says beyond the merged tree. Without root's rights only types and contents are as the layers have them. */
function missing(
  path: string,
  wanted: string | null,
  line: string | undefined,
  native: boolean,
): string[] {
  if (wanted === null) return line === undefined ? [] : [`${escape(path)}: should not be there`];
  if (!native) return [];
  if (line === undefined) return [`${escape(path)}: is not there; it should be: ${wanted}`];
  const has = line.split(" ");
  const lacking = wanted.split(" ").filter((field) => !has.includes(field));
  return lacking.length === 0 ? [] : [`${escape(path)}: not ${lacking.join(" ")}: ${line}`];
}
