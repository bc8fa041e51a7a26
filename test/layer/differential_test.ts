/**
 * Real directories, packed by GNU tar and unpacked by it and by umoci: lamina's directory must be the same.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { sha256 } from "../support/images.ts";
import { available, LoopFs, type LoopKind } from "../support/loopfs.ts";
import { lacks, needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { TempDir } from "../support/temp.ts";
import { sharedThreads } from "../support/threads.ts";
import { assertDiskMatches, completed, Workshop } from "./support.ts";

/** Directories that are on nearly every host: more than a thousand files of all sizes, links, device nodes. */
const SOURCES = ["etc", "usr/share/perl5", "usr/lib/git-core", "dev", "var/lib/dpkg/alternatives"];

function run(program: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command(program, { args, stdout: "null", stderr: "piped" })
    .outputSync();
  if (!success) {
    throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Packs them. Files that change under tar's hands make it complain; the archive is what counts. */
function pack(archive: string, format: string[]): void {
  const there = SOURCES.filter((path) => exists(`/${path}`));
  new Deno.Command("tar", {
    args: [
      ...format,
      "--one-file-system",
      "--numeric-owner",
      "--ignore-failed-read",
      "--warning=none",
      ...["-C", "/", "-cf", archive, ...there],
    ],
    stderr: "null",
  }).outputSync();
}

for (const kind of ["xfs", "ext4"] as LoopKind[]) {
  Deno.test({
    ...needs(
      `layer: as tar and umoci unpack it, on ${kind}`,
      notRoot(),
      available(kind),
      lacks("tar"),
      lacks("umoci"),
    ),
    async fn() {
      await using fs = await LoopFs.make(kind, 1024);
      using temp = new TempDir();
      const archive = join(temp.path, "layer.tar");
      pack(archive, ["--format=pax", "--xattrs", "--xattrs-include=*"]);
      await using workshop = new Workshop({ where: fs.path, pipeline: sharedThreads(true) });
      const blob = Deno.readFileSync(archive);
      const layer = await workshop.ingest(blob, { compression: "gzip" });
      assertEquals(layer.result.diffId, sha256(blob));
      assertDiskMatches(layer);

      const ours = completed(snapshot(layer.fs, { root: false }), layer.links);
      const byTar = join(fs.path, "tar");
      Deno.mkdirSync(byTar);
      run("tar", "--xattrs", "--xattrs-include=*", "--same-owner", "-xpf", archive, "-C", byTar);
      // Directories that the archive does not have are made by each tool in its own way.
      const implied = new Set(["usr", "usr/share", "usr/lib", "var", "var/lib", "var/lib/dpkg"]);
      const compare = (other: Map<string, string>) =>
        diffSnapshots(other, ours).filter((line) => !implied.has(line.split(": ")[0]));
      assertEquals(compare(snapshot(byTar, { root: false })), []);

      const layout = join(temp.path, "layout");
      run("umoci", "init", "--layout", layout);
      run("umoci", "new", "--image", `${layout}:x`);
      run("umoci", "raw", "add-layer", "--image", `${layout}:x`, archive);
      const byUmoci = join(fs.path, "umoci");
      run("umoci", "raw", "unpack", "--image", `${layout}:x`, byUmoci);
      assertEquals(compare(snapshot(byUmoci, { root: false })), []);
    },
  });
}

for (const format of ["--format=gnu", "--format=ustar"]) {
  Deno.test({
    ...needs(`layer: as tar unpacks it, ${format}`, notRoot(), lacks("tar")),
    async fn() {
      using temp = new TempDir();
      const archive = join(temp.path, "layer.tar");
      const source = exists("/usr/share/perl5") ? "usr/share/perl5" : "etc";
      run("tar", format, "-C", "/", "-cf", archive, source);
      await using workshop = new Workshop({ pipeline: sharedThreads(true) });
      const layer = await workshop.ingest(Deno.readFileSync(archive), { compression: "zstd" });
      const byTar = join(temp.path, "tar");
      Deno.mkdirSync(byTar);
      run("tar", "-xpf", archive, "-C", byTar);
      const below = (root: string) => snapshot(join(root, source));
      assertEquals(diffSnapshots(below(byTar), completed(below(layer.fs), layer.links)), []);
    },
  });
}
