/**
 * The completion script for bash. It needs nothing but bash itself (not the bash-completion package).
 *
 * @module
 */

import type { ArgumentSpec, FlagSpec } from "../spec.ts";
import { type CompletionModel, type CompletionNode, leaves } from "./model.ts";

/** Writes the script. */
export function bash(model: CompletionModel): string {
  const commands = leaves(model.commands);
  const valued = new Set(
    [...model.globals, ...commands.flatMap(({ node }) => node.flags)]
      .filter((flag) => flag.value !== undefined).map((flag) => `--${flag.name}`),
  );
  return `# bash completion for lamina; made by \`lamina completions bash\`
_lamina() {
  local cur=\${COMP_WORDS[COMP_CWORD]} flag= command= position=0 i word values
  local -a store=()
  COMPREPLY=()
  # bash splits words at = and : too; a value's first word is what follows the flag and perhaps an =.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      ${[...valued].join(" | ")})
        [[ \${COMP_WORDS[i + 1]} == = && i+1 -lt COMP_CWORD ]] && ((i++))
        if ((i + 1 >= COMP_CWORD)); then flag=$word; break; fi
        ((i++))
        [[ $word == --root ]] && store=(--root "\${COMP_WORDS[i]}")
        while [[ \${COMP_WORDS[i + 1]} == : && i+1 -lt COMP_CWORD ]]; do
          if ((i + 2 >= COMP_CWORD)); then flag=$word; break 2; fi
          ((i += 2))
        done ;;
      -*) ;;
      *)
        case "$command " in
          " "${groupCases(model.commands)}) command="\${command:+$command }$word" ;;
          *)
            # An argument with colons is one argument.
            while [[ \${COMP_WORDS[i + 1]} == : ]]; do
              if ((i + 2 >= COMP_CWORD)); then break 2; fi
              ((i += 2))
            done
            ((++position)) ;;
        esac ;;
    esac
  done
  [[ $cur == = || $cur == : ]] && cur=
  if [[ -n $flag ]]; then
    case "$command:$flag" in
${flagCases(model, commands)}
    esac
    return
  fi
  if [[ $cur == -* ]]; then
    values='${names(model.globals)}'
    case $command in
${
    commands.filter(({ node }) => node.flags.length > 0).map(({ path, node }) =>
      `      '${path.join(" ")}') values+=' ${names(node.flags)}' ;;`
    ).join("\n")
  }
    esac
    COMPREPLY=($(compgen -W "$values" -- "$cur"))
    return
  fi
  case "$command:$position" in
    ':0') COMPREPLY=($(compgen -W '${words(model.commands)}' -- "$cur")) ;;
${groups(model.commands)}
${commands.flatMap(({ path, node }) => argumentCases(path, node.arguments, model)).join("\n")}
  esac
}

_lamina_files() {
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

_lamina_ask() {
  local values
  values=$(lamina "\${@:2}" 2> /dev/null) || return
  mapfile -t COMPREPLY < <(compgen -W "$values" -- "$1")
}

complete -F _lamina lamina
`;
}

function words(nodes: readonly CompletionNode[]): string {
  return nodes.map((node) => node.name).join(" ");
}

function names(flags: readonly FlagSpec[]): string {
  return flags.flatMap((flag) => [
    ...(flag.short === undefined ? [] : [`-${flag.short}`]),
    `--${flag.name}`,
  ]).join(" ");
}

/** Patterns for "the next word belongs to the command": after nothing, and after a group's name. */
function groupCases(nodes: readonly CompletionNode[]): string {
  return nodes.filter((node) => node.group.length > 0).map((node) => ` | '${node.name} '`).join("");
}

function groups(nodes: readonly CompletionNode[]): string {
  return nodes.filter((node) => node.group.length > 0).map((node) =>
    `    '${node.name}:0') COMPREPLY=($(compgen -W '${words(node.group)}' -- "$cur")) ;;`
  ).join("\n");
}

function flagCases(
  model: CompletionModel,
  commands: ReturnType<typeof leaves>,
): string {
  const one = (pattern: string, flags: readonly FlagSpec[]) =>
    flags.flatMap((flag) => {
      const action = flag.value === undefined ? undefined : actionFor(flag, model);
      return action === undefined ? [] : [`      ${pattern}:--${flag.name}) ${action} ;;`];
    });
  return [
    ...one("*", model.globals),
    ...commands.flatMap(({ path, node }) => one(`'${path.join(" ")}'`, node.flags)),
  ].join("\n");
}

function argumentCases(
  path: readonly string[],
  args: readonly ArgumentSpec[],
  model: CompletionModel,
): string[] {
  return args.flatMap((argument, i) => {
    const action = actionFor(argument, model);
    const position = argument.repeat ? "*" : `'${i}'`;
    return action === undefined ? [] : [`    '${path.join(" ")}:'${position}) ${action} ;;`];
  });
}

function actionFor(
  spec: FlagSpec | ArgumentSpec,
  model: CompletionModel,
): string | undefined {
  if (spec.choices !== undefined) {
    return `COMPREPLY=($(compgen -W '${spec.choices.join(" ")}' -- "$cur"))`;
  }
  switch (spec.complete) {
    case "file":
      return '_lamina_files -f "$cur"';
    case "directory":
      return '_lamina_files -d "$cur"';
    case "image":
      return '_lamina_ask "$cur" "${store[@]}" images --quiet';
    case "composition":
      return '_lamina_files -d "$cur"; [[ $cur == */* ]] || _lamina_ask "$cur" "${store[@]}" ps --quiet';
    case "lease":
      return '_lamina_ask "$cur" "${store[@]}" lease ls --all --quiet';
    case "strategy":
      return `COMPREPLY=($(compgen -W '${model.strategies.join(" ")}' -- "$cur"))`;
    case "reference":
      return "if [[ ${COMP_WORDS[COMP_CWORD]} == : || ${COMP_WORDS[COMP_CWORD-1]} == : ]]; then " +
        '_lamina_files -f "$cur"; else compopt -o nospace; ' +
        "COMPREPLY=($(compgen -W 'oci: oci-archive: docker-archive: containers-storage: containerd:' -- \"$cur\")); fi";
    default:
      return undefined;
  }
}
