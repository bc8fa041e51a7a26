import { createHash } from "node:crypto";
import { assertEquals } from "@std/assert";
import { openSource, parseReference } from "../../src/oci/mod.ts";
import { formatPlatform, hostPlatform } from "../../src/oci/platform.ts";
import { type Descriptor, json, LayoutBuilder, sha256, writeOciLayout } from "../support/images.ts";
import { file, makeTar } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { assertRefused, readRange, resolve } from "./support.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar";

const HOST = formatPlatform(hostPlatform());
const OTHER = hostPlatform().architecture === "amd64" ? "linux/arm64" : "linux/amd64";
const tar = (text: string) => makeTar([file("file", text)]);

/** An image with one layer that tells it apart. */
function image(
  layout: LayoutBuilder,
  platform: string | undefined,
  text = platform ?? "x",
): Descriptor {
  return layout.image({ layers: [tar(text)], ...(platform === undefined ? {} : { platform }) })
    .descriptor;
}

Deno.test("an image of a layout is found by its tag, and described in full", async () => {
  using scratch = new TempDir();
  const [base, app] = await writeOciLayout(scratch.path, [
    { name: "base", layers: [tar("base")], compression: "none" },
    {
      name: "app",
      layers: [tar("base"), tar("app")],
      compression: "zstd",
      config: { Cmd: ["sh"] },
    },
  ]);
  const found = await resolve(`oci:${scratch.path}:app`);
  assertEquals(found.digest, app.digest);
  assertEquals(sha256(found.manifest), app.digest);
  assertEquals(sha256(found.config), app.configDigest);
  assertEquals(found.platform, { os: "linux", architecture: "amd64" });
  assertEquals(found.layers.map(({ diffId }) => diffId), [...app.diffIds]);
  assertEquals(found.layers.map(({ digest }) => digest), app.layers.map(({ digest }) => digest));
  assertEquals(found.layers.map(({ length }) => length), app.layers.map(({ size }) => size));
  assertEquals(found.layers.map(({ mediaType }) => mediaType), [`${LAYER}+zstd`, `${LAYER}+zstd`]);
  for (const layer of found.layers) assertEquals(sha256(readRange(layer)), layer.digest);
  assertEquals(found.names, ["app", scratch.path.split("/").pop()!]);

  assertEquals((await resolve(`oci:${scratch.path}@${base.digest}`)).digest, base.digest);
  assertEquals((await resolve(`oci:${scratch.path}:@1`)).digest, app.digest);
  assertEquals((await resolve(`oci:${scratch.path}:app@${app.digest}`)).digest, app.digest);
  await assertRefused(`oci:${scratch.path}:base@${app.digest}`, "not-found", [app.digest, "base"]);
  await assertRefused(`oci:${scratch.path}:none`, "not-found", [
    "no image is called none",
    "base and app",
  ]);
  await assertRefused(`oci:${scratch.path}:@2`, "not-found", ["position 2", "base and app"]);
  await assertRefused(`oci:${scratch.path}`, "usage", ["several", "base and app"]);

  using source = await openSource(parseReference(`oci:${scratch.path}`));
  assertEquals((await source.list()).map(({ name, digest }) => [name, digest]), [
    ["base", base.digest],
    ["app", app.digest],
  ]);
});

Deno.test("the only image of a layout needs no tag, and several tags may name one image", async () => {
  using scratch = new TempDir();
  const layout = new LayoutBuilder();
  const only = image(layout, OTHER);
  const tagged = (tag: string) => ({
    ...only,
    annotations: { "org.opencontainers.image.ref.name": tag },
  });
  await layout.top([only]).writeDirectory(scratch.path);
  // It is taken although it is for another platform: it was named itself.
  const found = await resolve(`oci:${scratch.path}`);
  assertEquals(found.digest, only.digest);
  assertEquals(found.names, [scratch.path.split("/").pop()!]);

  await layout.top([tagged("one"), tagged("two")]).writeDirectory(scratch.path);
  assertEquals((await resolve(`oci:${scratch.path}:two`)).digest, only.digest);
  await assertRefused(`oci:${scratch.path}`, "usage", ["one", "two"]);
  await layout.top([tagged("one"), tagged("one")]).writeDirectory(scratch.path);
  assertEquals((await resolve(`oci:${scratch.path}`)).digest, only.digest);
});

Deno.test("of an index the image for the platform is taken", async () => {
  using scratch = new TempDir();
  const layout = new LayoutBuilder();
  const host = image(layout, HOST);
  const other = image(layout, OTHER);
  const arm5 = image(layout, "linux/arm/v5");
  const arm6 = image(layout, "linux/arm/v6");
  const arm8 = image(layout, "linux/arm/v8");
  const attestation = {
    ...image(layout, undefined, "attestation"),
    platform: { os: "unknown", architecture: "unknown" },
  };
  const strange = layout.document({ any: "thing" }, "application/x-strange");
  const index = layout.index([attestation, strange, other, arm5, arm8, arm6, host]);
  await layout.top([{ ...index, annotations: { "org.opencontainers.image.ref.name": "multi" } }])
    .writeDirectory(scratch.path);
  const reference = `oci:${scratch.path}:multi`;

  assertEquals((await resolve(reference)).digest, host.digest);
  assertEquals((await resolve(reference)).names[0], "multi");
  assertEquals((await resolve(reference, OTHER)).digest, other.digest);
  assertEquals((await resolve(reference, "linux/arm/v7")).digest, arm6.digest);
  assertEquals((await resolve(reference, "linux/arm/v5")).digest, arm5.digest);
  assertEquals(
    (await resolve(`oci:${scratch.path}@${index.digest}`, "linux/arm/v8")).digest,
    arm8.digest,
  );
  assertEquals((await resolve(`oci:${scratch.path}@${arm5.digest}`)).digest, arm5.digest);
  await assertRefused(
    reference,
    "not-found",
    ["linux/s390x", "linux/arm/v8", "linux/arm/v5"],
    "linux/s390x",
  );

  using source = await openSource(parseReference(reference));
  const listed = (await source.list()).map(({ name, digest }) => [name, digest]);
  assertEquals(listed, [other, arm5, arm8, arm6, host].map(({ digest }) => ["multi", digest]));
});

Deno.test("platforms that an index leaves out are read from the configs", async () => {
  using scratch = new TempDir();
  const layout = new LayoutBuilder();
  const bare = (descriptor: Descriptor): Descriptor => ({
    mediaType: descriptor.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
  });
  const host = image(layout, HOST);
  const other = image(layout, OTHER);
  await layout.top([bare(other), bare(host)]).writeDirectory(scratch.path);
  assertEquals((await resolve(`oci:${scratch.path}`)).digest, host.digest);
  assertEquals((await resolve(`oci:${scratch.path}`, OTHER)).digest, other.digest);

  await layout.top([bare(other)]).writeDirectory(scratch.path);
  await assertRefused(`oci:${scratch.path}`, "not-found", [HOST, OTHER], HOST);

  // Two that serve equally well cannot be told apart.
  const twin = image(layout, HOST, "twin");
  await layout.top([layout.index([host, twin])]).writeDirectory(scratch.path);
  await assertRefused(`oci:${scratch.path}`, "usage", [host.digest, twin.digest]);
});

Deno.test("an index for other platforms only is not taken silently", async () => {
  using scratch = new TempDir();
  const layout = new LayoutBuilder();
  await layout.top([layout.index([image(layout, OTHER)])]).writeDirectory(scratch.path);
  await assertRefused(`oci:${scratch.path}`, "not-found", [HOST, OTHER]);
});

Deno.test("indexes may be nested, within a limit", async () => {
  using scratch = new TempDir();
  for (const [depth, allowed] of [[1, true], [8, true], [9, false]] as const) {
    const layout = new LayoutBuilder();
    const leaf = image(layout, HOST);
    let top = leaf;
    for (let level = 0; level <= depth; level++) top = layout.index([top]);
    const path = `${scratch.path}/${depth}`;
    await layout.top([top]).writeDirectory(path);
    if (allowed) assertEquals((await resolve(`oci:${path}`)).digest, leaf.digest);
    else await assertRefused(`oci:${path}`, "invalid", "nested more than 8 deep");
  }
});

Deno.test("an index that is reached on many ways is read once, and very many entries are refused", async () => {
  using scratch = new TempDir();
  const layout = new LayoutBuilder();
  let top: Descriptor = image(layout, HOST);
  const leaf = top.digest;
  for (let level = 0; level < 8; level++) top = layout.index(Array.from({ length: 50 }, () => top));
  await layout.top([top]).writeDirectory(scratch.path);
  assertEquals((await resolve(`oci:${scratch.path}`)).digest, leaf);

  const wide = Array.from({ length: 10_001 }, () => layout.document({}, "application/x-strange"));
  await layout.top(wide).writeDirectory(scratch.path);
  await assertRefused(`oci:${scratch.path}`, "invalid", "more than 10000 entries");
});

Deno.test("what is not a layout is refused with what to do", async () => {
  using scratch = new TempDir();
  const { path } = scratch;
  await assertRefused(`oci:${path}/none`, "not-found", "no such directory");
  await Deno.writeTextFile(`${path}/file`, "x");
  await assertRefused(`oci:${path}/file`, "usage", "not a directory");
  await assertRefused(`oci:${path}`, "not-found", "no file oci-layout");
  await Deno.writeTextFile(`${path}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  await assertRefused(`oci:${path}`, "invalid", "index.json is missing");
  for (const version of ['"2.0.0"', '"1"', "1", "null"]) {
    await Deno.writeTextFile(`${path}/oci-layout`, `{"imageLayoutVersion":${version}}`);
    await assertRefused(`oci:${path}`, "unsupported", "version");
  }
  await Deno.writeTextFile(`${path}/oci-layout`, "[]");
  await assertRefused(`oci:${path}`, "invalid", "not a JSON object");
  await Deno.remove(`${path}/oci-layout`);
  await Deno.mkdir(`${path}/oci-layout`);
  await assertRefused(`oci:${path}`, "invalid", "not a regular file");
  await Deno.remove(`${path}/oci-layout`);
  await new LayoutBuilder().top([]).writeDirectory(path);
  await assertRefused(`oci:${path}`, "not-found", ["no image", "nothing"]);
  await assertRefused(`oci:${path}:x`, "not-found", ["called x", "nothing"]);
});

/** A layout whose one image is written by hand. */
async function handmade(
  path: string,
  make: (
    layout: LayoutBuilder,
    good: { config: Descriptor; layer: Descriptor; diffId: string },
  ) => Descriptor,
): Promise<string> {
  const layout = new LayoutBuilder();
  const bytes = tar("hand");
  const diffId = sha256(bytes);
  const layer = layout.blob(bytes, LAYER);
  const config = layout.document({
    os: "linux",
    architecture: "amd64",
    rootfs: { type: "layers", diff_ids: [diffId] },
  }, CONFIG);
  const descriptor = make(layout, { config, layer, diffId });
  await Deno.remove(path, { recursive: true }).catch(() => {});
  await layout.top([descriptor]).writeDirectory(path);
  return `oci:${path}`;
}

Deno.test("manifests that are not those of an image are refused", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/layout`;
  type Parts = Record<string, unknown>;
  const table: [
    string,
    (good: Parts, layout: LayoutBuilder) => Parts,
    "invalid" | "unsupported",
    string,
  ][] = [
    ["layers and manifests", (m) => ({ ...m, manifests: [] }), "invalid", "manifests"],
    ["schema 1's layers too", (m) => ({ ...m, fsLayers: [] }), "invalid", "fsLayers"],
    ["schema 1", (m) => ({ ...m, schemaVersion: 1 }), "unsupported", "schema 1"],
    ["no version", ({ config, layers }) => ({ config, layers }), "invalid", "schemaVersion"],
    ["version as text", (m) => ({ ...m, schemaVersion: "2" }), "invalid", "schemaVersion"],
    ["another type than said", (m) => ({ ...m, mediaType: INDEX }), "invalid", INDEX],
    ["no config", ({ config: _, ...m }) => m, "invalid", "config"],
    ["config is a list", (m) => ({ ...m, config: [] }), "invalid", "config"],
    ["layers is an object", (m) => ({ ...m, layers: {} }), "invalid", "layers is not a list"],
    [
      "too few layers",
      (m) => ({ ...m, layers: [] }),
      "invalid",
      "0 layers, its config has 1 diff_ids",
    ],
    [
      "too many layers",
      (m) => ({ ...m, layers: [...m.layers as [], ...m.layers as []] }),
      "invalid",
      "2 layers",
    ],
    [
      "artifact",
      (m, layout) => ({ ...m, config: layout.document({}, "application/vnd.oci.empty.v1+json") }),
      "unsupported",
      "artifact",
    ],
    [
      "no rootfs",
      (m, layout) => ({ ...m, config: layout.document({}, CONFIG) }),
      "invalid",
      "rootfs",
    ],
    [
      "config is text",
      (m, layout) => ({ ...m, config: layout.blob(new TextEncoder().encode("root:x:0"), CONFIG) }),
      "invalid",
      "not JSON",
    ],
    [
      "diff_ids of another kind",
      (m, layout) => ({
        ...m,
        config: layout.document({ rootfs: { type: "diffs", diff_ids: [] } }, CONFIG),
      }),
      "invalid",
      "layers",
    ],
  ];
  for (const [what, change, kind, message] of table) {
    const reference = await handmade(
      path,
      (layout, { config, layer }) =>
        layout.document(
          change({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] }, layout),
          MANIFEST,
        ),
    );
    try {
      await assertRefused(reference, kind, message);
    } catch (error) {
      throw new Error(what, { cause: error });
    }
  }
});

Deno.test("layers that cannot be composed are refused", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/layout`;
  const table: [string, string][] = [
    ["application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "foreign"],
    ["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "foreign"],
    [`${LAYER}+gzip+encrypted`, "encrypted"],
    [`${LAYER}+encrypted`, "encrypted"],
    ["application/octet-stream", "no layer's"],
    [`${LAYER}+xz`, "no layer's"],
    [MANIFEST, "no layer's"],
  ];
  for (const [mediaType, message] of table) {
    const reference = await handmade(
      path,
      (layout, { config, layer }) =>
        layout.document({ schemaVersion: 2, config, layers: [{ ...layer, mediaType }] }, MANIFEST),
    );
    await assertRefused(reference, "unsupported", [message, "layer 1"]);
  }
});

Deno.test("digests are checked for their spelling before they become paths", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/layout`;
  const hex = "0123456789abcdef".repeat(4);
  const digests = [
    "",
    "sha256",
    "sha256:",
    `sha256:${hex.slice(1)}`,
    `sha256:${hex}0`,
    `sha256:${hex.toUpperCase()}`,
    `SHA256:${hex}`,
    `md5:${hex.slice(0, 32)}`,
    `sha384:${hex}`,
    `sha512:${hex}`,
    `sha256:../../../../etc/passwd`,
    `../..:${hex}`,
    `sha256/..:${hex}`,
    `sha256:${"../".repeat(21)}x`,
    `sha256:${hex}\n`,
    `__proto__:${hex}`,
    5,
    null,
    {},
  ];
  for (const digest of digests) {
    for (const where of ["manifest", "config", "layer", "diff_id"]) {
      const reference = await handmade(path, (layout, { config, layer }) => {
        if (where === "diff_id") {
          config = layout.document({ rootfs: { type: "layers", diff_ids: [digest] } }, CONFIG);
        } else if (where === "config") config = { ...config, digest: digest as string };
        else if (where === "layer") layer = { ...layer, digest: digest as string };
        const descriptor = layout.document({ schemaVersion: 2, config, layers: [layer] }, MANIFEST);
        return where === "manifest" ? { ...descriptor, digest: digest as string } : descriptor;
      });
      try {
        await assertRefused(reference, "invalid", "dig");
      } catch (cause) {
        if (where === "diff_id" && `${cause}`.includes("diff_id is not a string")) continue;
        throw new Error(`${where} ${JSON.stringify(digest)}`, { cause });
      }
    }
  }
});

Deno.test("sha512 names manifests, configs and blobs, but not DiffIDs", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/layout`;
  const layout = new LayoutBuilder();
  const bytes = tar("x");
  const put = (content: Uint8Array, mediaType: string): Descriptor => {
    const hex = createHash("sha512").update(content).digest("hex");
    layout.files.set(`blobs/sha512/${hex}`, content);
    return { mediaType, digest: `sha512:${hex}`, size: content.length };
  };
  const config = put(json({ rootfs: { type: "layers", diff_ids: [sha256(bytes)] } }), CONFIG);
  const layer = layout.blob(bytes, LAYER);
  const manifest = put(json({ schemaVersion: 2, config, layers: [layer] }), MANIFEST);
  await Deno.mkdir(`${path}/blobs/sha512`, { recursive: true });
  await layout.top([manifest]).writeDirectory(path);
  assertEquals((await resolve(`oci:${path}`)).digest, manifest.digest);
  assertEquals((await resolve(`oci:${path}`)).platform, undefined);

  const reference = await handmade(path, (other, { layer }) => {
    const config = other.document(
      { rootfs: { type: "layers", diff_ids: [manifest.digest] } },
      CONFIG,
    );
    return other.document({ schemaVersion: 2, config, layers: [layer] }, MANIFEST);
  });
  await assertRefused(reference, "unsupported", "not of sha256");
});

Deno.test("every size and digest is verified", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/layout`;
  const [written] = await writeOciLayout(path, [{ name: "x", layers: [tar("x")] }]);
  const blob = (digest: string) => `${path}/blobs/sha256/${digest.slice(7)}`;
  const layer = written.layers[0].digest;
  const good = new Map(
    [written.digest, written.configDigest, layer].map((
      digest,
    ) => [digest, Deno.readFileSync(blob(digest))]),
  );
  const reference = `oci:${path}`;
  await resolve(reference);
  for (const [digest, bytes] of good) {
    await Deno.remove(blob(digest));
    await assertRefused(reference, "not-found", [digest.slice(7), "missing"]);
    await Deno.writeFile(blob(digest), bytes.subarray(1));
    await assertRefused(reference, "invalid", [
      `${bytes.length - 1} bytes`,
      `${bytes.length}`,
      digest,
    ]);
    await Deno.writeFile(blob(digest), new Uint8Array([...bytes, 0]));
    await assertRefused(reference, "invalid", `${bytes.length + 1} bytes`);
    // Blobs of layers are read, and verified, when they are ingested.
    if (digest !== layer) {
      const changed = bytes.slice();
      changed[bytes.length >> 1] ^= 1;
      await Deno.writeFile(blob(digest), changed);
      await assertRefused(reference, "invalid", ["its content has the digest", digest]);
    }
    await Deno.writeFile(blob(digest), bytes);
  }
  for (const size of [-1, 0.5, "10", null, 2 ** 60]) {
    await Deno.writeFile(
      `${path}/index.json`,
      json({
        schemaVersion: 2,
        manifests: [{ mediaType: MANIFEST, digest: written.digest, size }],
      }),
    );
    await assertRefused(reference, "invalid", "size");
  }
});

Deno.test("documents are limited in size, and the limit can be set", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/layout`;
  const [written] = await writeOciLayout(path, [{
    layers: [tar("x")],
    config: { Env: [`A=${"x".repeat(1 << 16)}`] },
  }]);
  await assertRefused(
    `oci:${path}`,
    "invalid",
    [written.configDigest, "document-bytes=4K"],
    undefined,
    { limits: { documentBytes: 4096 } },
  );
  await resolve(`oci:${path}`);
  await Deno.truncate(`${path}/index.json`, (4 << 20) + 1);
  await assertRefused(`oci:${path}`, "invalid", ["index.json", "document-bytes=4M"]);
});

Deno.test("an image without layers, null instead of empty lists, and Docker's media types are understood", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/layout`;
  const reference = await handmade(path, (layout) => {
    const config = layout.document({
      os: "linux",
      architecture: "x86_64",
      rootfs: { type: "layers", diff_ids: null },
    }, CONFIG);
    return layout.document({ schemaVersion: 2, config, layers: null, annotations: null }, MANIFEST);
  });
  const empty = await resolve(reference, "linux/amd64");
  assertEquals(empty.layers, []);
  assertEquals(empty.platform, { os: "linux", architecture: "amd64" });

  const [docker] = await writeOciLayout(`${path}2`, [{ layers: [tar("x")], docker: true }]);
  assertEquals((await resolve(`oci:${path}2`)).digest, docker.digest);
});

Deno.test("blobs may be links, but not what would block", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/layout`;
  const [written] = await writeOciLayout(path, [{ layers: [tar("x")] }]);
  const blob = `${path}/blobs/sha256/${written.layers[0].digest.slice(7)}`;
  await Deno.rename(blob, `${scratch.path}/elsewhere`);
  await Deno.symlink(`${scratch.path}/elsewhere`, blob);
  assertEquals((await resolve(`oci:${path}`)).layers[0].length, written.layers[0].size);
  await Deno.remove(blob);
  await new Deno.Command("mkfifo", { args: [blob] }).output();
  await assertRefused(`oci:${path}`, "invalid", "not a regular file");
});

Deno.test("names are made for the store: a tag, else the directory's name", async () => {
  using scratch = new TempDir();
  const table: [string, string][] = [
    ["plain", "plain"],
    ["with space", "with-space"],
    [".hidden", "hidden"],
    ["_x", "x"],
    ["ünï", "n"],
    ["日本", "image"],
    ["sha256", "image"],
    ["v1.2", "v1.2"],
  ];
  for (const [directory, expected] of table) {
    await writeOciLayout(`${scratch.path}/${directory}`, [{ layers: [] }]);
    assertEquals((await resolve(`oci:${scratch.path}/${directory}`)).names, [expected], directory);
    assertEquals((await resolve(`oci:${scratch.path}/${directory}/`)).names, [expected], directory);
  }
});
