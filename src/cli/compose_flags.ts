/**
 * The flags that say how to compose, for all commands that do.
 *
 * @module
 */

import type { ComposeOptions } from "../strategy/compose.ts";
import type { CommandSpec, FlagSpec, FlagValues } from "./spec.ts";
import { parseSharedBy, parseUpper } from "./values.ts";

/** See the module. */
export const COMPOSE_FLAGS = [
  {
    name: "strategy",
    value: "NAME",
    default: "auto",
    complete: "strategy",
    summary: "how to compose",
  },
  {
    name: "access",
    value: "ACCESS",
    choices: ["ro", "rw"],
    default: "rw",
    summary: "whether the root filesystem will be written to",
  },
  {
    name: "isolation",
    value: "ISOLATION",
    choices: ["full", "shared"],
    default: "full",
    summary:
      "`full`: nothing done there can reach the store; `shared`: inodes may be the store's own",
  },
  {
    name: "writable",
    value: "PATH",
    repeat: true,
    summary: "a path in the image that will be written to, for strategies that share the rest",
  },
  {
    name: "upper",
    value: "DIR",
    complete: "directory",
    summary: "where writes go: a directory, or tmpfs[:SIZE] (default: in the store)",
  },
  {
    name: "verity",
    value: "VERITY",
    choices: ["off", "try", "require"],
    default: "off",
    summary: "whether contents are to be checked against their digests while they are read",
  },
  {
    name: "layout",
    value: "LAYOUT",
    choices: ["squashed", "layered", "hybrid"],
    default: "squashed",
    summary:
      "of composefs' metadata: one image, one for each layer, or one for layers that images share",
  },
  {
    name: "shared-by",
    value: "N",
    summary: "with `hybrid`: how many images must share layers (default: 3)",
  },
  {
    name: "digest",
    value: "DIGEST",
    summary: "compose only if the tree has this fs-verity digest (see `lamina composefs digest`)",
  },
] as const satisfies readonly FlagSpec[];

type Flags = FlagValues<CommandSpec & { readonly flags: typeof COMPOSE_FLAGS }>;

/** What the flags ask for. */
export function composeOptions(
  flags: Flags,
  command: string,
): Pick<
  ComposeOptions,
  | "strategy"
  | "access"
  | "isolation"
  | "writable"
  | "upper"
  | "verity"
  | "layout"
  | "sharedBy"
  | "digest"
> {
  const { strategy, access, isolation, writable, upper, verity, layout, digest } = flags;
  return {
    strategy,
    access,
    isolation,
    writable,
    upper: upper === undefined ? undefined : parseUpper(upper, command),
    verity,
    layout,
    sharedBy: parseSharedBy(flags["shared-by"], layout),
    digest,
  };
}
