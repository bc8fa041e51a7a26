import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bash } from "../../src/cli/completions/bash.ts";
import { fish } from "../../src/cli/completions/fish.ts";
import { completionModel, leaves } from "../../src/cli/completions/model.ts";
import { zsh } from "../../src/cli/completions/zsh.ts";
import { lacks, needs } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";

const model = await completionModel();
const SHELLS = { bash: bash(model), zsh: zsh(model), fish: fish(model) };

/** Runs a shell with a script that was written to a file; `$1` is the file. */
async function shell(
  name: keyof typeof SHELLS,
  args: readonly string[],
  env = {},
): Promise<string> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, SHELLS[name]);
    const { success, stdout, stderr } = await new Deno.Command(name, {
      args: args.map((arg) => arg.replaceAll("FILE", file)),
      env,
      stdin: "null",
    }).output();
    const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert(success, text);
    return text;
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("completions: every command and every flag is in every shell's script", () => {
  for (const [name, script] of Object.entries(SHELLS)) {
    for (const { path, node } of leaves(model.commands)) {
      for (const word of path) assertStringIncludes(script, word, `${name}: ${word}`);
      for (const flag of node.flags) {
        assertStringIncludes(script, flag.name, `${name}: ${flag.name}`);
      }
    }
    for (const flag of model.globals) assertStringIncludes(script, flag.name);
  }
});

/** What bash offers for a line, the cursor at its end. `lamina` itself is a stand-in that says what it was asked. */
async function bashOffers(line: string, directory: string): Promise<string[]> {
  // bash splits words at : and = as readline does.
  const words = line.split(/ +|(?<=[:=])|(?=[:=])/);
  const script = `
    cd "$DIRECTORY"
    lamina() {
      case "$*" in
        "images --quiet" | "--root /s images --quiet") printf '%s\\n' debian:12 app; ;;
        "ps --quiet") echo 0123456789ab ;;
        "lease ls --all --quiet") echo nightly ;;
        *) echo "lamina was asked: $*" >&2; return 1 ;;
      esac
    }
    compopt() { :; }
    source FILE
    complete -p lamina > /dev/null || exit 1
    eval "COMP_WORDS=($WORDS)"
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    _lamina
    ((\${#COMPREPLY[@]})) && printf '%s\\n' "\${COMPREPLY[@]}"
    true`;
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const text = await shell("bash", ["--norc", "-c", script], {
    WORDS: quoted,
    DIRECTORY: directory,
  });
  return text.split("\n").filter((offer) => offer !== "").sort();
}

Deno.test({
  ...needs("completions: bash offers what fits", lacks("bash")),
  async fn() {
    using temp = new TempDir();
    const directory = temp.path;
    await Deno.mkdir(`${directory}/rootfs`);
    await Deno.writeTextFile(`${directory}/read me.tar`, "");
    const cases: [string, string[]][] = [
      ["lamina pu", ["pull"]],
      ["lamina --json pu", ["pull"]],
      ["lamina --root /s pu", ["pull"]],
      ["lamina composefs b", ["build"]],
      ["lamina composefs ", ["build", "diff", "digest", "dump", "ls"]],
      ["lamina completions ", ["bash", "fish", "zsh"]],
      ["lamina compose --acc", ["--access"]],
      ["lamina compose --access ", ["ro", "rw"]],
      ["lamina compose --access r", ["ro", "rw"]],
      ["lamina compose --access=r", ["ro", "rw"]],
      ["lamina compose --strategy refl", ["reflink"]],
      ["lamina compose ", ["app", "debian:12"]],
      ["lamina --root /s compose ", ["app", "debian:12"]],
      ["lamina compose --access ro a", ["app"]],
      ["lamina compose app ", ["rootfs"]],
      ["lamina compose debian:12 ", ["rootfs"]],
      ["lamina compose --upper r", ["rootfs"]],
      ["lamina release 01", ["0123456789ab"]],
      ["lamina lease rm n", ["nightly"]],
      ["lamina pull oci", ["oci-archive:", "oci:"]],
      ["lamina pull oci:", ["read me.tar", "rootfs"]],
      ["lamina pull oci:roo", ["rootfs"]],
      ["lamina --plugin rea", ["read me.tar"]],
      ["lamina tag app new", []],
      ["lamina frobnicate ", []],
    ];
    for (const [line, expected] of cases) {
      assertEquals(await bashOffers(line, directory), expected, line);
    }
  },
});

Deno.test({
  ...needs("completions: zsh loads its script", lacks("zsh")),
  async fn() {
    await shell("zsh", ["-f", "-n", "FILE"]);
    const text = await shell("zsh", [
      "-f",
      "-c",
      "autoload -U compinit; compinit -u -D; source FILE; echo $_comps[lamina]",
    ]);
    assertEquals(text.trim(), "_lamina");
  },
});

Deno.test({
  ...needs("completions: fish offers what fits", lacks("fish")),
  async fn() {
    const cases: [string, string[]][] = [
      ["lamina pu", ["pull"]],
      ["lamina --json pu", ["pull"]],
      ["lamina composefs b", ["build"]],
      ["lamina compose --acc", ["--access"]],
      ["lamina compose --access ", ["ro", "rw"]],
      ["lamina compose --strategy refl", ["reflink"]],
      ["lamina completions ", ["bash", "fish", "zsh"]],
      ["lamina compose deb", ["debian:12"]],
    ];
    for (const [line, expected] of cases) {
      const text = await shell("fish", [
        "--no-config",
        "-c",
        `function lamina; echo debian:12; end; source FILE; complete -C'${line}'`,
      ], {
        HOME: "/nonexistent",
      });
      const offers = text.split("\n").map((offer) => offer.split("\t")[0]).filter((o) => o !== "");
      assertEquals(offers.sort(), expected, line);
    }
  },
});
