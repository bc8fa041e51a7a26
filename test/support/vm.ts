/**
 * Virtual machines for tests that need another kernel than this machine's, or may break it.
 *
 * A machine is a Debian cloud kernel under qemu's own translator, so it needs neither root's rights nor /dev/kvm. It has a root disk
 * (busybox, the programs and files that a test names) and an empty ext4 with fs-verity, /dev/vdb, mounted on /data. Each run boots
 * afresh from the same disks, and what it writes is forgotten.
 *
 * @module
 */

import { join } from "@std/path";
import { BUSYBOX, type GuestFile, makeDataDisk, makeRootDisk } from "./vm_disk.ts";
import { initrd } from "./vm_initrd.ts";
import type { Kernel } from "./vm_kernel.ts";

export { debianKernel, type Kernel } from "./vm_kernel.ts";
export type { GuestFile } from "./vm_disk.ts";

/** What a machine is made of. */
export interface MachineOptions {
  /** Programs of this machine, with their shared libraries; one that is given by its path comes into /usr/bin. */
  readonly programs?: readonly string[];
  /** More files, by path in the guest. */
  readonly files?: Readonly<Record<string, GuestFile>>;
  /** Size of the data disk; default 512. */
  readonly dataMiB?: number;
}

/** How a machine runs. */
export interface RunOptions {
  /** Milliseconds until the run is given up; default 120,000. */
  readonly limit?: number;
  /** Memory; default 1024. */
  readonly memoryMiB?: number;
}

/** What one {@link check} of a guest's script came to. */
export interface Check {
  /** Exit status. */
  readonly status: number;
  /** Standard output and standard error. */
  readonly output: string;
  /** How long it took in the guest, to 10 ms. */
  readonly milliseconds: number;
}

/** What a guest's script came to. */
export interface GuestRun {
  /** Exit status of the script. */
  readonly status: number;
  /** What the script wrote, without the lines of its checks. */
  readonly stdout: string;
  /** By name. */
  readonly checks: ReadonlyMap<string, Check>;
  /** The kernel's messages, and what the script wrote to standard error. */
  readonly console: string;
  /** From qemu's start to its end. */
  readonly milliseconds: number;
}

/**
 * In front of every script. `check NAME COMMAND…` runs a command and reports it, whatever its status: it is the test that judges.
 */
const PRELUDE = `
check() {
  check_name=$1; shift
  read -r check_start _ </proc/uptime
  check_output=$("$@" 2>&1 </dev/null; printf '\\n%s' $?)
  read -r check_end _ </proc/uptime
  printf '\\n@check %s %s %s ' "$check_name" "$check_start" "$check_end"
  printf %s "$check_output" | base64 -w 0
  echo
}
`;

/**
 * Why no virtual machine can run here, if so.
 *
 * @param programs Programs that the test needs beside those of the machine itself, with the Debian package that each is in.
 */
export function missingForMachine(
  programs: Readonly<Record<string, string>> = {},
): string | undefined {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") return "not Linux on x86_64";
  const needed = {
    "qemu-system-x86_64": "qemu-system-x86",
    [BUSYBOX]: "busybox-static",
    "mkfs.ext4": "e2fsprogs",
    ldd: "libc-bin",
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    ...programs,
  };
  const path = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`.split(":");
  for (const [program, debian] of Object.entries(needed)) {
    const places = program.startsWith("/") ? [program] : path.map((place) => join(place, program));
    if (!places.some(isFile)) {
      return `no ${program} (Debian package ${debian})`;
    }
  }
  const start = new TextDecoder("latin1").decode(Deno.readFileSync(BUSYBOX).subarray(0, 4096));
  return start.includes("/ld-linux")
    ? "busybox is not static (Debian package busybox-static)"
    : undefined;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** A virtual machine's disks, to be booted as often as wanted. */
export class Machine implements AsyncDisposable {
  readonly #home: string;

  private constructor(home: string) {
    this.#home = home;
  }

  /** Makes the disks. */
  static async make(options: MachineOptions): Promise<Machine> {
    const home = await Deno.makeTempDir({ prefix: "lamina-vm-" });
    const machine = new Machine(home);
    try {
      const staging = join(home, "staging");
      await Deno.mkdir(staging);
      const { programs = [], files = {} } = options;
      await makeRootDisk(join(home, "root.img"), staging, programs, files);
      await Deno.remove(staging, { recursive: true });
      await makeDataDisk(join(home, "data.img"), options.dataMiB ?? 512);
      return machine;
    } catch (error) {
      await machine[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Boots a kernel, runs a shell script as root and ends.
   *
   * @param script For busybox's sh; {@link PRELUDE} is in front of it.
   * @throws Error with the end of the console, if the guest does not come to the end of the script.
   */
  async run(kernel: Kernel, script: string, options: RunOptions = {}): Promise<GuestRun> {
    const home = await Deno.makeTempDir({ dir: this.#home });
    const limit = options.limit ?? 120_000;
    const token = crypto.randomUUID();
    const modules = kernel.modules.map((path): [string, Uint8Array] => [
      path.slice(path.lastIndexOf("/") + 1),
      Deno.readFileSync(path),
    ]);
    const archive = initrd(await Deno.readFile(BUSYBOX), modules, PRELUDE + script);
    await Deno.writeFile(join(home, "initrd"), archive);
    const seconds = Math.ceil(limit / 1000) + 10;
    const start = performance.now();
    const child = new Deno.Command("qemu-system-x86_64", {
      args: qemuArguments(this.#home, home, kernel, options.memoryMiB ?? 1024, [
        `vm.token=${token}`,
        `vm.limit=${seconds}`,
      ]),
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const timer = setTimeout(() => child.kill("SIGKILL"), limit);
    const { stderr } = await child.output();
    clearTimeout(timer);
    const milliseconds = performance.now() - start;
    const messages = await text(join(home, "console"));
    const output = await text(join(home, "output"));
    await Deno.remove(home, { recursive: true });
    const end = output.lastIndexOf(`\n${token} `);
    if (end < 0) {
      const why = milliseconds >= limit ? `was not done after ${limit} ms` : "ended early";
      throw new Error(
        `the guest (Linux ${kernel.release}) ${why}\n${new TextDecoder().decode(stderr)}` +
          `--- output\n${output.slice(-4000)}\n--- console\n${messages.slice(-8000)}`,
      );
    }
    const status = Number(output.slice(end + token.length + 2));
    return { status, ...parseOutput(output.slice(0, end)), console: messages, milliseconds };
  }

  /** Deletes the disks. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#home, { recursive: true });
  }
}

/**
 * A processor without AVX, which costs more to translate than it saves, and without CX16: qemu 7.2 leaves garbage in the flags after a
 * CMPXCHG16B without lock prefix, which the kernel's allocator uses, so that some boots of Linux 6.12 die.
 */
const PROCESSOR = "Nehalem,-cx16,+rdrand";

function qemuArguments(
  disks: string,
  home: string,
  kernel: Kernel,
  memoryMiB: number,
  words: string[],
): string[] {
  const disk = (name: string) =>
    `file=${join(disks, name)},format=raw,if=virtio,snapshot=on,cache=unsafe`;
  return [
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"],
    ...["-accel", "tcg,thread=multi", "-cpu", PROCESSOR, "-smp", "2", "-m", `${memoryMiB}`],
    ...["-kernel", kernel.image, "-initrd", join(home, "initrd")],
    ...["-append", `console=ttyS0 panic=-1 quiet mitigations=off nokaslr ${words.join(" ")}`],
    ...["-serial", `file:${join(home, "console")}`, "-serial", `file:${join(home, "output")}`],
    ...["-drive", disk("root.img"), "-drive", disk("data.img")],
  ];
}

/** Takes the lines of checks out of a script's output. */
function parseOutput(output: string): { stdout: string; checks: Map<string, Check> } {
  const checks = new Map<string, Check>();
  const stdout = output.replace(
    /\n@check (\S+) (\S+) (\S+) (\S+)\n/g,
    (_, name: string, start: string, end: string, base64: string) => {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      const whole = new TextDecoder().decode(bytes);
      const last = whole.lastIndexOf("\n");
      checks.set(name, {
        status: Number(whole.slice(last + 1)),
        output: whole.slice(0, last),
        milliseconds: Math.round((Number(end) - Number(start)) * 1000),
      });
      return "";
    },
  );
  return { stdout, checks };
}

async function text(path: string): Promise<string> {
  const bytes = await Deno.readFile(path).catch(() => new Uint8Array(0));
  return new TextDecoder().decode(bytes);
}
