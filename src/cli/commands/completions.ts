/**
 * `lamina completions`.
 *
 * @module
 */

import { bash } from "../completions/bash.ts";
import { fish } from "../completions/fish.ts";
import { completionModel } from "../completions/model.ts";
import { zsh } from "../completions/zsh.ts";
import { defineCommand } from "../spec.ts";

const SHELLS = { bash, zsh, fish };

export default defineCommand({
  description:
    "The script completes commands, flags and their values, and asks lamina for names of images and " +
    "for compositions.",
  arguments: [{ name: "SHELL", choices: ["bash", "zsh", "fish"], summary: "the shell" }],
  flags: [],
  examples: [
    {
      command: "lamina completions bash > /etc/bash_completion.d/lamina",
      says: "for everybody's bash",
    },
    {
      command: 'lamina completions zsh > "${fpath[1]}/_lamina"',
      says: "for zsh",
    },
    {
      command: "lamina completions fish > ~/.config/fish/completions/lamina.fish",
      says: "for fish",
    },
  ],
}, async (_context, { args }) => {
  const script = SHELLS[args.shell](await completionModel());
  return {
    document: { shell: args.shell, script },
    text: () => script,
    brief: [script.trimEnd()],
  };
});
