import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { available, LoopFs } from "../support/loopfs.ts";
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

/** Cases of the conformance suite in a user namespace, below a directory; returns what failed. */
async function inUserNamespace(
  path: string,
  filter: string,
  least: number,
  strategies: string[],
): Promise<unknown[]> {
  Deno.mkdirSync(path);
  const child = [Deno.execPath(), "run", "-A", "--quiet", CHILD, path, filter, ...strategies];
  const { success, stdout, stderr } = await new Deno.Command("unshare", {
    args: ["-Urm", ...child],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  const { passed, failed } = JSON.parse(new TextDecoder().decode(stdout));
  assert(passed + failed.length > least * strategies.length, `${passed} passed`);
  return failed;
}

Deno.test({
  ...needs(
    "without root's rights: the tree as far as it can be, nothing granted, and mounts in a user namespace",
    noUserNamespace(),
  ),
  async fn() {
    // Where root runs the tests, on a filesystem that waits for no disk.
    await using fs = available("xfs") === undefined ? await LoopFs.make("xfs") : undefined;
    using temp = new TempDir(fs?.path);
    const path = `${temp.path}/bed`;
    assertEquals(await inUserNamespace(path, "/rw/", 300, ["copy", "hardlink", "overlay"]), []);
  },
});

for (const mount of [[], ["user_subvol_rm_allowed"]]) {
  Deno.test({
    ...needs(
      `without root's rights: snapshots, ${mount[0] ?? "emptied to be removed"}`,
      noUserNamespace(),
      available("btrfs"),
    ),
    async fn() {
      await using fs = await LoopFs.make("btrfs", 512, { mount });
      // Enough to have subvolumes of all kinds of entries removed.
      const failed = await inUserNamespace(`${fs.path}/bed`, "/metadata/", 50, ["btrfs-snapshot"]);
      assertEquals(failed, []);
    },
  });
}
