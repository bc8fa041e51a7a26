import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { writeOciLayout } from "../support/images.ts";
import { needs } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";
import { file, makeTar } from "../support/tar.ts";
import { notCompiled, Program } from "./program.ts";

/** Polls until something holds, or the process is at its end. */
async function until(process: Deno.ChildProcess, holds: () => boolean): Promise<void> {
  let ended = false;
  process.status.then(() => ended = true);
  while (!ended && !holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

function names(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].map((entry) => entry.name);
  } catch {
    return [];
  }
}

function entries(path: string): number {
  return names(path).length;
}

/** Whether a layer is: its staging directory holds something then. */
function isOnItsWay({ store }: Program): boolean {
  return names(`${store}/tmp`).some((name) => entries(`${store}/tmp/${name}`) > 0);
}

Deno.test({
  ...needs("signals: SIGINT undoes a pull", notCompiled()),
  async fn() {
    using temp = new TempDir();
    const zeros = makeTar([file("zeros", new Uint8Array(160_000_000))]);
    await writeOciLayout(`${temp.path}/layout`, [{ name: "big", layers: [zeros] }]);
    await using lamina = new Program(temp.path);
    const process = lamina.command(["pull", "oci:layout:big"]).spawn();
    await until(process, () => isOnItsWay(lamina));
    process.kill("SIGINT");
    const { code, stdout, stderr } = await process.output();
    assertEquals(code, 130);
    assertEquals(new TextDecoder().decode(stdout), "");
    assertStringIncludes(new TextDecoder().decode(stderr), "interrupted by SIGINT");
    assertEquals(entries(`${lamina.store}/tmp`), 0);
    assertEquals(await lamina.json("images"), []);
    // Nothing stands in the way of the next one.
    assertEquals((await lamina.json("pull", "oci:layout:big")).name, "big");
  },
});

Deno.test({
  ...needs("signals: what is ignored from the start on, as by nohup, ends no pull", notCompiled()),
  async fn() {
    using temp = new TempDir();
    const zeros = makeTar([file("zeros", new Uint8Array(160_000_000))]);
    await writeOciLayout(`${temp.path}/layout`, [{ name: "big", layers: [zeros] }]);
    await using lamina = new Program(temp.path);
    const ignoring = ["sh", "-c", 'trap "" HUP INT; exec "$@"', "sh"];
    const process = lamina.command(["pull", "oci:layout:big"], ignoring).spawn();
    await until(process, () => isOnItsWay(lamina));
    process.kill("SIGHUP");
    process.kill("SIGINT");
    const { code, stderr } = await process.output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    assertEquals((await lamina.json("images")).length, 1);
  },
});

Deno.test({
  ...needs("signals: SIGTERM undoes a composition", notCompiled()),
  async fn() {
    using temp = new TempDir();
    const body = "x".repeat(1000);
    const files = Array.from({ length: 4_500 }, (_, i) => file(`d${i % 100}/f${i}`, body + i));
    await writeOciLayout(`${temp.path}/layout`, [{ name: "many", layers: [makeTar(files)] }]);
    await using lamina = new Program(temp.path);
    await lamina.json("pull", "oci:layout:many");
    const target = `${temp.path}/rootfs`;
    const line = ["--json", "compose", "many", target, "--strategy", "copy"];
    const process = lamina.command(line).spawn();
    await until(process, () => entries(target) > 2);
    process.kill("SIGTERM");
    const { code, stdout } = await process.output();
    assertEquals(code, 143, new TextDecoder().decode(stdout));
    assertStringIncludes(
      JSON.parse(new TextDecoder().decode(stdout)).error.message,
      "interrupted by SIGTERM",
    );
    assertEquals(entries(target), 0);
    assertEquals(await lamina.json("ps"), []);

    // The same with two threads to its end.
    const made = await lamina.json("compose", "many", target, "--strategy", "copy");
    assert(made.notes.threads >= 1);
    assertEquals(entries(target), 100);
    assertEquals(entries(`${target}/d7`), 45);
  },
});
