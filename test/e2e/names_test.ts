import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { writeOciLayout } from "../support/images.ts";
import { needs } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";
import { file, makeTar } from "../support/tar.ts";
import { notCompiled, Program } from "./program.ts";

const BASE = makeTar([file("base", "base\n")]);

/** Writes `app` anew, as a rebuild does; returns its digest. */
async function publish(directory: string, version: string): Promise<string> {
  try {
    await Deno.remove(`${directory}/layout`, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const layers = [BASE, makeTar([file("version", version)])];
  const config = { Labels: { version } };
  return (await writeOciLayout(`${directory}/layout`, [{ name: "app", layers, config }]))[0].digest;
}

Deno.test({
  ...needs("names: a moved tag keeps the old image; what is needed is not removed", notCompiled()),
  async fn() {
    using temp = new TempDir();
    const directory = temp.path;
    await using lamina = new Program(directory);
    const listed = async (...words: string[]) =>
      (await lamina.json("images", ...words)).map((image: { digest: string }) => image.digest);

    const one = await publish(directory, "1");
    const first = await lamina.json("compose", "oci:layout:app", "vm1", "--strategy=copy");
    assertEquals([first.image, first.pulled], [one, true]);
    const two = await publish(directory, "2");
    const again = await lamina.json("compose", "oci:layout:app", "vm2", "--strategy=copy");
    assertEquals([again.image, again.pulled], [one, false]);
    const newer = ["vm3", "--strategy=copy", "--pull=newer"];
    const third = await lamina.json("compose", "app", ...newer);
    assertEquals([third.image, third.pulled], [two, true]);
    assertEquals(Deno.readTextFileSync(`${directory}/vm3/version`), "2");
    assertEquals(await listed(), [two]);
    assertEquals((await listed("--all")).sort(), [one, two].sort());
    assertEquals(await listed("--filter", "dangling=true"), [one]);
    assertEquals(await listed("--all", "--filter", "label=version=1"), [one]);

    const lease = await lamina.json("lease", "add", "app", "--for=1h", "--owner=test", "--id=mine");
    assertEquals([lease.image, lease.imageName, lease.owner], [two, "app", "test"]);
    const inspected = await lamina.json("inspect", "app");
    assertEquals(inspected.leases.map(({ id }: { id: string }) => id), ["mine"]);
    assertEquals(inspected.compositions.map(({ id }: { id: string }) => id), [third.id]);
    assertEquals(inspected.layers.map(({ images }: { images: number }) => images), [2, 1]);
    assertEquals(inspected.ownLayers.length, 1);

    // Each of what keeps an image is named, and leaves it all where it is.
    for (const [image, reason] of [["app", third.id], [one, first.id]]) {
      const { error } = JSON.parse((await lamina.run("--json", "rm", image)).stdout);
      assertEquals(error.kind, "busy");
      assertStringIncludes(error.message, reason);
    }
    await lamina.json("release", "--all");
    const { code, stderr } = await lamina.run("rm", "app");
    assertEquals(code, 1);
    assertStringIncludes(stderr, "lease mine of test keeps it");
    assertEquals((await lamina.json("lease", "rm", "mine")).removed, ["mine"]);
    assertEquals((await lamina.run("rm", "app", "nothing", "--quiet")).stdout, `${two}\n`);
    assertEquals((await lamina.json("rm", "--all")).images.length, 1);
    assertEquals(await listed("--all"), []);
    assertEquals([...Deno.readDirSync(`${lamina.store}/tmp`)], []);
  },
});

Deno.test({
  ...needs("names: leases expire, are shown as such, and are renewed", notCompiled()),
  async fn() {
    using temp = new TempDir();
    await publish(temp.path, "1");
    await using lamina = new Program(temp.path);
    await lamina.json("pull", "oci:layout:app");
    const ids = async (...words: string[]) =>
      (await lamina.json("lease", "ls", ...words)).map((lease: { id: string }) => lease.id);
    await lamina.json("lease", "add", "app", "--id=short", "--for=1s");
    await lamina.json("lease", "add", "app", "--id=long", "--for=forever");
    // Until it has expired, however slow this machine is.
    const expires = new Date((await lamina.json("lease", "ls", "--all"))[0].expires).getTime();
    while (Date.now() <= expires) await new Promise((resolve) => setTimeout(resolve, 50));
    assertEquals(await ids(), ["long"]);
    assertEquals(await ids("--all"), ["short", "long"]);
    assertStringIncludes((await lamina.run("lease", "ls", "--all")).stdout, "expired");
    const renewed = await lamina.json("lease", "renew", "short", "--for=1h");
    assert(new Date(renewed.expires).getTime() > Date.now());
    assertEquals(await ids(), ["short", "long"]);
    for (
      const [line, kind] of [
        [["lease", "add", "app", "--id=short"], "exists"],
        [["lease", "add", "app", "--id=a/b"], "usage"],
        [["lease", "add", "app", "--for=soon"], "usage"],
        [["lease", "add", "nothing"], "not-found"],
        [["lease", "renew", "nothing"], "not-found"],
        [["lease", "rm", "nothing"], "not-found"],
      ] as const
    ) {
      const { error } = JSON.parse((await lamina.run("--json", ...line)).stdout);
      assertEquals(error.kind, kind, line.join(" "));
    }
  },
});
