/**
 * The disks of a virtual machine: a root filesystem with busybox and programs of this machine, made without root's rights.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";

/** A file in the guest: its content, or the file or directory of this machine that is copied there. */
export type GuestFile = string | Uint8Array | { readonly copy: string };

/** Where Debian's busybox-static is. */
export const BUSYBOX = "/bin/busybox";

/** Both disks have what fs-verity wants: the feature, and blocks of one page also where a filesystem is small. */
const EXT4 = ["-q", "-F", "-b", "4096", "-O", "verity", "-E", "root_owner=0:0"];

/** Makes an empty ext4 that can do fs-verity. The file is sparse. */
export async function makeDataDisk(path: string, mebibytes: number): Promise<void> {
  await run("mkfs.ext4", [...EXT4, path, `${mebibytes}M`]);
}

/**
 * Makes the root disk.
 *
 * @param path The image; sparse.
 * @param staging An empty directory to collect the files in; its content is not needed later.
 * @param programs Programs of this machine, with the shared libraries that they need: those given by name are where they are here, those
 * given by path are in /usr/bin.
 * @param files By path in the guest.
 */
export async function makeRootDisk(
  path: string,
  staging: string,
  programs: readonly string[],
  files: Readonly<Record<string, GuestFile>>,
): Promise<void> {
  for (const directory of ["usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "data", "root", "etc"]) {
    await Deno.mkdir(join(staging, directory), { recursive: true });
  }
  for (const directory of ["proc", "sys", "dev", "tmp", "vm"]) {
    await Deno.mkdir(join(staging, directory));
  }
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    await Deno.symlink(`usr/${name}`, join(staging, name));
  }
  for (const program of programs) {
    if (program.includes("/")) await addProgram(staging, program, `/usr/bin/${basename(program)}`);
    else await addProgram(staging, await find(program), await find(program));
  }
  await addProgram(staging, BUSYBOX, BUSYBOX);
  for (const applet of (await run(BUSYBOX, ["--list"])).trimEnd().split("\n")) {
    const there = ["usr/bin", "usr/sbin"].map((directory) => join(staging, directory, applet));
    if (there.some((file) => exists(file))) continue;
    await Deno.symlink(BUSYBOX, there[0]!);
  }
  for (const [target, file] of Object.entries(files)) {
    const to = join(staging, target);
    await Deno.mkdir(dirname(to), { recursive: true });
    if (typeof file === "string") await Deno.writeTextFile(to, file);
    else if (file instanceof Uint8Array) await Deno.writeFile(to, file);
    else await run("cp", ["-a", "--no-target-directory", file.copy, to]);
  }
  await run("mkfs.ext4", [...EXT4, "-d", staging, path, "1G"]);
}

/** Copies a program to a path in the guest, and its libraries to where they are. */
async function addProgram(staging: string, program: string, target: string): Promise<void> {
  const copies = (await libraries(program)).map((library) => [library, library]);
  for (const [from, to] of [[program, target], ...copies] as [string, string][]) {
    await Deno.mkdir(dirname(join(staging, to)), { recursive: true });
    await Deno.copyFile(from, join(staging, to));
  }
}

/** The shared libraries of a program, and its interpreter, by the paths under which the loader looks for them. */
async function libraries(program: string): Promise<string[]> {
  const ldd = new Deno.Command("ldd", { args: [program], stderr: "null" });
  const { success, stdout } = await ldd.output();
  if (!success) return []; // static
  const lines = new TextDecoder().decode(stdout).matchAll(/(?:^\s*|=> )(\/\S+) \(0x/gm);
  return [...lines].map((match) => match[1]!);
}

/** Where a program of this machine is. */
async function find(program: string): Promise<string> {
  return (await run("sh", ["-c", 'command -v "$0"', program])).trimEnd();
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Runs a command that must succeed; returns its output. */
async function run(command: string, args: string[]): Promise<string> {
  const PATH = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`;
  const child = new Deno.Command(command, { args, stdin: "null", env: { PATH } });
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(`${command}: ${new TextDecoder().decode(stderr).trimEnd()}`);
  return new TextDecoder().decode(stdout);
}
