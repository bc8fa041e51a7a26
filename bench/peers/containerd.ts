/**
 * containerd with its overlayfs snapshotter, by ctr(1): a daemon of the benchmark's own, which it ends again.
 *
 * @module
 */

import type { Ground, Subject } from "../ground.ts";
import type { Case } from "../interleave.ts";
import { needing, run } from "../tool.ts";
import type { Unpacker } from "../unpacker.ts";

const NEEDS = ["containerd", "ctr", "skopeo"];

/** A daemon with a root directory and a socket of its own. */
class Containerd implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  /** Short: paths of sockets are limited. */
  readonly #state: string;

  private constructor(process: Deno.ChildProcess, state: string) {
    this.#process = process;
    this.#state = state;
  }

  /** Starts one, and waits until it answers. */
  static async start(root: string): Promise<Containerd> {
    const state = Deno.makeTempDirSync({ dir: "/tmp", prefix: "lamina-ctr-" });
    const config = `${state}/config.toml`;
    Deno.writeTextFileSync(
      config,
      [
        "version = 2",
        `root = "${root}"`,
        `state = "${state}/run"`,
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
        "[grpc]",
        `address = "${state}/socket"`,
        '[plugins."io.containerd.internal.v1.opt"]',
        `path = "${root}/opt"`,
        "",
      ].join("\n"),
    );
    const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
    const process = new Deno.Command("containerd", { args: ["--config", config], ...quiet })
      .spawn();
    const daemon = new Containerd(process, state);
    for (let tries = 200;; tries--) {
      try {
        daemon.ctr("version");
        return daemon;
      } catch (error) {
        if (tries === 0) {
          await daemon[Symbol.asyncDispose]();
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  /** Asks it for something. */
  ctr(...args: string[]): void {
    run("ctr", ["--address", `${this.#state}/socket`, "--namespace", "bench", ...args]);
  }

  /** Imports an archive, and unpacks it into snapshots. */
  import(archive: string): void {
    this.ctr("images", "import", "--base-name", "localhost/bench", archive);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    await this.#process.status;
    Deno.removeSync(this.#state, { recursive: true });
  }
}

/** Writes the image as an archive, which is what ctr imports. */
function writeArchive({ layout, image }: Subject, file: string): void {
  run("skopeo", [
    "--insecure-policy",
    "copy",
    `oci:${layout}:${image}`,
    `oci-archive:${file}:${image}`,
  ]);
}

/**
 * Imports into a new root directory. The daemon is started before.
 *
 * @param scratch A directory for the archive.
 */
export function ctrImport(subject: Subject, scratch: string): Unpacker {
  const needs = needing(...NEEDS);
  const archive = `${scratch}/image.tar`;
  if (needs.skip === undefined) writeArchive(subject, archive);
  let daemon: Containerd | undefined;
  return {
    name: "ctr images import (containerd)",
    ...needs,
    start: async (on) => daemon = await Containerd.start(`${on}/containerd`),
    run: () => daemon!.import(archive),
  };
}

/** Mounts the image out of snapshots, read-only and writable. */
export function ctrMounts(ground: Ground): Case[] {
  const { subject, path, cleanup } = ground;
  let daemon: Containerd | undefined;
  const ready = async () => {
    if (daemon !== undefined) return;
    const archive = ground.made("image.tar", (file) => writeArchive(subject, file));
    daemon = cleanup.use(await Containerd.start(`${path}/containerd`));
    daemon.import(archive);
  };
  return (["ro", "rw"] as const).map((access) => ({
    name: `ctr images mount (${access}, containerd)`,
    ...needing(...NEEDS),
    prepare: async () => {
      await ready();
      return ground.mountpoint();
    },
    run: (target) => {
      const how = access === "rw" ? ["--rw"] : [];
      daemon!.ctr("images", "mount", ...how, `localhost/bench:${subject.image}`, `${target}`);
    },
    settle: (target) => daemon!.ctr("images", "unmount", "--rm", `${target}`),
  }));
}
