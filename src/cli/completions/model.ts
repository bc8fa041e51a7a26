/**
 * What the completion scripts are made from: the table of commands with all specs loaded.
 *
 * @module
 */

import { BUILT_IN } from "../../strategy/loader.ts";
import { GLOBAL_FLAGS } from "../globals.ts";
import type { ArgumentSpec, FlagSpec } from "../spec.ts";
import { entries, type Entry } from "../table.ts";

/** One command, or a group. */
export interface CompletionNode {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly FlagSpec[];
  readonly arguments: readonly ArgumentSpec[];
  /** The commands of a group, else empty. */
  readonly group: readonly CompletionNode[];
}

/** Everything that can be completed. */
export interface CompletionModel {
  readonly commands: readonly CompletionNode[];
  readonly globals: readonly FlagSpec[];
  /** Names of the built-in strategies, and `auto`. */
  readonly strategies: readonly string[];
}

/** Loads every command's spec. */
export async function completionModel(): Promise<CompletionModel> {
  return {
    commands: await Promise.all(entries().map(load)),
    globals: GLOBAL_FLAGS,
    strategies: ["auto", ...BUILT_IN],
  };
}

async function load(entry: Entry): Promise<CompletionNode> {
  const spec = (await entry.load?.())?.default.spec;
  return {
    name: entry.name,
    summary: entry.summary,
    flags: spec?.flags ?? [],
    arguments: spec?.arguments ?? [],
    group: await Promise.all((entry.group ?? []).map(load)),
  };
}

/** The leaves with their full names (`composefs build`). */
export function leaves(
  nodes: readonly CompletionNode[],
  before: readonly string[] = [],
): { readonly path: readonly string[]; readonly node: CompletionNode }[] {
  return nodes.flatMap((node) => {
    const path = [...before, node.name];
    return node.group.length > 0 ? leaves(node.group, path) : [{ path, node }];
  });
}
