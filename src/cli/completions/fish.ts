/**
 * The completion script for fish.
 *
 * @module
 */

import type { ArgumentSpec, FlagSpec } from "../spec.ts";
import { type CompletionModel, type CompletionNode, leaves } from "./model.ts";

/** Writes the script. */
export function fish(model: CompletionModel): string {
  const lines = [
    ...model.globals.map((flag) => flagLine(flag, undefined, model)),
    ...commandLines(model.commands, []),
    ...leaves(model.commands).flatMap(({ path, node }) => [
      ...node.flags.map((flag) => flagLine(flag, path, model)),
      ...node.arguments.flatMap((argument) => argumentLine(argument, path, model)),
    ]),
  ];
  return `# fish completion for lamina; made by \`lamina completions fish\`

# Whether the words so far, without flags, begin with these; exactly these with -x.
function __lamina_at
    argparse x -- $argv
    set -l words (commandline -xpc 2> /dev/null; or commandline -opc)
    set -l seen
    set -e words[1]
    while set -q words[1]
        if contains -- $words[1] ${valued(model)}
            set -e words[1]
        else if not string match -q -- '-*' $words[1]
            set -a seen $words[1]
        end
        set -e words[1]
    end
    set -q _flag_x; and test (count $seen) -ne (count $argv); and return 1
    for i in (seq (count $argv))
        test "$seen[$i]" = $argv[$i]; or return 1
    end
end

complete -c lamina -f
${lines.join("\n")}
`;
}

function commandLines(nodes: readonly CompletionNode[], before: readonly string[]): string[] {
  const at = quote(["__lamina_at -x", ...before].join(" "));
  return nodes.flatMap((node) => [
    `complete -c lamina -n ${at} -a ${node.name} -d ${quote(node.summary)}`,
    ...commandLines(node.group, [...before, node.name]),
  ]);
}

function flagLine(
  flag: FlagSpec,
  path: readonly string[] | undefined,
  model: CompletionModel,
): string {
  const at = path === undefined ? "" : ` -n ${quote(`__lamina_at ${path.join(" ")}`)}`;
  const short = flag.short === undefined ? "" : ` -s ${flag.short}`;
  const value = flag.value === undefined
    ? ""
    : ` ${flag.complete === "file" ? "-r" : "-x"}${values(flag, model)}`;
  return `complete -c lamina${at}${short} -l ${flag.name}${value} -d ${quote(flag.summary)}`;
}

function argumentLine(
  argument: ArgumentSpec,
  path: readonly string[],
  model: CompletionModel,
): string[] {
  const what = values(argument, model);
  if (what === "") return [];
  return [`complete -c lamina -n ${quote(`__lamina_at ${path.join(" ")}`)}${what}`];
}

function values(spec: FlagSpec | ArgumentSpec, model: CompletionModel): string {
  if (spec.choices !== undefined) return ` -a ${quote(spec.choices.join(" "))}`;
  switch (spec.complete) {
    case "file":
      return " -F";
    case "directory":
      return ` -a ${quote("(__fish_complete_directories)")}`;
    case "image":
      return ` -a ${quote("(lamina images --quiet 2> /dev/null)")}`;
    case "composition":
      return ` -a ${quote("(lamina ps --quiet 2> /dev/null; __fish_complete_directories)")}`;
    case "lease":
      return ` -a ${quote("(lamina lease ls --all --quiet 2> /dev/null)")}`;
    case "strategy":
      return ` -a ${quote(model.strategies.join(" "))}`;
    case "reference":
      return ` -F -a ${quote("oci: oci-archive: docker-archive: containers-storage: containerd:")}`;
    default:
      return "";
  }
}

function valued(model: CompletionModel): string {
  const flags = [...model.globals, ...leaves(model.commands).flatMap(({ node }) => node.flags)];
  return [
    ...new Set(flags.filter((flag) => flag.value !== undefined).map((flag) => `--${flag.name}`)),
  ].join(" ");
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
