import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Tally } from "./tally.ts";
import { TempDir } from "./support/temp.ts";

const RUN = fromFileUrl(new URL("run.ts", import.meta.url));

const FILES = {
  "good_test.ts": `
    Deno.test("one", async (t) => { await t.step("a step", () => {}); });
    Deno.test({ name: "two", ignore: true, fn() {} });
  `,
  "below/bad_test.ts": `
    Deno.test("bad", () => { console.error("said by bad"); throw new Error("no"); });
    Deno.test("good", () => {});
  `,
  // To deno these succeed, with no test in them, or fail before there is a sum.
  "ends_test.ts": "Deno.exit(0);",
  "killed_test.ts": `Deno.kill(Deno.pid, "SIGKILL");`,
  "no_test_file.ts": "Deno.exit(7);",
};

async function run(...args: string[]): Promise<{ code: number; lines: string[] }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", RUN, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  return { code, lines: new TextDecoder().decode(stdout).trimEnd().split("\n") };
}

Deno.test("run: a failure is not lost among files, nor in a process that just ends", async () => {
  using dir = new TempDir();
  Deno.mkdirSync(`${dir.path}/below`);
  for (const [name, text] of Object.entries(FILES)) {
    Deno.writeTextFileSync(`${dir.path}/${name}`, text);
  }
  const all = await run(dir.path, `${dir.path}/good_test.ts`);
  assertEquals(all.code, 1);
  assertMatch(
    all.lines.at(-1)!,
    /^FAILED \| 2 passed \(1 step\) \| 3 failed \| 1 ignored \(\d+s\)$/,
  );
  assertMatch(all.lines.at(-4)!, /^FAILED .*\/below\/bad_test\.ts$/);
  assertMatch(
    all.lines.at(-3)!,
    /^FAILED .*\/ends_test\.ts \(exit code 0, of 0 tests none failed\)$/,
  );
  assertMatch(all.lines.at(-2)!, /^FAILED .*\/killed_test\.ts \(exit code 137, /);
  assertEquals(all.lines.filter((line) => line === "said by bad").length, 1);

  const chosen = await run("--filter", "good", dir.path + "/below", `${dir.path}/good_test.ts`);
  assertEquals(chosen.code, 0);
  assertMatch(chosen.lines.at(-1)!, /^ok \| 1 passed \| 0 failed \| 3 filtered out \(\d+s\)$/);
});

Deno.test("run: sums", () => {
  const tally = new Tally();
  assertEquals(tally.ok, false);
  tally.add("a", "ok | 9 passed | 0 failed (1s)\nok | 1 passed (2 steps) | 0 failed (3ms)\n", 0);
  tally.add("b", "\x1b[32mok\x1b[0m | 2 passed (1 step) | 0 failed | 3 ignored (2 steps)", 0);
  assertEquals(tally.ok, true);
  assertEquals(
    tally.summary(61_200),
    "\nok | 3 passed (3 steps) | 0 failed | 3 ignored (2 steps) (1m1s)",
  );
  tally.add("c", "ok | 1 passed | 0 failed (1s)", 1);
  assertEquals(tally.ok, false);
});
