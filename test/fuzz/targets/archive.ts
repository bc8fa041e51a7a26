/**
 * Archives of images, of both kinds: finding what is in them, and one image.
 *
 * @module
 */

import { parseReference } from "../../../src/oci/mod.ts";
import { openSource } from "../../../src/oci/source.ts";
import { writeDockerArchive, writeOciArchive } from "../../support/images.ts";
import { concat, file as member, makeTar } from "../../support/tar.ts";
import { scratch } from "../scratch.ts";
import { orRefusedLater, type Target } from "../target.ts";
import { mendArchive, TAR_WORDS } from "./archives.ts";
import { mutateJson } from "./json.ts";

const file = scratch("archive.tar");
const KINDS = ["invalid", "unsupported", "usage", "not-found"] as const;

const IMAGE = { name: "example/a:1", layers: [makeTar([member("f", "1")])] };

const archives: Uint8Array[] = [];
for (const style of ["flat", "directories", "oci"] as const) {
  await writeDockerArchive(file(), [IMAGE, { ...IMAGE, name: "b" }], style);
  archives.push(Deno.readFileSync(file()));
}
await writeOciArchive(file(), [IMAGE]);
archives.push(Deno.readFileSync(file()));
await writeOciArchive(file(), [{ ...IMAGE, docker: true, compression: "zstd" }, IMAGE]);
archives.push(Deno.readFileSync(file()));

const target: Target = {
  name: "archive",
  starts: () => archives,
  words: [
    ...TAR_WORDS,
    "manifest.json",
    "index.json",
    "oci-layout",
    "repositories",
    "blobs/sha256/",
  ],
  mend: mendArchive,
  short: 100,
  /** Changes a document within: where a member begins with a brace or a bracket. */
  mutate(archive, random, other) {
    const starts: number[] = [];
    for (let at = 512; at < archive.length; at += 512) {
      if (archive[at] === 0x7b || archive[at] === 0x5b) starts.push(at);
    }
    if (starts.length === 0) return undefined;
    const at = random.pick(starts);
    const nul = archive.indexOf(0, at);
    const end = nul < 0 ? archive.length : nul;
    const document = mutateJson(archive.subarray(at, end), random, other);
    if (document === undefined) return undefined;
    // The header before it says how long it is.
    const header = archive.slice(at - 512, at);
    header.set(new TextEncoder().encode(document.length.toString(8).padStart(11, "0")), 124);
    const next = at + Math.ceil((end - at) / 512) * 512;
    const padded = new Uint8Array(Math.ceil(document.length / 512) * 512);
    padded.set(document);
    return mendArchive(
      concat(archive.subarray(0, at - 512), header, padded, archive.subarray(next)),
    );
  },
  async run(archive) {
    Deno.writeFileSync(file(), archive);
    for (const transport of ["oci-archive", "docker-archive"]) {
      await orRefusedLater(async () => {
        using source = await openSource(parseReference(`${transport}:${file()}`));
        await orRefusedLater(() => source.list(), KINDS);
        await orRefusedLater(() => source.resolve(), KINDS);
      }, KINDS);
      for (const last of [":@0", ":example/a:1"]) {
        await orRefusedLater(async () => {
          using source = await openSource(parseReference(`${transport}:${file()}${last}`));
          await source.resolve();
        }, KINDS);
      }
    }
  },
};

export default target;
