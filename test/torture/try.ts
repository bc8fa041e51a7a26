import { Ground } from "./ground.ts";
import { SCENARIOS } from "./scenario.ts";
import { killEverywhere } from "./kill.ts";
import { failEverywhere } from "./faults.ts";
import { cutPower } from "./power.ts";
import { turmoil } from "./concurrency.ts";
const d = Deno.makeTempDirSync({ prefix: "tort" });
console.log(d);
const g = await Ground.make(d);
const [what, only, step] = Deno.args;
if (what==="power") { console.log(await cutPower(g, only as any, Number(step))); Deno.exit(); }
if (what === "turmoil") {
  console.log(await turmoil(g, Number(only), Date.now() + Number(step) * 1000));
  Deno.exit();
}
for (const s of SCENARIOS) {
  if (only && !s.name.match(only)) continue;
  const t = performance.now();
  let n = 0;
  try {
    n = await (what === "kill" ? killEverywhere : failEverywhere)(g, s, Number(step));
    console.log(s.name, n, ((performance.now() - t) / 1000).toFixed(1));
  } catch (e) {
    console.log("FAIL", (e as Error).message, String((e as Error).cause).slice(0, 600));
  }
}
