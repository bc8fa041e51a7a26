/** Takes and gives back the lock of a store, STORE, as it is told on stdin; says so when it is done. For store_lock_test.ts. */

import { Store } from "../../src/store/mod.ts";

const store = Store.open(Deno.args[0]);
const held: Disposable[] = [];
for await (const bytes of Deno.stdin.readable) {
  const word = new TextDecoder().decode(bytes);
  if (word === "shared") held.push(store.shared());
  else if (word === "working") held.push(await store.working());
  else held.pop()![Symbol.dispose]();
  console.log(word);
}
