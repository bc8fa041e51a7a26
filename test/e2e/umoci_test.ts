import { assertEquals } from "@std/assert";
import { compose } from "../../src/strategy/compose.ts";
import { BUILT_IN } from "../../src/strategy/loader.ts";
import { release } from "../../src/strategy/release.ts";
import { SHELL_PROGRAMS } from "../../src/release/demo_files.ts";
import { makeDemoImages } from "../../src/release/demo_images.ts";
import { Store } from "../../src/store/mod.ts";
import { builtInPlugins } from "../strategy/bed.ts";
import { available, LOOP_KINDS, LoopFs } from "../support/loopfs.ts";
import { lacks, needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { FAST, TempDir } from "../support/temp.ts";
import { pullShared } from "../support/threads.ts";

// XFS shows ACLs under a second name.
const xattrs = (key: string) => !key.startsWith("trusted.SGI_ACL_");

interface Images {
  readonly layout: string;
  readonly tags: readonly string[];
  /** Where they fit into, several times over. */
  readonly where: string | undefined;
}

/** Images to compare with: an OCI layout of the caller's, with the tags to take; else some out of this host's own files. */
async function makeImages(): Promise<Images> {
  const layout = Deno.env.get("LAMINA_TEST_LAYOUT");
  const tags = Deno.env.get("LAMINA_TEST_TAGS");
  if (layout && tags) return { layout, tags: tags.split(","), where: undefined };
  const scratch = new TempDir();
  globalThis.addEventListener("unload", () => scratch[Symbol.dispose]());
  const made = `${scratch.path}/images`;
  // umoci of Debian 12 reads gzip only.
  const options = {
    smallFiles: 500,
    bytes: 8_000_000,
    programs: SHELL_PROGRAMS,
    application: { smallFiles: 100, bytes: 1_000_000 },
    compression: "gzip",
  } as const;
  const { images } = await makeDemoImages(made, options);
  return { layout: made, tags: [images[0].name, images[images.length - 1].name], where: FAST };
}

/** The same for all filesystems. */
let images: Promise<Images> | undefined;

for (const kind of LOOP_KINDS) {
  Deno.test({
    ...needs(
      `real images on ${kind}: every strategy composes what umoci unpacks, entry by entry`,
      notRoot(),
      available(kind),
      lacks("umoci"),
    ),
    async fn(t) {
      const { layout, tags, where } = await (images ??= makeImages());
      await using fs = await LoopFs.make(kind, 12 * 1024, { where });
      const store = Store.open(`${fs.path}/store`, { create: true });
      const plugins = await builtInPlugins();
      for (const tag of tags) {
        const unpacked = `${fs.path}/umoci-${tag}`;
        const { success, stderr } = new Deno.Command("umoci", {
          args: ["raw", "unpack", "--image", `${layout}:${tag}`, unpacked],
        }).outputSync();
        assertEquals(success, true, new TextDecoder().decode(stderr));
        const expected = snapshot(unpacked, { xattrs });
        const { image } = await pullShared(store, `oci:${layout}:${tag}`);
        for (const strategy of BUILT_IN) {
          const reason = strategy === "reflink" && kind === "ext4"
            ? "ext4 has no reflinks"
            : strategy === "btrfs-snapshot" && kind !== "btrfs"
            ? `${kind} has no snapshots`
            : undefined;
          await t.step({
            ...needs(`${tag}: ${strategy}`, reason),
            async fn() {
              const options = { plugins, strategy, isolation: "shared" } as const;
              const made = await compose(store, image, `${fs.path}/composed`, options);
              try {
                assertEquals(diffSnapshots(expected, snapshot(made.target, { xattrs })), []);
              } finally {
                await release(store, made.id, { plugins });
              }
            },
          });
        }
      }
    },
  });
}
