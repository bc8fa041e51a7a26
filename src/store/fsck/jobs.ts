/**
 * The work of a check, in pieces that any thread can do.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import { fsVerityDigest, type Inode, readErofs, toHex } from "../../tree/mod.ts";
import { readIfThere } from "../atomic.ts";
import type { LayerRecord } from "../layers.ts";
import { ContentReader } from "./content.ts";
import type { Problem } from "./finding.ts";
import { checkLayer, type LayerCheck } from "./layer.ts";
import { ObjectTable } from "./objects.ts";

/** A piece of the work. */
export type CheckJob =
  /** One of the 256 directories of objects. */
  | {
    readonly type: "objects";
    readonly objects: string;
    readonly directory: string;
    /** Payloads; undefined: all. */
    readonly wanted: ReadonlySet<string> | undefined;
    readonly quick: boolean;
  }
  /** A layer. */
  | { readonly type: "layer"; readonly diffId: string; readonly check: LayerCheck };

/** Does a piece of the work. */
export function runJob(job: CheckJob, reader: ContentReader): Problem[] {
  const problems: Problem[] = [];
  const report = (problem: Problem) => void problems.push(problem);
  if (job.type === "objects") {
    using table = new ObjectTable(job.objects);
    table.checkDirectory(job.directory, job.wanted, job.quick ? undefined : reader, report);
  } else checkWholeLayer(job.diffId, job.check, reader, report);
  return problems;
}

/** Checks a layer's record and index; and, if the index is the one that it had, all else against that. */
function checkWholeLayer(
  diffId: string,
  check: LayerCheck,
  reader: ContentReader,
  report: (problem: Problem) => void,
): void {
  const record = readRecord(check.path, diffId, report);
  const root = readIndex(check.path, record, report);
  if (root === undefined) return;
  const metacopies = checkLayer(check, root, reader, report);
  if (record === undefined) return;
  const entries = countEntries(root);
  if (record.entries !== entries) {
    const message = `layer.json says ${record.entries} entries, index.erofs has ${entries}`;
    report({ kind: "layer-record", message });
  }
  if (metacopies > 0 && !(record.metacopies > 0)) {
    const message = `layer.json says that all files have their content, and ${metacopies} have not`;
    report({ kind: "layer-record", message });
  }
}

/** The record of a layer, if it can be read and is that layer's. */
export function readRecord(
  path: string,
  diffId: string,
  report: (problem: Problem) => void,
): LayerRecord | undefined {
  const wrong = (why: string) =>
    report({ kind: "layer-record", path: "layer.json", message: `layer.json ${why}` });
  const bytes = readIfThere(`${path}/layer.json`);
  if (bytes === undefined) return void wrong("is missing");
  try {
    const record: LayerRecord = JSON.parse(new TextDecoder().decode(bytes));
    if (record.diffId === diffId) return record;
    wrong(`is that of another layer (${record.diffId})`);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    wrong("cannot be read: it is not JSON");
  }
}

/** The tree of a layer, if its index is the one that it had. */
export function readIndex(
  path: string,
  record: LayerRecord | undefined,
  report: (problem: Problem) => void,
): Inode | undefined {
  const wrong = (why: string) =>
    report({ kind: "layer-index", path: "index.erofs", message: `index.erofs ${why}` });
  const bytes = readIfThere(`${path}/index.erofs`);
  if (bytes === undefined) return void wrong("is missing");
  const digest = toHex(fsVerityDigest(bytes));
  if (record?.indexDigest !== undefined && record.indexDigest !== digest) {
    return void wrong(`has the digest ${digest} instead of ${record.indexDigest}`);
  }
  try {
    return readErofs(bytes);
  } catch (error) {
    if (!(error instanceof LaminaError)) throw error;
    wrong(`cannot be read: ${error.message}`);
  }
}

/** Names in a layer's tree, the root among them. */
function countEntries({ children }: Inode): number {
  let entries = 1;
  for (const child of children!.values()) {
    entries += child.children === null ? 1 : countEntries(child);
  }
  return entries;
}
