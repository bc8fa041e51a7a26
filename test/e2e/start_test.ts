/**
 * The compiled program as it is started: under any name, from anywhere, with nothing in its environment; and where it writes what nobody takes.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { VERSION } from "../../src/version.ts";
import { needs } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";
import { BINARY, cannotDropRights, notCompiled } from "./program.ts";

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test({
  ...needs("start: by any name and link, from anywhere, without an environment", notCompiled()),
  async fn(t) {
    using temp = new TempDir();
    const folder = `${temp.path}/a folder #1%20?é`;
    Deno.mkdirSync(folder);
    const names = ["lamina", "la mina", "l#%20?é", "new\nline", "-x"];
    for (const name of names) Deno.symlinkSync(BINARY, `${folder}/${name}`);
    // The name of the file itself is in the URLs of its modules.
    const copy = `${folder}/copy #1%20?é`;
    Deno.copyFileSync(BINARY, copy);
    const commands: [program: string, environment: Record<string, string>][] = [
      ...names.map((name): [string, Record<string, string>] => [`${folder}/${name}`, {}]),
      ["./lamina", {}],
      [copy, {}],
      [BINARY, { HOME: "/nowhere", TMPDIR: "/no where#%20" }],
      // What Deno and Node would take to heart.
      [BINARY, { NODE_OPTIONS: "--bogus", DENO_V8_FLAGS: "--bogus", DENO_DIR: "/proc/nowhere" }],
    ];
    for (const [program, env] of commands) {
      // Not `--version`, for which nothing is loaded.
      const args = ["images", "--json", "--root", `${temp.path}/store`];
      const command = new Deno.Command(program, { args, cwd: folder, clearEnv: true, env });
      const { code, stdout, stderr } = await command.output();
      assertEquals([code, decode(stderr)], [3, ""], program);
      assertEquals(JSON.parse(decode(stdout)).error.kind, "not-found", program);
    }
    await t.step({
      ...needs("as a user without a home", cannotDropRights()),
      async fn() {
        Deno.chmodSync(temp.path, 0o755);
        const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", copy];
        for (const data of ["", "relative"]) {
          const { code, stderr } = await new Deno.Command("setpriv", {
            args: [...nobody, "images"],
            cwd: "/",
            clearEnv: true,
            env: { PATH: Deno.env.get("PATH")!, XDG_DATA_HOME: data },
          }).output();
          assertStringIncludes(decode(stderr), "neither HOME nor XDG_DATA_HOME is set");
          assertEquals(code, 2);
        }
      },
    });
  },
});

/** Runs it with its streams on these files; what goes to a pipe is returned. */
async function redirected(to: string, ...args: string[]): Promise<[code: number, text: string]> {
  const script = `exec "$0" "$@" ${to}`;
  const command = new Deno.Command("sh", { args: ["-c", script, BINARY, ...args], stdin: "null" });
  const { code, stdout, stderr } = await command.output();
  return [code, decode(stdout) + decode(stderr)];
}

Deno.test({
  ...needs("start: streams that are full or closed", notCompiled()),
  async fn() {
    using temp = new TempDir();
    const full = "writing the answer to stdout: No space left on device (os error 28)";
    for (const args of [["--version"], ["--json", "--version"], ["--help"], ["gc", "--help"]]) {
      assertEquals(await redirected(">/dev/full", ...args), [1, `lamina: ${full}\n`]);
    }
    const nowhere = ["images", "--root", `${temp.path}/store`];
    const says = `lamina: opening the store: there is none at ${temp.path}/store\n` +
      "hint: lamina pull makes one; or name another with --root.\n";
    assertEquals(await redirected("", ...nowhere), [3, says]);
    // Its error is for stdout, which does not take it.
    assertEquals(await redirected(">/dev/full", "--json", ...nowhere), [3, says]);
    assertEquals(await redirected("2>/dev/full", ...nowhere), [3, ""]);
    assertEquals(await redirected("<&- >&- 2>&-", ...nowhere), [3, ""]);
    assertEquals(await redirected("<&- 2>&-", "--version"), [0, `lamina ${VERSION}\n`]);
  },
});
