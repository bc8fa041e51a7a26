import { assert, assertEquals } from "@std/assert";
import { privileges } from "../../src/linux/mod.ts";
import { inChild } from "../support/child.ts";
import { lacks, needs, notRoot } from "../support/root.ts";

Deno.test("privileges of this process", () => {
  const found = privileges();
  const status = Deno.readTextFileSync("/proc/self/status");
  assertEquals(found.euid, Number(status.match(/^Uid:\t\d+\t(\d+)/m)?.[1]));
  assertEquals(found.effective.toString(16).padStart(16, "0"), status.match(/CapEff:\t(\w+)/)?.[1]);
  assertEquals(found.capSysAdmin, (found.effective & (1n << 21n)) !== 0n);
});

Deno.test({
  ...needs("privileges of nobody", notRoot()),
  async fn() {
    const said = await inChild(`
      const libc = Deno.dlopen("libc.so.6", {
        setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
      });
      libc.symbols.setresuid(65534, 65534, 65534);
      const { euid, initUserNamespace, effective, capSysAdmin } = linux.privileges();
      console.log(euid, initUserNamespace, effective, capSysAdmin);
    `);
    assertEquals(said, "65534 true 0n false");
  },
});

Deno.test({
  ...needs("privileges in a user namespace are told from real ones", lacks("unshare"), noUserns()),
  async fn() {
    const body = new URL("../../src/linux/mod.ts", import.meta.url).href;
    const { stdout, stderr } = await new Deno.Command("unshare", {
      args: [
        "-Ur",
        Deno.execPath(),
        "eval",
        `import { privileges } from ${JSON.stringify(body)};
         const { euid, initUserNamespace, capSysAdmin } = privileges();
         console.log(euid, initUserNamespace, capSysAdmin);`,
      ],
    }).output();
    assertEquals(
      new TextDecoder().decode(stdout).trim(),
      "0 false true",
      new TextDecoder().decode(stderr),
    );
  },
});

/** Why a user namespace cannot be made here. */
function noUserns(): string | undefined {
  if (lacks("unshare") !== undefined) return undefined;
  const { success } = new Deno.Command("unshare", { args: ["-Ur", "true"] }).outputSync();
  return success ? undefined : "user namespaces are not allowed";
}

Deno.test("raiseFileLimit raises, never lowers, and says where it ended", async () => {
  const said = await inChild(`
    const libc = Deno.dlopen("libc.so.6", {
      setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
    });
    libc.symbols.setrlimit(7, new BigUint64Array([500n, 900n]));
    console.log([400, 600, 600, 100, 901].map(linux.raiseFileLimit).join(" "));
    console.log(Deno.readTextFileSync("/proc/self/limits").match(/Max open files +(\\d+)/)[1]);
  `);
  const [results, inForce] = said.split("\n");
  const [first, ...rest] = results.split(" ").map(Number);
  assertEquals([first, ...rest.slice(0, 3)], [500, 600, 600, 600]);
  // Past the hard limit only where privilege allows.
  assert(rest[3] === 900 || rest[3] === 901, results);
  assertEquals(Number(inForce), rest[3]);
});
