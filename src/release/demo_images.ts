/**
 * The images of `deno task demo`: three that share a base, and a rebuild of one of them, made out of this host's own files.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { addBelow, addPrograms, HostFiles, type Quota, SHELL_PROGRAMS } from "./demo_files.ts";
import { LayerWriter, type WrittenLayer } from "./demo_layer.ts";

/** An image in the demo's layout. */
export interface DemoImage {
  /** Its tag. */
  readonly name: string;
  /** What it shows, for people. */
  readonly summary: string;
  /** `oci:DIR:TAG`. */
  readonly reference: string;
  /** Digest of its manifest. */
  readonly digest: string;
  /** Lowest first. */
  readonly layers: readonly WrittenLayer[];
}

/** What was made. */
export interface DemoImages {
  /** The three, and last the rebuild of the first. */
  readonly images: readonly DemoImage[];
  /** How many of an image's lowest layers all share. */
  readonly sharedLayers: number;
  /** Regular files in the shared layers. */
  readonly baseFiles: number;
  /** Bytes of their content. */
  readonly baseBytes: number;
  /** What to say where this host has less content than wanted; else undefined. */
  readonly short: string | undefined;
  /** The command that each image runs, which prints a line. */
  readonly command: readonly string[];
}

/** How large the base is to be, and where it goes. */
export interface DemoOptions {
  /** Small files in the base; default 6,000. */
  readonly smallFiles?: number;
  /** Bytes of content in the base; default 230 MiB. */
  readonly bytes?: number;
  /** What the base's shell can run; default: {@link SHELL_PROGRAMS} and node, which is large. */
  readonly programs?: readonly string[];
  /** What each application's own content is at most; default: 1,500 files, 24 MiB. */
  readonly application?: Quota;
  /** How layers are compressed; default: some with gzip, some with zstd. */
  readonly compression?: "gzip" | "zstd";
}

/** Less than this is said: 5,000 files and 200 MB. */
const ENOUGH = { files: 5_000, bytes: 200_000_000 };

/** Where content for the layers of the applications is looked for. It goes into the base only where that would be short without. */
const APPLICATIONS: Readonly<Record<string, readonly string[]>> = {
  web: ["/usr/lib/node_modules", "/usr/local/lib/node_modules", "/usr/share/nodejs"],
  worker: [
    "/usr/lib/python3",
    "/usr/local/lib/python3.11",
    "/usr/local/lib/python3.12",
    "/usr/local/lib/python3.13",
  ],
  tools: ["/usr/share/perl", "/usr/share/perl5", "/usr/lib/git-core"],
};

const COMMAND = ["/app/main"];

/**
 * Makes the images in an OCI layout.
 *
 * @param directory The layout's directory, which is made and must not exist yet or be empty.
 */
export async function makeDemoImages(
  directory: string,
  options: DemoOptions = {},
): Promise<DemoImages> {
  const { application: quota = { smallFiles: 1_500, bytes: 24 << 20 } } = options;
  const layout = new DemoLayout(directory, options.compression);
  const { system, runtime } = await chooseBase(options);
  const base = await Promise.all([
    layout.layer("gzip", async (layer) => {
      await writeHost(layer, system);
      await writeSystem(layer, system);
    }),
    layout.layer("zstd", (layer) => writeHost(layer, runtime)),
  ]);

  const images: DemoImage[] = [];
  for (const [name, roots] of Object.entries(APPLICATIONS)) {
    const content = new HostFiles(runtime);
    addBelow(content, roots, quota);
    const libraries = await layout.layer(
      name === "web" ? "gzip" : "zstd",
      (layer) => writeHost(layer, content),
    );
    const application = await layout.layer("gzip", (layer) => writeApplication(layer, name, 1));
    images.push(
      layout.image(name, `the base, ${name}'s libraries, ${name}`, [
        ...base,
        libraries,
        application,
      ]),
    );
    if (name !== "web") continue;
    const rebuilt = await layout.layer("gzip", (layer) => writeApplication(layer, name, 2));
    images.push(
      layout.image("web-next", "web rebuilt: only its top layer differs", [
        ...base,
        libraries,
        rebuilt,
      ]),
    );
  }
  // The rebuild comes last: it is pulled when all else is there.
  images.push(...images.splice(1, 1));
  layout.finish(images);

  const baseFiles = base.reduce((sum, { files }) => sum + files, 0);
  const baseBytes = base.reduce((sum, { bytes }) => sum + bytes, 0);
  const short = baseFiles >= ENOUGH.files && baseBytes >= ENOUGH.bytes
    ? undefined
    : `this host has only ${baseFiles} files with ${
      Math.round(baseBytes / 1e6)
    } MB to make a base of`;
  return { images, sharedLayers: base.length, baseFiles, baseBytes, short, command: COMMAND };
}

/** The base: the system with its shell and very many small files, above it what is large. */
async function chooseBase(
  options: DemoOptions,
): Promise<{ system: HostFiles; runtime: HostFiles }> {
  const { smallFiles = 6_000, bytes = 230 << 20, programs = [...SHELL_PROGRAMS, "node"] } = options;
  const applications = Object.values(APPLICATIONS).flat();
  const exclude = new Set(applications);
  const system = new HostFiles();
  await addPrograms(system, programs);
  const small = { smallFiles, bytes: 0 };
  addBelow(
    system,
    ["/usr/bin", "/usr/sbin", "/usr/share", "/usr/lib", "/usr/local", "/var/lib/dpkg"],
    small,
    exclude,
  );
  if (system.files < ENOUGH.files) {
    addBelow(system, ["/usr/include", ...applications], {
      smallFiles: smallFiles - system.files,
      bytes: 0,
    });
  }

  const runtime = new HostFiles(system);
  const missing = () => Math.max(0, bytes - system.bytes - runtime.bytes);
  addBelow(
    runtime,
    ["/usr/bin", "/usr/local/bin"],
    { smallFiles: 0, bytes: missing() / 3 },
    exclude,
  );
  addBelow(runtime, ["/usr/lib", "/usr/local", "/usr/share", "/usr/bin", "/opt"], {
    smallFiles: 0,
    bytes: missing(),
  }, exclude);
  if (missing() > 0) addBelow(runtime, applications, { smallFiles: 0, bytes: missing() });
  return { system, runtime };
}

async function writeHost(layer: LayerWriter, files: HostFiles): Promise<void> {
  for (const entry of files.entries()) await layer.host(entry);
}

/** What a system has beside its programs, and what the layers above replace, remove and hide. */
async function writeSystem(layer: LayerWriter, files: HostFiles): Promise<void> {
  for (const name of ["dev", "etc", "home", "opt", "proc", "root", "run", "srv", "sys", "var"]) {
    if (!files.has(`/${name}`)) {
      await layer.directory(name, { mode: name === "root" ? 0o700 : 0o755 });
    }
  }
  await layer.directory("tmp", { mode: 0o1777 });
  await layer.file(
    "etc/passwd",
    "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/app:/bin/sh\n",
  );
  await layer.file("etc/group", "root:x:0:\napp:x:1000:\n");
  await layer.file("etc/shadow", "root:*:19723:0:99999:7:::\n", { mode: 0o640, gid: 42 });
  await layer.file("etc/hostname", "lamina-demo\n");
  await layer.file("etc/motd", "The base.\n");
  await layer.directory("etc/app.d");
  await layer.file("etc/app.d/default", "a directory in the base, a symbolic link above it\n");
  await layer.directory("opt/demo");
  await layer.file("opt/demo/removed", "removed by the layers above\n");
  await layer.file("opt/demo/state", "a file in the base, a directory above it\n");
  await layer.directory("opt/demo/cache");
  for (let index = 0; index < 20; index++) {
    await layer.file(`opt/demo/cache/${index}`, `hidden ${index}\n`);
  }
}

/** An application: its command, data of its own, and changes to the base of every kind. */
async function writeApplication(layer: LayerWriter, name: string, version: number): Promise<void> {
  const app = { uid: 1000, gid: 1000 };
  await layer.directory("app");
  await layer.file(
    "app/main",
    `#!/bin/sh\nread -r version < /app/version\necho "${name} $version on $(cat /etc/hostname), $(ls /app/data | wc -l) data files"\n`,
    { mode: 0o755 },
  );
  await layer.hardlink(`app/main-${version}`, "app/main", { mode: 0o755 });
  await layer.file("app/version", `${version}.0\n`);
  await layer.directory("app/data", { ...app, mode: 0o2775 });
  for (let index = 0; index < 200; index++) {
    // One in ten differs between versions.
    const seed = index % 10 === 0 ? version : 0;
    await layer.file(
      `app/data/${String(index).padStart(3, "0")}.txt`,
      text(`${name} ${index} ${seed}`),
      { ...app, mode: 0o640 },
    );
  }
  await layer.symlink("app/latest", "data/199.txt");
  await layer.file("etc/motd", `${name} ${version}.0, replaced\n`);
  await layer.symlink("etc/app.d", "/app/data");
  await layer.whiteout("opt/demo/removed");
  await layer.directory("opt/demo/state");
  await layer.file("opt/demo/state/ready", "yes\n", { mode: 0o600 });
  await layer.directory("opt/demo/cache");
  await layer.opaque("opt/demo/cache");
  await layer.file("opt/demo/cache/new", name);
}

/** Some kilobytes of text that follow from a seed. */
function text(seed: string): string {
  let line = seed;
  let whole = "";
  for (let index = 0; index < 40; index++) {
    line = createHash("sha256").update(line).digest("hex");
    whole += `${line}\n`;
  }
  return whole;
}

/** The layout that the images go into. */
class DemoLayout {
  readonly #directory: string;
  readonly #blobs: string;
  readonly #compression: "gzip" | "zstd" | undefined;

  constructor(directory: string, compression: "gzip" | "zstd" | undefined) {
    this.#directory = directory;
    this.#compression = compression;
    this.#blobs = `${directory}/blobs/sha256`;
    Deno.mkdirSync(this.#blobs, { recursive: true });
    Deno.writeTextFileSync(`${directory}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
  }

  async layer(
    compression: "gzip" | "zstd",
    write: (layer: LayerWriter) => Promise<void>,
  ): Promise<WrittenLayer> {
    const layer = new LayerWriter(this.#blobs, this.#compression ?? compression);
    await write(layer);
    return await layer.finish();
  }

  image(name: string, summary: string, layers: readonly WrittenLayer[]): DemoImage {
    const config = this.#document("application/vnd.oci.image.config.v1+json", {
      created: "2024-01-01T00:00:00Z",
      architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
      os: "linux",
      config: {
        Cmd: COMMAND,
        WorkingDir: "/app",
        Env: ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"],
      },
      rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map(() => ({ created: "2024-01-01T00:00:00Z", created_by: "lamina demo" })),
    });
    const { digest } = this.#document(MANIFEST, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config,
      layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    });
    return { name, summary, reference: `oci:${this.#directory}:${name}`, digest, layers };
  }

  /** Writes the index: the layout is whole then. */
  finish(images: readonly DemoImage[]): void {
    const manifests = images.map(({ name, digest }) => ({
      mediaType: MANIFEST,
      digest,
      size: Deno.statSync(`${this.#blobs}/${digest.slice(7)}`).size,
      annotations: { "org.opencontainers.image.ref.name": name },
    }));
    Deno.writeTextFileSync(
      `${this.#directory}/index.json`,
      JSON.stringify({ schemaVersion: 2, manifests }),
    );
  }

  #document(
    mediaType: string,
    value: unknown,
  ): { mediaType: string; digest: string; size: number } {
    const bytes = new TextEncoder().encode(JSON.stringify(value));
    const hex = createHash("sha256").update(bytes).digest("hex");
    Deno.writeFileSync(`${this.#blobs}/${hex}`, bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  }
}

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
