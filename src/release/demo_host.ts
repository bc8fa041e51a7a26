/**
 * What the demo asks of the host it runs on.
 *
 * @module
 */

/** `Linux 6.18.44, x86_64, 2 CPUs, ext4, root`. */
export function hostLine(directory: string): string {
  const release = Deno.osRelease().replace(/^(\d+\.\d+\.\d+).*/, "$1");
  const cpus = navigator.hardwareConcurrency;
  const who = Deno.uid() === 0 ? "root" : "not root";
  return `Linux ${release}, ${Deno.build.arch}, ${cpus} CPUs, ${filesystem(directory)}, ${who}`;
}

function filesystem(directory: string): string {
  return output("findmnt", ["-n", "-o", "FSTYPE", "--target", directory]) ?? "unknown filesystem";
}

/** Bytes on disk of all below a directory, every inode once, as du(1) counts them. */
export function diskUsage(directory: string): number {
  return Number((output("du", ["-s", "--block-size=1", directory]) ?? "NaN").split("\t")[0]);
}

/** What came of a command inside a root filesystem. */
export interface Entered {
  /** The command as a person would type it. */
  readonly line: string;
  /** Its output; undefined where this host does not let it run. */
  readonly output: string | undefined;
  readonly error: string;
}

/** Runs a command inside a root filesystem: by chroot(1), without root's rights in a user namespace. */
export function enter(root: string, command: readonly string[]): Entered {
  const words = Deno.uid() === 0
    ? ["chroot", root, ...command]
    : ["unshare", "--user", "--map-root-user", "chroot", root, ...command];
  try {
    const { success, stdout, stderr } = new Deno.Command(words[0], {
      args: words.slice(1),
      env: { PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" },
      stdin: "null",
    }).outputSync();
    return {
      line: words.join(" "),
      output: success ? decode(stdout) : undefined,
      error: decode(stderr),
    };
  } catch (error) {
    return { line: words.join(" "), output: undefined, error: (error as Error).message };
  }
}

function output(command: string, args: readonly string[]): string | undefined {
  try {
    const { stdout } = new Deno.Command(command, { args: [...args], stderr: "null" }).outputSync();
    return decode(stdout) || undefined;
  } catch {
    return undefined;
  }
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).trim();
}
