/**
 * `lamina serve`, warm, beside the command and its peers: what a caller waits for who composes often.
 *
 * @module
 */

import { DIRECTORIES, type Directory, directoryByCommand, directoryFloors } from "./directories.ts";
import type { Ground } from "./ground.ts";
import { type Case, interleave } from "./interleave.ts";
import { mountByCommand, mountFloors } from "./mounts.ts";
import { ctrMounts } from "./peers/containerd.ts";
import { overlayBy, podmanMount } from "./peers/containers.ts";
import { Store } from "../src/store/mod.ts";
import type { Section } from "./section.ts";
import { run } from "./tool.ts";

/** A mount or a directory that is asked for. */
type Order = Readonly<Record<string, string>>;

/** The mounts that are measured. */
const MOUNTS = [["overlay", "rw"], ["composefs", "rw"], ["composefs", "ro"]] as const;

/** So many compositions make it warm: V8 compiles what is used often. Those that walk use each line a thousand times. */
const WARM = { mounts: 100, directories: 3 } as const;

/** A server of the ground's store, and its client. */
class Resident implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  /** Short: paths of sockets are limited. */
  readonly #directory: string;
  readonly #client: Deno.HttpClient;

  private constructor(process: Deno.ChildProcess, directory: string) {
    this.#process = process;
    this.#directory = directory;
    const path = `${directory}/socket`;
    this.#client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  }

  static async start({ subject: { lamina }, store }: Ground): Promise<Resident> {
    const directory = Deno.makeTempDirSync({ dir: "/tmp", prefix: "lamina-serve-" });
    const process = new Deno.Command(lamina, {
      args: ["--root", store, "serve", "--socket", `${directory}/socket`],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    // The first that it says is that it listens.
    const reader = process.stderr.getReader();
    const { value } = await reader.read();
    reader.releaseLock();
    const resident = new Resident(process, directory);
    const text = new TextDecoder().decode(value);
    if (text.includes("listening")) return resident;
    await resident[Symbol.asyncDispose]();
    throw new Error(text);
  }

  async compose(order: Order): Promise<{ readonly id: string; readonly milliseconds: number }> {
    return await this.ask("POST", "/v1/compositions", JSON.stringify(order));
  }

  async release(target: string): Promise<void> {
    await this.ask("DELETE", `/v1/compositions/${encodeURIComponent(target)}`);
  }

  // deno-lint-ignore no-explicit-any
  async ask(method: string, path: string, body?: string): Promise<any> {
    const how = { method, body, client: this.#client };
    const response = await fetch(`http://lamina${path}`, how);
    if (!response.ok) throw new Error(await response.text());
    return await response.json();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    this.#process.kill("SIGTERM");
    await Promise.all([this.#process.status, this.#process.stderr.cancel()]);
    Deno.removeSync(this.#directory, { recursive: true });
  }
}

/**
 * Measures mounts, then each kind of directory.
 *
 * @param strategies Of these alone; none: of all.
 */
export async function* benchResident(
  ground: Ground,
  filesystem: string,
  strategies: readonly string[],
  rounds: number,
): AsyncGenerator<Section> {
  const wanted = (strategy: string) => strategies.length === 0 || strategies.includes(strategy);
  const { image } = ground.subject;
  const section = async (topic: string, base: string, cases: readonly Case[]) => {
    const timings = await interleave(cases, rounds);
    return { topic: `resident ${topic}`, filesystem, image, base, timings, notes: [] };
  };
  const resident = ground.cleanup.use(await Resident.start(ground));
  if (MOUNTS.some(([strategy]) => wanted(strategy))) {
    yield await section("mounts", "lamina serve, overlay (rw)", await mounts(ground, resident));
  }
  for (const strategy of DIRECTORIES.filter(wanted)) {
    if (strategy === "reflink" && !ground.clones) continue;
    const cases = await directories(strategy, ground, resident);
    yield await section(strategy, cases[0].name, cases);
  }
}

async function mounts(ground: Ground, resident: Resident): Promise<Case[]> {
  const store = Store.open(ground.store);
  const record = store.images.find(ground.subject.image);
  const layers = record.layers.map(({ diffId }) => store.layers.directory(diffId));
  const served: Case[] = [];
  for (const [strategy, access] of MOUNTS) {
    const order = { strategy, access };
    await warm(ground, resident, order, WARM.mounts);
    served.push({
      ...serving(ground, resident, `${strategy} (${access})`, order),
      settle: (target) => resident.release(`${target}`),
    });
  }
  return [
    ...served,
    {
      name: "lamina serve, GET /v1/version",
      run: async () => void await resident.ask("GET", "/v1/version"),
    },
    ...MOUNTS.map(([strategy, access]) => mountByCommand(ground, strategy, access)),
    ...mountFloors(ground),
    overlayBy("mount", ground, layers),
    podmanMount(ground),
    ...ctrMounts(ground),
  ];
}

async function directories(
  strategy: Directory,
  ground: Ground,
  resident: Resident,
): Promise<Case[]> {
  const order = { strategy, isolation: "shared" };
  await warm(ground, resident, order, WARM.directories);
  const released = (target: unknown) => resident.release(`${target}`);
  return [
    { ...serving(ground, resident, strategy, order), settle: released },
    { ...directoryByCommand(strategy, ground), settle: released },
    ...directoryFloors(strategy, ground).map((floor) => ({
      ...floor,
      settle: (target: unknown) => void run("rm", ["-rf", `${target}`]),
    })),
  ];
}

function serving(ground: Ground, resident: Resident, what: string, order: Order): Case {
  return {
    name: `lamina serve, ${what}`,
    prepare: () => ground.target(),
    run: async (target) => {
      const { image } = ground.subject;
      const { milliseconds } = await resident.compose({ image, target: `${target}`, ...order });
      return { inside: milliseconds };
    },
  };
}

async function warm(ground: Ground, resident: Resident, order: Order, times: number) {
  for (let i = 0; i < times; i++) {
    const target = ground.target();
    await resident.compose({ image: ground.subject.image, target, ...order });
    await resident.release(target);
  }
}
