/**
 * Comparing what a peer makes of samples with what we make of them.
 *
 * @module
 */

import { diffSnapshots, snapshot } from "../../support/snapshot.ts";
import type { Jail } from "./jail.ts";
import type { Outcome, Peer } from "./peer.ts";
import type { Sample } from "./sample.ts";

/** What came of a comparison. */
export interface Verdict {
  /** Samples that the peer was given, and how many of these are the same: trees entry by entry, or refused by both. */
  readonly compared: number;
  readonly same: number;
  /** Differences that no reason is known for. */
  readonly unexplained: readonly string[];
  /** Reasons that no difference is known for. */
  readonly idle: readonly string[];
}

/** Lets a peer unpack all samples. */
export async function judge(jail: Jail, peer: Peer): Promise<Verdict> {
  let [compared, same] = [0, 0];
  const unexplained: string[] = [];
  const idle = new Set(peer.reasons);
  await jail.run(peer, (sample, outcome) => {
    const lines = differences(peer, sample, outcome);
    compared++;
    if (lines.length === 0) same++;
    for (const line of lines) {
      const reason = peer.reasons.find(({ says }) => says.test(line));
      if (reason === undefined) unexplained.push(line);
      else idle.delete(reason);
    }
  });
  return { compared, same, unexplained, idle: [...idle].map(({ why }) => why) };
}

/** XFS shows ACLs under a second name. */
const XATTRS = (key: string) => !key.startsWith("trusted.SGI_ACL_");

/** A directory that no layer describes has the time of unpacking with others, and none with us: a tree is the same each time. */
const CLOCK = /^[^:]*: mtime=0\.0{9} → mtime=\d+\.\d+$/;

/** What a peer makes of a sample that we do not. */
function differences(peer: Peer, { title, ours }: Sample, outcome: Outcome): string[] {
  const { tree, said, notes } = outcome;
  const lines = [...notes];
  if (tree === undefined) {
    if (typeof ours !== "string") lines.push(`refuses: ${said.trim()}`);
  } else if (typeof ours === "string") lines.push(`accepts, ours: ${ours}`);
  else {
    const [mine, theirs] = [ours, snapshot(tree, { xattrs: XATTRS })]
      .map((all) => new Map([...all].filter(([path]) => !peer.passesOver?.test(path))));
    lines.push(...diffSnapshots(mine, theirs).filter((line) => !CLOCK.test(line)));
  }
  return lines.map((line) => `${title} | ${line}`);
}
