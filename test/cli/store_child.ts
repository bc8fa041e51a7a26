/** Runs command lines, one JSON array of words in each argument, with `--json`; prints NUL and the exit code after what each prints. */

import { main } from "../../src/cli/main.ts";

for (const words of Deno.args) {
  const code = await main(["--json", ...JSON.parse(words)]);
  console.log(`\0${code}`);
}
