/**
 * What umoci makes of the same layers, and where we differ on purpose.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { compress, LayoutBuilder, sha256 } from "../support/images.ts";
import { lacks } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { makeTar } from "../support/tar.ts";
import { addManifest, type Layers, layerType } from "./case.ts";

/** Why umoci shows something else, by the title of the case, and why we are right. */
export const DIFFERENCES: Readonly<Record<string, string>> = {
  "a lower layer's link, written through by an upper layer that implies the directory":
    "umoci makes the directories that the link would lead to; overlayfs shows the upper layer's directory in the link's place, as we do for every strategy",
  "links in a circle across layers: directories take their place":
    "umoci refuses to go through the circle; on an overlay the upper layer's directory is in the link's place",
  "mode, owner, times of a link whose target is outside":
    "umoci fails to set a user.* attribute on a symbolic link; Linux has none there, so nothing is lost without it",
  "user.* attributes of what has none: dropped": "the same",
  ".wh..wh. and .wh..wh.x: AUFS' own, ignored":
    "umoci leaves AUFS' bookkeeping in the root filesystem; the image specification reserves the prefix, and containerd ignores it",
  "whiteouts of what is not there":
    "umoci makes no directories for a whiteout; in an unpacked layer it needs a directory to be in, which an overlay then shows",
  "a directory and its whiteout in one layer: the directory stays, what was in it goes":
    "umoci gives the directory the time at which it removed what was in it; ours has the layer's",
  "trusted.overlay.* that is escaped, as nested overlays have it":
    "an overlay would take the attribute for its own; we drop all of that namespace",
  "user.overlay.* of a layer's own": "the same for an overlay mounted with userxattr",
  "the store's own marks in a layer": "a layer must not speak for the store",
  "a hard link to what its layer hides: what it was below":
    "umoci applies the whiteout first and finds nothing to link to; a layer is a set of changes against the layer below",
  "2,047 directories within each other: as many as a path can name":
    "umoci names entries by whole paths, below its own directory: too long for the kernel",
  "2,047 directories, removed by an upper layer that says they are links": "the same",
  "extended attributes: binary, with NUL bytes, empty, of other names":
    "umoci drops an attribute with an empty value: Go's archive/tar takes that for a removal",
  "global headers, and their end": "umoci refuses PAX global headers, which git archive writes",
  "a record of many megabytes that means nothing":
    "Go's archive/tar refuses records of more than a megabyte; ours are bounded by a limit that can be set",
  "a sparse file, old": "umoci does not know GNU's old sparse format",
  "a security.* attribute that anybody may make up":
    "umoci leaves security.selinux to the host's policy; we keep what the image says, as composefs and GNU tar do",
};

/** XFS shows ACLs under a second name. */
const xattrs = (key: string) => !key.startsWith("trusted.SGI_ACL_");

/** A directory that no layer describes has the time of unpacking with umoci, and none with us: a tree is the same each time. */
const CLOCK = /^[^:]*: mtime=0\.0{9} → mtime=\d+\.\d+$/;

/** Unpacks with `umoci raw unpack`. */
export class Umoci {
  readonly #path: string;
  #count = 0;
  /** Trees that were compared, and how many of these are the same. */
  compared = 0;
  same = 0;

  private constructor(path: string) {
    this.#path = path;
  }

  /** It unpacks into directories below `path`; undefined where it is not installed. */
  static find(path: string): Umoci | undefined {
    return lacks("umoci") === undefined ? new Umoci(path) : undefined;
  }

  /** Compares with what was composed; a difference has to be a known one. */
  async compare(title: string, layers: Layers, expected: Map<string, string>): Promise<void> {
    // A blob of its own kind is a matter of transport: umoci of Debian 12 reads gzip alone.
    if (layers.some((layer) => "archive" in layer && layer.blob !== undefined)) return;
    const name = `${this.#path}/umoci-${this.#count++}`;
    const layout = new LayoutBuilder();
    const archives = layers.map((layer) => "archive" in layer ? layer.archive : makeTar(layer));
    const blobs = archives.map((archive) =>
      layout.blob(compress(archive, "gzip"), layerType("gzip"))
    );
    const manifest = addManifest(layout, blobs, archives.map(sha256));
    layout.top([{ ...manifest, annotations: { "org.opencontainers.image.ref.name": "it" } }]);
    try {
      await layout.writeDirectory(`${name}-image`);
      const args = ["raw", "unpack", "--image", `${name}-image:it`, name];
      const { success, stderr } = await new Deno.Command("umoci", { args }).output();
      const said = success
        ? diffSnapshots(expected, snapshot(name, { xattrs })).filter((line) => !CLOCK.test(line))
        : [new TextDecoder().decode(stderr)];
      this.compared++;
      if (said.length === 0) this.same++;
      if (!(title in DIFFERENCES)) assertEquals(said, [], "umoci makes something else of it");
      else {assert(
          said.length > 0,
          `umoci does as we do by now; then why not: ${DIFFERENCES[title]}`,
        );}
    } finally {
      for (const path of [name, `${name}-image`]) {
        await Deno.remove(path, { recursive: true }).catch(() => {});
      }
    }
  }
}
