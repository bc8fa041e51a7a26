/**
 * A cold page cache.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import type { Store } from "../../store/mod.ts";

const FILE = "/proc/sys/vm/drop_caches";

/** Why the page cache cannot be dropped here, as an error; undefined if it can. */
export function cannotDrop(): LaminaError | undefined {
  try {
    Deno.openSync(FILE, { write: true }).close();
    return undefined;
  } catch (cause) {
    const message = `dropping the page cache: ${FILE} cannot be written`;
    return new LaminaError("unsupported", message, { cause, hint: "It takes root of the host." });
  }
}

/** Drops what the kernel keeps of files, directories and inodes, of the whole host: proc_sys_vm(5). What is dirty goes to disk before. */
export function dropCaches(store: Store): void {
  store.sync();
  Deno.writeTextFileSync(FILE, "3\n", { create: false });
}
