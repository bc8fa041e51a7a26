/** Collects, in a process of its own that gc_killed_test.ts kills: STORE; with a second argument it shares contents. */

import { collect } from "../../src/store/gc/collect.ts";
import { shareContents } from "../../src/store/gc/share.ts";
import { Store } from "../../src/store/mod.ts";

const [root, share] = Deno.args;
await (share === undefined ? collect : shareContents)(Store.open(root));
