/**
 * Where peers unpack hostile layers: a root of their own in memory, in mount and process namespaces of their own, in which this host's programs are
 * read-only. What a layer leads them to write outside of their directory is seen there, and goes with it.
 *
 * @module
 */

import type { Outcome, Peer } from "./peer.ts";
import type { Sample } from "./sample.ts";

/** A place with samples. */
export class Jail {
  readonly #path: string;
  readonly #outside: string;
  readonly #samples: readonly Sample[];

  private constructor(path: string, outside: string, samples: readonly Sample[]) {
    this.#path = path;
    this.#outside = outside;
    this.#samples = samples;
  }

  /**
   * Writes the samples.
   *
   * @param path An empty directory, on the filesystem that trees are to be made on.
   * @param outside A directory that samples aim at: peers find another one there.
   */
  static async make(path: string, outside: string, samples: readonly Sample[]): Promise<Jail> {
    for (const name of ["root", "samples", "trees"]) Deno.mkdirSync(`${path}/${name}`);
    for (const [n, { layers, layout }] of samples.entries()) {
      await layout.writeDirectory(`${path}/samples/${n}/layout`);
      layers?.forEach(({ archive }, at) =>
        Deno.writeFileSync(`${path}/samples/${n}/${at + 1}.tar`, archive)
      );
    }
    return new Jail(path, outside, samples);
  }

  /** Lets a peer unpack all samples that it can be given, has each outcome looked at, and removes the trees. */
  async run(peer: Peer, look: (sample: Sample, outcome: Outcome) => void): Promise<void> {
    const given = [...this.#samples.entries()].filter(([, sample]) => !peer.leavesOut(sample));
    const trees = `${this.#path}/trees/${peer.name}`;
    for (const [n] of given) Deno.mkdirSync(`${trees}/${n}`, { recursive: true });
    const { success, stderr } = await new Deno.Command("unshare", {
      args: [
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        "-euc",
        SETUP + `exec chroot "$1" sh -euc "$5" sh "$4"`,
        "sh",
        `${this.#path}/root`,
        `${this.#path}/samples`,
        trees,
        this.#outside,
        WATCH + peer.script(given),
      ],
      env: { LC_ALL: "C.UTF-8", HOME: "/tmp" },
    }).output();
    try {
      if (!success) throw new Error(`${peer.name}: ${new TextDecoder().decode(stderr)}`);
      const read = (n: number, name: string) => {
        try {
          return Deno.readTextFileSync(`${trees}/${n}/${name}`);
        } catch (error) {
          if (error instanceof Deno.errors.NotFound) return undefined;
          throw error;
        }
      };
      for (const [n, sample] of given) {
        const lines = (name: string) =>
          (read(n, name) ?? "").split("\n").filter((line) => line !== "");
        const failed = lines("failed").map(Number);
        const said = read(n, "said") ?? "";
        const crashes = failed.filter((code) => code !== peer.refusal)
          .map((code) => `crashes: exit ${code}: ${said.trim()}`);
        look(sample, {
          tree: failed.length > 0 ? undefined : `${trees}/${n}/root`,
          said,
          notes: [...crashes, ...lines("notes")],
        });
      }
    } finally {
      // Deep ones are beyond what a path can name.
      await new Deno.Command("rm", { args: ["-rf", trees] }).output();
    }
  }
}

/** $1: the root to be; $2: samples; $3: trees; $4: what is aimed at. */
const SETUP = `
mount -t tmpfs -o mode=755 jail "$1"
cd "$1"
mkdir -p usr etc/containers proc sys dev/shm tmp var/tmp run samples trees ".$4/etc"
mount --bind /usr usr
mount -o remount,bind,ro usr
for name in bin lib lib32 lib64 sbin; do [ ! -L /$name ] || cp -P /$name $name; done
for name in null zero urandom; do cp -a /dev/$name dev/$name; done
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount --bind "$2" samples
mount -o remount,bind,ro samples
mount --bind "$3" trees
echo root:x:0:0::/:/bin/sh | tee etc/passwd > ".$4/etc/passwd"
echo root:x:0: > etc/group
echo '{"default": [{"type": "insecureAcceptAnything"}]}' > etc/containers/policy.json
echo canary | tee escaped > ".$4/secret"
ln -s secret ".$4/link"
`;

/** Notes for sample $1 what was changed outside since it was called last. */
const WATCH = `
outside=$1
look() {
  find / "$outside" -maxdepth 2 '(' -path /trees -o -path /samples -o -path /usr -o -path /proc -o -path /sys -o -path /dev \\
    -o -path /tmp -o -path /run -o -path /var ')' -prune -o -printf '%p %y %m %U:%G %s %T@ %C@ %l\\n'
  echo /trees/*[!0-9]*
}
before=$(look)
watch() {
  now=$(look)
  [ "$now" != "$before" ] || return 0
  { echo "$before"; echo "$now"; } | sort | uniq -u | cut -d ' ' -f 1 | sort -u | sed 's/^/outside: /' >> /trees/$1/notes
  before=$now
}
`;
