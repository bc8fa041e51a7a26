/**
 * Kernels for virtual machines: Debian's cloud kernels, out of the archive that this machine's apt already uses.
 *
 * A kernel is fetched once and kept in the cache directory as `vmlinuz`, the modules that a guest needs, and its release.
 *
 * @module
 */

import { join } from "@std/path";

/** A kernel that can be booted. */
export interface Kernel {
  /** The Debian suite that it comes from. */
  readonly suite: string;
  /** What `uname -r` says. */
  readonly release: string;
  /** Path of the bzImage. */
  readonly image: string;
  /** Paths of the modules, in an order in which they can be loaded. */
  readonly modules: readonly string[];
}

/** What a guest loads; the modules that these depend on come along, and what is built in is left out. */
const WANTED = ["virtio_pci", "virtio_blk", "loop", "erofs", "overlay"];

/** Part of the cache's name: another set of modules, or another form of the cache, is another directory. */
const CACHE_FORMAT = `1-${WANTED.join("-")}`;

/** The directory that tests keep downloads in. */
function cacheDirectory(): string {
  const xdg = Deno.env.get("XDG_CACHE_HOME");
  return xdg?.startsWith("/")
    ? join(xdg, "lamina-test")
    : new URL("../../.cache/lamina-test", import.meta.url).pathname;
}

/**
 * The newest cloud kernel of a Debian suite, from the cache or else from the archive.
 *
 * @param suite A suite's code name: `bookworm` has Linux 6.1, `trixie` 6.12.
 * @returns The kernel, or why there is none.
 */
export async function debianKernel(suite: string): Promise<Kernel | { missing: string }> {
  const home = join(cacheDirectory(), `kernel-${suite}-${CACHE_FORMAT}`);
  try {
    return await cached(suite, home);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.mkdir(cacheDirectory(), { recursive: true });
  const work = await Deno.makeTempDir({ dir: cacheDirectory(), prefix: `fetch-${suite}-` });
  try {
    const unpacked = await fetchPackage(suite, work);
    const ready = join(work, "ready");
    await extract(unpacked, ready);
    await Deno.rename(ready, home).catch((error) => {
      // Another test run was faster; its copy is as good.
      if (!(error instanceof Error && "code" in error && error.code === "ENOTEMPTY")) throw error;
    });
    return await cached(suite, home);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return { missing: error.message };
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** Why no kernel can be had here. */
class Unavailable extends Error {}

async function cached(suite: string, home: string): Promise<Kernel> {
  const list = await Deno.readTextFile(join(home, "modules"));
  return {
    suite,
    release: await Deno.readTextFile(join(home, "release")),
    image: join(home, "vmlinuz"),
    modules: list.split("\n").filter((name) => name !== "").map((name) => join(home, name)),
  };
}

/** Downloads the package that `linux-image-cloud-amd64` stands for in a suite; returns where it is unpacked. */
async function fetchPackage(suite: string, work: string): Promise<string> {
  const apt = await privateApt(suite, work);
  const depends = await output("apt-cache", [...apt, "depends", "linux-image-cloud-amd64"]);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Unavailable(`${suite} has no linux-image-cloud-amd64`);
  await output("apt-get", [...apt, "-q", "download", name], work);
  const unpacked = join(work, "unpacked");
  for await (const entry of Deno.readDir(work)) {
    if (entry.name.endsWith(".deb")) {
      await output("dpkg-deb", ["-x", join(work, entry.name), unpacked]);
      return unpacked;
    }
  }
  throw new Unavailable(`apt-get download ${name} left no package behind`);
}

/** Options that give apt its own lists and caches below a directory, for one suite, and nothing of this machine's state. */
async function privateApt(suite: string, work: string): Promise<string[]> {
  for (const directory of ["lists/partial", "cache/archives/partial"]) {
    await Deno.mkdir(join(work, directory), { recursive: true });
  }
  const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  const signed = await Deno.stat(keyring).then(() => ` signed-by=${keyring}`, () => "");
  const mirror = await debianMirror();
  await Deno.writeTextFile(join(work, "status"), "");
  await Deno.writeTextFile(
    join(work, "sources.list"),
    `deb [arch=amd64 target=Packages${signed}] ${mirror} ${suite} main\n`,
  );
  const apt = [
    `Dir::Etc::sourcelist=${join(work, "sources.list")}`,
    "Dir::Etc::sourceparts=-",
    `Dir::State=${work}`,
    `Dir::State::status=${join(work, "status")}`,
    `Dir::Cache=${join(work, "cache")}`,
    "APT::Architecture=amd64",
    // Root's apt would give up its rights to a user that may not write below `work`.
    "APT::Sandbox::User=",
    "Acquire::Languages=none",
    "Acquire::Retries=2",
  ].flatMap((option) => ["-o", option]);
  await output("apt-get", [...apt, "-q", "--error-on=any", "update"]);
  return apt;
}

/** The address of the Debian archive that this machine uses. */
async function debianMirror(): Promise<string> {
  const format = "$(REPO_URI) $(LABEL) $(COMPONENT)";
  for (const line of (await output("apt-get", ["indextargets", "--format", format])).split("\n")) {
    const [address, label, component] = line.split(" ");
    if (label === "Debian" && component === "main") return address!;
  }
  throw new Unavailable("apt knows no Debian archive here (run apt-get update first)");
}

/** Moves what a guest needs out of an unpacked package, modules decompressed. */
async function extract(unpacked: string, into: string): Promise<void> {
  await Deno.mkdir(into);
  const files = (await output("find", [unpacked, "-type", "f"])).trimEnd().split("\n");
  const image = files.find((file) => file.includes("/boot/vmlinuz-"));
  if (image === undefined) throw new Unavailable("the kernel package has no /boot/vmlinuz-*");
  const modules = new Map<string, string>();
  for (const file of files) {
    const name = /\/([^/]+)\.ko(\.xz)?$/.exec(file)?.[1];
    if (name !== undefined) modules.set(name.replaceAll("-", "_"), file);
  }
  const order: string[] = [];
  const add = async (name: string): Promise<void> => {
    const file = modules.get(name);
    if (file === undefined || order.includes(`${name}.ko`)) return; // not there: built in
    const bytes = file.endsWith(".xz")
      ? await outputBytes("busybox", ["xzcat", file])
      : await Deno.readFile(file);
    for (const dependency of dependencies(bytes)) await add(dependency);
    await Deno.writeFile(join(into, `${name}.ko`), bytes);
    order.push(`${name}.ko`);
  };
  for (const name of WANTED) await add(name);
  await Deno.rename(image, join(into, "vmlinuz"));
  await Deno.writeTextFile(join(into, "release"), /vmlinuz-(.+)$/.exec(image)![1]!);
  await Deno.writeTextFile(join(into, "modules"), order.join("\n"));
}

/** The modules that a module says it needs (the `depends=` of its .modinfo section). */
function dependencies(module: Uint8Array): string[] {
  const text = new TextDecoder("latin1").decode(module);
  const names = /\0depends=([^\0]*)\0/.exec(text)?.[1] ?? "";
  return names.split(",").filter((name) => name !== "").map((name) => name.replaceAll("-", "_"));
}

async function output(command: string, args: string[], cwd?: string): Promise<string> {
  return new TextDecoder().decode(await outputBytes(command, args, cwd));
}

/** What a command writes to its standard output. Throws {@link Unavailable} if it fails or is not there. */
async function outputBytes(command: string, args: string[], cwd?: string): Promise<Uint8Array> {
  const options = { args, stdin: "null", env: { LC_ALL: "C" } } as const;
  const child = new Deno.Command(command, cwd === undefined ? options : { ...options, cwd });
  const { success, stdout, stderr } = await child.output().catch((error) => {
    throw new Unavailable(`${command}: ${error.message}`);
  });
  if (!success) {
    const lines = new TextDecoder().decode(stderr).trimEnd().split("\n");
    const reason = lines.find((line) => line.startsWith("E:")) ?? lines.at(-1);
    throw new Unavailable(`${command}: ${reason}`);
  }
  return stdout;
}
