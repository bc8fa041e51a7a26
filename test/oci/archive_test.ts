import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { LaminaError } from "../../src/error.ts";
import { openSource, parseReference } from "../../src/oci/mod.ts";
import {
  json,
  LayoutBuilder,
  sha256,
  writeDockerArchive,
  writeOciArchive,
  writeOciLayout,
} from "../support/images.ts";
import {
  concat,
  directory,
  file,
  hardlink,
  makeMember,
  makeTar,
  symlink,
  type TarPiece,
} from "../support/tar.ts";
import { lacks, needs, notRoot } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";
import { assertRefused, blobOf, readRange, resolve, run } from "./support.ts";

const tar = (text: string) => makeTar([file("file", text)]);

Deno.test("an archive of a layout is read where it lies", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/images.tar`;
  const [base, app] = await writeOciArchive(path, [
    { name: "base", layers: [tar("base")] },
    { name: "app", layers: [tar("base"), tar("app")] },
  ]);
  const found = await resolve(`oci-archive:${path}:app`);
  assertEquals(found.digest, app.digest);
  assertEquals(found.names, ["app", "images"]);
  assertEquals(found.layers.map((layer) => blobOf(layer).file), [path, path]);
  for (const layer of found.layers) assertEquals(sha256(readRange(layer)), layer.digest);
  assertEquals((await resolve(`oci-archive:${path}:@0`)).digest, base.digest);
  await assertRefused(`oci-archive:${path}:none`, "not-found", "base and app");
});

Deno.test("members of an archive are found as an unpacker would: by normalised name, the last one, through links", async () => {
  using scratch = new TempDir();
  const layout = new LayoutBuilder();
  const { descriptor } = layout.image({ layers: [tar("x")] });
  layout.top([descriptor]);
  const [blob] = [...layout.files.keys()].filter((name) =>
    name.endsWith(descriptor.digest.slice(7))
  );
  const others = [...layout.files].filter(([name]) => name !== blob).map(([name, bytes]) =>
    file(name, bytes)
  );
  const manifest = layout.files.get(blob)!;
  const table: [string, TarPiece[]][] = [
    ["dots", [file(`./blobs//./sha256/x/../${blob.split("/").pop()}`, manifest)]],
    ["absolute", [file(`/${blob}`, manifest)]],
    ["last wins", [file(blob, "damaged"), file(blob, manifest)]],
    ["relative symlink", [file("blobs/real", manifest), symlink(blob, "../real")]],
    ["absolute symlink", [file("blobs/real", manifest), symlink(blob, "/blobs/real")]],
    ["hard link", [file("real", manifest), hardlink(blob, "real")]],
    ["links to links", [
      file("real", manifest),
      symlink("one", "real"),
      hardlink("two", "one"),
      symlink(blob, "../../two"),
    ]],
    ["PAX name", [file(blob, manifest, { pax: { comment: "x" } })]],
    ["odd members", [
      directory("blobs/"),
      file("", ""),
      file("..", "x"),
      file("../out", "x"),
      file(blob, manifest),
    ]],
  ];
  for (const [what, pieces] of table) {
    const path = `${scratch.path}/${what}.tar`;
    await Deno.writeFile(path, makeTar([...others, ...pieces]));
    assertEquals((await resolve(`oci-archive:${path}`)).digest, descriptor.digest, what);
  }
  const refused: [string, TarPiece[], string][] = [
    ["symlink out", [symlink(blob, "../../../etc/passwd")], "leads out"],
    ["circle", [symlink(blob, "y"), symlink("blobs/sha256/y", "y")], "circle"],
    ["directory", [directory(blob)], "not a file"],
  ];
  for (const [what, pieces, message] of refused) {
    const path = `${scratch.path}/${what}.tar`;
    await Deno.writeFile(path, makeTar([...others, ...pieces]));
    await assertRefused(`oci-archive:${path}`, "invalid", message);
  }
});

Deno.test("what is not a readable archive is refused with what to do", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/a.tar`;
  await assertRefused(`oci-archive:${path}`, "not-found", "no such file");
  await assertRefused(`oci-archive:${scratch.path}`, "usage", "a directory");
  await assertRefused("oci-archive:/dev/null", "usage", "not a regular file");
  await writeOciArchive(path, [{ layers: [tar("x")] }]);
  const good = Deno.readFileSync(path);
  const table: [string, Uint8Array, Parameters<typeof assertRefused>[1], string][] = [
    ["gzip", gzipSync(good), "unsupported", "gzip"],
    ["zstd", zstdCompressSync(good), "unsupported", "zstd"],
    ["xz", concat(new Uint8Array([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), good), "unsupported", "xz"],
    ["bzip2", concat(new TextEncoder().encode("BZh9"), good), "unsupported", "bzip2"],
    ["text", new TextEncoder().encode("hello ".repeat(200)), "invalid", "tar"],
    ["empty", new Uint8Array(), "not-found", "not an OCI layout"],
    ["cut in a header", good.subarray(0, 700), "invalid", "cut short"],
    ["cut in a member", good.subarray(0, 1024 + 512 + 10), "invalid", "cut short"],
    ["no layout", makeTar([file("x", "y")]), "not-found", "not an OCI layout"],
    [
      "sparse",
      makeTar([
        file("oci-layout", "x", {
          pax: { "GNU.sparse.size": "9", "GNU.sparse.map": "3,1", "GNU.sparse.name": "oci-layout" },
        }),
      ]),
      "invalid",
      "not a file",
    ],
  ];
  for (const [what, bytes, kind, message] of table) {
    await Deno.writeFile(path, bytes);
    try {
      await assertRefused(`oci-archive:${path}`, kind, message);
    } catch (cause) {
      throw new Error(what, { cause });
    }
  }
  // Without the two blocks that mark the end it is still whole.
  await Deno.writeFile(path, good.subarray(0, good.length - 1024));
  await resolve(`oci-archive:${path}`);
});

Deno.test("archives larger than memory would hold are scanned by their headers alone", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/large.tar`;
  const layout = new LayoutBuilder();
  layout.top([layout.image({ layers: [tar("x")], name: "small" }).descriptor]);
  const head = makeMember(file("padding", "", { size: 20 * 2 ** 30 }));
  {
    using out = Deno.openSync(path, { write: true, create: true });
    out.writeSync(head);
    // A hole of 20 GiB: reading it would take many seconds.
    out.seekSync(head.length + 20 * 2 ** 30, Deno.SeekMode.Start);
    out.writeSync(makeTar([...layout.files].map(([name, bytes]) => file(name, bytes))));
  }
  const found = await resolve(`oci-archive:${path}:small`);
  assertEquals(blobOf(found.layers[0]).offset > 20 * 2 ** 30, true);
  assertEquals(found.layers[0].length < 1000, true);
});

for (const style of ["flat", "directories", "oci"] as const) {
  Deno.test(`a docker archive is read: ${style}`, async () => {
    using scratch = new TempDir();
    const path = `${scratch.path}/saved.tar`;
    const layers = [tar("base"), tar("app"), tar("base")];
    await writeDockerArchive(path, [
      { name: "docker.io/library/app:latest", layers },
      { name: "other.io/x:1", layers: layers.slice(0, 1), platform: "linux/arm64" },
    ], style);
    const found = await resolve(`docker-archive:${path}:app`);
    assertEquals(found.layers.map(({ diffId }) => diffId), layers.map(sha256));
    assertEquals(found.layers.map(({ digest }) => digest), layers.map(sha256));
    for (const layer of found.layers) assertEquals(sha256(readRange(layer)), layer.digest);
    assertEquals(found.names, ["docker.io/library/app:latest", "saved"]);
    assertEquals(found.digest, sha256(found.manifest));
    const manifest = JSON.parse(new TextDecoder().decode(found.manifest));
    assertEquals(manifest.config.digest, sha256(found.config));
    assertEquals((await resolve(`docker-archive:${path}:@1`)).platform, {
      os: "linux",
      architecture: "arm64",
    });
    await resolve(`docker-archive:${path}:other.io/x:1`, "linux/aarch64");
    await assertRefused(
      `docker-archive:${path}:other.io/x:1`,
      "not-found",
      "linux/s390x",
      "linux/s390x",
    );
    await assertRefused(`docker-archive:${path}:other.io/x`, "not-found", "other.io/x:1");
    await assertRefused(`docker-archive:${path}:@2`, "not-found", "position 2");
    await assertRefused(`docker-archive:${path}`, "usage", [
      "several",
      "docker.io/library/app:latest and other.io/x:1",
    ]);

    using source = await openSource(parseReference(`docker-archive:${path}`));
    assertEquals((await source.list()).map(({ name }) => name), [
      "docker.io/library/app:latest",
      "other.io/x:1",
    ]);
  });
}

Deno.test("compressed layers in a docker archive have their own digests", async () => {
  using scratch = new TempDir();
  for (const style of ["flat", "oci"] as const) {
    for (const compression of ["gzip", "zstd"] as const) {
      const path = `${scratch.path}/${style}-${compression}.tar`;
      await writeDockerArchive(path, [{ layers: [tar("x")], compression }], style);
      const { layers: [layer], names, manifest } = await resolve(`docker-archive:${path}`);
      assertEquals(layer.diffId, sha256(tar("x")));
      assertEquals(layer.digest, sha256(readRange(layer)));
      assertEquals(layer.mediaType, `application/vnd.docker.image.rootfs.diff.tar.${compression}`);
      assertEquals(JSON.parse(new TextDecoder().decode(manifest)).layers, [
        { mediaType: layer.mediaType, size: layer.length, digest: layer.digest },
      ]);
      assertEquals(names, [`${style}-${compression}`]);
    }
  }
});

Deno.test("a synthesised manifest has a fixed form", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/a.tar`;
  const layer = new Uint8Array(1024);
  const config = json({ rootfs: { type: "layers", diff_ids: [sha256(layer)] } });
  const hex = sha256(config).slice(7);
  await Deno.writeFile(
    path,
    makeTar([
      file("manifest.json", json([{ Config: `${hex}.json`, Layers: ["l.tar"] }])),
      file(`${hex}.json`, config),
      file("l.tar", layer),
    ]),
  );
  assertEquals(
    new TextDecoder().decode((await resolve(`docker-archive:${path}`)).manifest),
    `{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",` +
      `"config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":${config.length},"digest":"sha256:${hex}"},` +
      `"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":1024,"digest":"${
        sha256(layer)
      }"}]}`,
  );
});

Deno.test("damaged docker archives are refused", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/a.tar`;
  const layer = tar("x");
  const config = json({ rootfs: { type: "layers", diff_ids: [sha256(layer)] } });
  const name = `${sha256(config).slice(7)}.json`;
  const archive = (list: unknown, more: TarPiece[] = []) =>
    makeTar([
      file(name, config),
      file("l.tar", layer),
      ...more,
      ...(list === undefined ? [] : [file("manifest.json", json(list))]),
    ]);
  const image = { Config: name, RepoTags: null, Layers: ["l.tar"] };
  const table: [string, Uint8Array, Parameters<typeof assertRefused>[1], string][] = [
    ["none", archive(undefined), "invalid", "no manifest.json"],
    ["legacy", archive(undefined, [file("repositories", "{}")]), "unsupported", "before 1.10"],
    ["layout", archive(undefined, [file("oci-layout", "{}")]), "usage", "OCI layout"],
    ["object", archive({}), "invalid", "not a list"],
    ["empty list", archive([]), "not-found", "nothing"],
    ["entry", archive([null]), "invalid", "not an object"],
    [
      "config missing",
      archive([{ ...image, Config: "other.json" }]),
      "invalid",
      "other.json is missing",
    ],
    ["config out", archive([{ ...image, Config: "../../etc/passwd" }]), "invalid", "is missing"],
    ["config type", archive([{ ...image, Config: 5 }]), "invalid", "no Config"],
    [
      "config changed",
      archive([image], [file(name, concat(config, new Uint8Array([0x20])))]),
      "invalid",
      "its content has the digest",
    ],
    ["layer missing", archive([{ ...image, Layers: ["m.tar"] }]), "invalid", "m.tar is missing"],
    ["layers type", archive([{ ...image, Layers: "l.tar" }]), "invalid", "list of strings"],
    ["tags type", archive([{ ...image, RepoTags: [1] }]), "invalid", "list of strings"],
    ["count", archive([{ ...image, Layers: [] }]), "invalid", "0 layers, its config has 1"],
    ["text", makeTar([file("manifest.json", "root:x:0")]), "invalid", "not JSON"],
  ];
  for (const [what, bytes, kind, message] of table) {
    await Deno.writeFile(path, bytes);
    try {
      await assertRefused(`docker-archive:${path}`, kind, message);
    } catch (cause) {
      throw new Error(what, { cause });
    }
  }
  await Deno.writeFile(path, archive([image]));
  assertEquals((await resolve(`docker-archive:${path}`)).names, ["a"]);
  await assertRefused(`oci-archive:${path}`, "not-found", "not an OCI layout");
});

Deno.test("registries are refused with what to do instead", async () => {
  await assertRefused("docker://alpine:3", "unsupported", [
    "docker://docker.io/library/alpine:3",
    "not supported yet",
  ]);
});

Deno.test({
  ...needs(
    "images made by umoci and skopeo are read, with skopeo's digests",
    lacks("umoci"),
    lacks("skopeo"),
  ),
  fn: async () => {
    using scratch = new TempDir();
    const { path } = scratch;
    await writeOciLayout(`${path}/own`, [{ name: "own", layers: [tar("base"), tar("app")] }]);
    await run("skopeo", "copy", "-q", `oci:${path}/own:own`, `oci:${path}/oci:copy`);
    await run(
      "skopeo",
      "copy",
      "-q",
      "--dest-compress-format",
      "zstd",
      "--dest-compress",
      `oci:${path}/own:own`,
      `oci:${path}/zstd:z`,
    );
    await run("skopeo", "copy", "-q", `oci:${path}/own:own`, `oci-archive:${path}/oci.tar:copy`);
    await run(
      "skopeo",
      "copy",
      "-q",
      `oci:${path}/own:own`,
      `docker-archive:${path}/docker.tar:x/y:z`,
    );
    await Deno.mkdir(`${path}/tree`);
    await Deno.writeTextFile(`${path}/tree/hello`, "hello");
    await run("umoci", "init", "--layout", `${path}/umoci`);
    await run("umoci", "new", "--image", `${path}/umoci:made`);
    assertEquals((await resolve(`oci:${path}/umoci:made`)).layers, []);
    await run("umoci", "insert", "--image", `${path}/umoci:made`, `${path}/tree`, "/tree");
    const references = [
      [`oci:${path}/oci:copy`, "copy"],
      [`oci:${path}/zstd:z`, "z"],
      [`oci-archive:${path}/oci.tar:copy`, "copy"],
      [`docker-archive:${path}/docker.tar:x/y:z`, "docker.io/x/y:z"],
      [`docker-archive:${path}/docker.tar`, "docker.io/x/y:z"],
      [`oci:${path}/umoci:made`, "made"],
    ];
    for (const [reference, name] of references) {
      const found = await resolve(reference);
      assertEquals(
        new TextDecoder().decode(found.manifest),
        await run("skopeo", "inspect", "--raw", reference),
        reference,
      );
      assertEquals(found.names[0], name);
      for (const layer of found.layers) assertEquals(sha256(readRange(layer)), layer.digest);
    }
  },
});

Deno.test({
  ...needs("an image made by buildah is read", notRoot(), lacks("buildah")),
  fn: async () => {
    using scratch = new TempDir();
    const { path } = scratch;
    const storage = [
      "--root",
      `${path}/root`,
      "--runroot",
      `${path}/run`,
      "--storage-driver",
      "vfs",
    ];
    const container = (await run("buildah", ...storage, "from", "scratch")).trim();
    await Deno.writeTextFile(`${path}/hello`, "hello");
    await run("buildah", ...storage, "copy", "-q", container, `${path}/hello`, "/hello");
    await run(
      "buildah",
      ...storage,
      "commit",
      "-q",
      "--disable-compression",
      container,
      `oci:${path}/oci:built`,
    );
    await run("buildah", ...storage, "rm", container);
    const found = await resolve(`oci:${path}/oci:built`);
    assertEquals(found.names[0], "built");
    assertEquals(
      found.layers.map(({ diffId }) => diffId),
      found.layers.map((layer) => sha256(readRange(layer))),
    );
    assertEquals(found.layers.length, 1);
  },
});

Deno.test("the members of an archive are limited, and the limit can be set", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/archive.tar`;
  await Deno.writeFile(path, makeTar([file("a"), file("b"), file("c")]));
  const reference = parseReference(`oci-archive:${path}`);
  const error = await assertRejects(
    () => openSource(reference, { limits: { archiveMembers: 2 } }),
    LaminaError,
    "over the limit archive-members=2",
  );
  assertEquals(error.kind, "invalid");
  assertStringIncludes(error.hint!, "--limit archive-members=");
});
