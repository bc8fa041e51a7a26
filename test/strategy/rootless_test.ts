import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { lacks, needs } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";

const CHILD = fromFileUrl(new URL("./rootless_child.ts", import.meta.url));

/** Why there is no user namespace to be had; undefined if there is. */
function noUserNamespace(): string | undefined {
  const missing = lacks("unshare");
  if (missing !== undefined) return missing;
  const { success } = new Deno.Command("unshare", { args: ["-Urm", "true"], stderr: "null" })
    .outputSync();
  return success ? undefined : "user namespaces are not allowed";
}

Deno.test({
  ...needs(
    "without root's rights: the tree as far as it can be, nothing granted, and mounts in a user namespace",
    noUserNamespace(),
  ),
  async fn() {
    using temp = new TempDir();
    const args = ["-Urm", Deno.execPath(), "run", "-A", "--quiet", CHILD, `${temp.path}/bed`];
    Deno.mkdirSync(`${temp.path}/bed`);
    const { success, stdout, stderr } = await new Deno.Command("unshare", { args }).output();
    assert(success, new TextDecoder().decode(stderr));
    assertEquals(JSON.parse(new TextDecoder().decode(stdout)), []);
  },
});
