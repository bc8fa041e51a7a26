/**
 * What other programs make of the same inputs: who accepts what, and what names an archive has. Differences that are known have their
 * reason here.
 *
 * @module
 */

import { readErofs } from "../../src/tree/mod.ts";
import { readTar } from "../tar/support.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import { scratch } from "./scratch.ts";
import { orRefused, Refused } from "./target.ts";
import { loadTarget } from "./targets.ts";

/** Why one refuses what the other accepts, by what the one says. */
interface Explained {
  readonly says: RegExp;
  readonly why: string;
}

/** Another program that reads what a target reads. */
export interface Peer {
  readonly target: string;
  readonly program: string;
  /** Its arguments before the file. */
  readonly args: readonly string[];
  /** What we make of an input: a line for each line of the program's output; undefined where that is not compared. */
  readonly ours: (input: Uint8Array) => string[] | undefined;
  /** Known reasons of the program to refuse what we accept. */
  readonly theyRefuse: readonly Explained[];
  /** And of ours. */
  readonly weRefuse: readonly Explained[];
}

/** The peers, where they are installed. */
export const PEERS: readonly Peer[] = [
  {
    target: "tar",
    program: "bsdtar",
    args: ["-tf"],
    ours: (archive) => readTar(archive).map(({ name }) => name),
    theyRefuse: [
      { says: /empty or unreadable filename/, why: "names are judged in src/layer" },
      { says: /Truncated input file/, why: "nothing is lost where only padding is missing" },
      { says: /current locale/, why: "names are bytes" },
      { says: /Unrecognized archive format/, why: "the reader is told that it is tar" },
      {
        says: /Non-regular file cannot be sparse/,
        why: "records about data mean nothing without data",
      },
      { says: /(Invalid|malformed) pax extended/, why: "keywords without meaning are passed over" },
    ],
    weRefuse: [
      { says: /sparse/, why: "a map that contradicts itself or the size may hide bytes" },
      { says: /single block of zeros/, why: "bsdtar ends there, others go on" },
      { says: /cut short/, why: "bsdtar ends where a header is not whole" },
      { says: /no usable number/, why: "bsdtar takes what digits there are" },
      { says: /are not supported/, why: "bsdtar takes unknown types for files" },
      { says: /it is malformed/, why: "bsdtar passes over records that are none" },
      { says: /checksum is wrong/, why: "bsdtar skips data of what has none, and ends at zeros" },
      { says: /has data/, why: "a directory by its name alone" },
      { says: /over the limit|out of range|without a target/, why: "what no layer may have" },
    ],
  },
  {
    target: "erofs",
    program: "fsck.erofs",
    args: [],
    ours: (image) => {
      readErofs(image);
      return undefined;
    },
    theyRefuse: [
      { says: /xattr|read data/, why: "attributes and data of stubs are not looked at" },
      { says: /m_la|chunk/, why: "content is an object: chunks mean nothing" },
    ],
    weRefuse: [{
      says: /./,
      why: "an image has to be one that composefs writes, down to its order",
    }],
  },
];

/** What came of a comparison. */
export interface Compared {
  executions: number;
  /** Known differences, by reason. */
  readonly known: Map<string, number>;
  /** Others. */
  readonly unknown: string[];
}

/** Gives both the same mutated inputs for some time. */
export async function compare(peer: Peer, seed: number, seconds: number): Promise<Compared> {
  const target = await loadTarget(peer.target);
  const random = new Random(seed);
  const starts = target.starts();
  const file = scratch("input")();
  const compared: Compared = { executions: 0, known: new Map(), unknown: [] };
  for (const end = Date.now() + 1000 * seconds; Date.now() < end; compared.executions++) {
    const input = mutate(target, random.pick(starts), random, random.pick(starts));
    Deno.writeFileSync(file, input);
    difference(peer, input, file, compared);
  }
  return compared;
}

function difference(peer: Peer, input: Uint8Array, file: string, compared: Compared): void {
  const ours = orRefused(() => peer.ours(input));
  const { success, stdout, stderr } = new Deno.Command(peer.program, {
    args: [...peer.args, file],
    env: { LC_ALL: "C" },
  }).outputSync();
  const said = new TextDecoder("latin1").decode(stderr).trim();
  const refused = ours instanceof Refused;
  if (refused === success) {
    const reasons = refused ? peer.weRefuse : peer.theyRefuse;
    const message = refused ? ours.error.message : said;
    const reason = reasons.find(({ says }) => says.test(message));
    const who = refused ? "we refuse" : "they refuse";
    if (reason === undefined) compared.unknown.push(`${who}: ${message.slice(0, 300)}`);
    else {
      const key = `${who}: ${reason.why}`;
      compared.known.set(key, (compared.known.get(key) ?? 0) + 1);
    }
  } else if (!refused && ours !== undefined) {
    const theirs = new TextDecoder("latin1").decode(stdout).split("\n").slice(0, -1);
    const [a, b] = [plain(ours), plain(theirs.map(unescape))];
    if (a !== b) compared.unknown.push(`${a.slice(0, 300)}\n  for them: ${b.slice(0, 300)}`);
  }
}

/** Names as far as every locale shows them alike. bsdtar passes over those that are empty. */
function plain(names: readonly string[]): string {
  return names.filter((name) => name !== "").map((name) =>
    name.replace(/[^\x21-\x5b\x5d-\x7e]/g, "?").replace(/\/+$/, "")
  )
    .join("\n");
}

/** bsdtar shows a byte that is not printable as an escape. */
function unescape(name: string): string {
  return name.replace(/\\([0-7]{3}|[abfnrtv\\])/g, "?");
}
