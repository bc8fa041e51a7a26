/**
 * The completion script for zsh, by its own `_arguments`.
 *
 * @module
 */

import type { ArgumentSpec, FlagSpec } from "../spec.ts";
import type { CompletionModel, CompletionNode } from "./model.ts";

/** Writes the script. */
export function zsh(model: CompletionModel): string {
  const parts: string[] = [];
  describe("_lamina", "lamina", model.commands, model, parts);
  return `#compdef lamina
# zsh completion for lamina; made by \`lamina completions zsh\`

${parts.join("\n\n")}

_lamina_images() {
  local -a names store
  [[ -n \${opt_args[--root]} ]] && store=(--root \${(Q)opt_args[--root]})
  names=(\${(f)"$(_call_program images lamina \${(q)store} images --quiet 2> /dev/null)"})
  # compadd takes names as they are; _describe would split them at colons.
  compadd -a names
}

_lamina_compositions() {
  local -a ids store
  [[ -n \${opt_args[--root]} ]] && store=(--root \${(Q)opt_args[--root]})
  ids=(\${(f)"$(_call_program compositions lamina \${(q)store} ps --quiet 2> /dev/null)"})
  compadd -a ids
  _files -/
}

_lamina_leases() {
  local -a ids store
  [[ -n \${opt_args[--root]} ]] && store=(--root \${(Q)opt_args[--root]})
  ids=(\${(f)"$(_call_program leases lamina \${(q)store} lease ls --all --quiet 2> /dev/null)"})
  compadd -a ids
}

_lamina_references() {
  if compset -P '(oci|oci-archive|docker-archive|containerd):'; then
    _files
  else
    compadd -S '' oci: oci-archive: docker-archive: containers-storage: containerd:
  fi
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _lamina "$@"
else
  compdef _lamina lamina
fi
`;
}

/** A function for a list of commands, and one for each command. */
function describe(
  name: string,
  title: string,
  nodes: readonly CompletionNode[],
  model: CompletionModel,
  parts: string[],
): void {
  const list = nodes.map((node) => `    ${quote(`${node.name}:${node.summary}`)}`).join("\n");
  const cases = nodes.map((node) => `        ${node.name}) ${name}_${node.name} ;;`).join("\n");
  parts.push(`${name}() {
  local curcontext=$curcontext state line
  local -a commands
  commands=(
${list}
  )
  _arguments -C -S \\
${flags(model.globals, model)}    '1: :->command' '*:: :->rest'
  case $state in
    command) _describe -t commands ${quote(`${title} command`)} commands ;;
    rest)
      case $line[1] in
${cases}
      esac ;;
  esac
}`);
  for (const node of nodes) {
    if (node.group.length > 0) {
      describe(`${name}_${node.name}`, `${title} ${node.name}`, node.group, model, parts);
    } else {
      parts.push(`${name}_${node.name}() {
  _arguments -S \\
${flags([...node.flags, ...model.globals], model)}    ${positional(node.arguments, model)}
}`);
    }
  }
}

function flags(specs: readonly FlagSpec[], model: CompletionModel): string {
  return specs.map((flag) => {
    const about = `[${flag.summary.replace(/[\[\]:]/g, "\\$&")}]`;
    const value = flag.value === undefined ? "" : `:${flag.value}:${action(flag, model)}`;
    const equals = flag.value === undefined ? "" : "=";
    const long = `--${flag.name}${equals}${about}${value}`;
    if (flag.repeat) return `    ${quote(`*${long}`)} \\\n`;
    if (flag.short === undefined) return `    ${quote(long)} \\\n`;
    const group = `(-${flag.short} --${flag.name})`;
    return `    ${quote(`${group}-${flag.short}${about}`)} ${quote(group + long)} \\\n`;
  }).join("");
}

function positional(args: readonly ArgumentSpec[], model: CompletionModel): string {
  if (args.length === 0) return "&& return 0";
  return args.map((argument, i) => {
    const place = argument.repeat ? "*" : String(i + 1);
    const optional = argument.optional && !argument.repeat ? ":" : "";
    return quote(`${place}:${optional}${argument.name}:${action(argument, model)}`);
  }).join(" ");
}

function action(spec: FlagSpec | ArgumentSpec, model: CompletionModel): string {
  if (spec.choices !== undefined) return `(${spec.choices.join(" ")})`;
  switch (spec.complete) {
    case "file":
      return "_files";
    case "directory":
      return "_files -/";
    case "image":
      return "_lamina_images";
    case "composition":
      return "_lamina_compositions";
    case "lease":
      return "_lamina_leases";
    case "strategy":
      return `(${model.strategies.join(" ")})`;
    case "reference":
      return "_lamina_references";
    default:
      return " ";
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
