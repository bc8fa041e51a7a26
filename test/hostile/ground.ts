/**
 * Where hostile images are let loose: a store on a filesystem of its own, and beside it what they must not reach.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { LayerPipeline } from "../../src/layer/mod.ts";
import { pull } from "../../src/oci/pull.ts";
import { checkStore } from "../../src/store/fsck/check.ts";
import { collect } from "../../src/store/gc/collect.ts";
import type { ImageRecord } from "../../src/store/mod.ts";
import { Subject } from "../../src/strategy/conformance/subject.ts";
import { readErofs } from "../../src/tree/mod.ts";
import { Bed, builtInPlugins } from "../strategy/bed.ts";
import { LayoutBuilder } from "../support/images.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import {
  addLayers,
  addManifest,
  type Aim,
  type HostileCase,
  type RefusedCase,
  type TreeCase,
} from "./case.ts";
import { treeLines } from "./lines.ts";
import { Jail } from "./peers/jail.ts";
import { type Sample, sampleOf } from "./peers/sample.ts";

/** XFS shows ACLs under a second name. */
const XATTRS = (key: string) => !key.startsWith("trusted.SGI_ACL_");

/** What the collector finds. */
const LAYERS = /^only in the second: (layers|objects|tmp)\//;

/** See the module. */
export class Ground implements AsyncDisposable {
  readonly #path: string;
  readonly #aim: Aim;
  /** For images that are stored. */
  readonly #bed: Bed;
  readonly #subjects: readonly Subject[];
  /** For images that are refused: one image is in its store, and stays there. */
  readonly #strict: Bed;
  readonly #before: Map<string, string>;
  readonly #canary: Map<string, string>;
  readonly #pipeline: LayerPipeline;
  #count = 0;
  /** The cases that were run, as other programs are given them. */
  readonly #samples: Sample[] = [];
  /** Compositions that were compared. */
  compositions = 0;

  private constructor(path: string, bed: Bed, strict: Bed, subjects: readonly Subject[]) {
    this.#path = path;
    this.#bed = bed;
    this.#strict = strict;
    this.#subjects = subjects;
    this.#aim = { outside: `${path}/outside` };
    this.#pipeline = new LayerPipeline({ native: bed.store.native, keepThreads: true });
    putCanary(path);
    this.#before = storeOf(strict);
    this.#canary = this.#outside();
  }

  /**
   * Makes one.
   *
   * @param path An empty directory, of root's.
   */
  static async make(path: string): Promise<Ground> {
    const beds = ["stored", "refused"].map((name) => {
      Deno.mkdirSync(`${path}/${name}`);
      return new Bed(`${path}/${name}`);
    });
    const subjects: Subject[] = [];
    for (const plugin of await builtInPlugins()) {
      const subject = await Subject.of(beds[0], plugin);
      if (subject.obstacle(subject.access.at(-1)!) === undefined) subjects.push(subject);
    }
    await beds[1].image("good", [[{ name: "etc/passwd", body: "good ".repeat(100) }]]);
    return new Ground(path, beds[0], beds[1], subjects);
  }

  /** The strategies that work here. */
  get strategies(): readonly string[] {
    return this.#subjects.map(({ plugin }) => plugin.name);
  }

  /** Pulls the image of a case, and compares what comes of it. */
  async run(one: HostileCase): Promise<void> {
    if ("tree" in one) await this.#store(one);
    else await this.#refuse(one);
    assertEquals(diffSnapshots(this.#canary, this.#outside()), [], "something outside was changed");
  }

  /** What must hold when all cases have been run: the stores are whole, and no composition has changed a layer. */
  async finish(): Promise<void> {
    assertEquals(this.#bed.changes(), []);
    for (const { store } of [this.#bed, this.#strict]) {
      const found = await Array.fromAsync(checkStore(store));
      // Lock files of layers that were refused.
      assertEquals(found.filter(({ id }) => !id.startsWith("locks/")), []);
    }
    const { records, directories } = this.#bed.leftovers();
    assertEquals([records, directories], [[], []]);
    assertEquals(this.#bed.mounts(), []);
  }

  /** Where other programs are given the cases that were run. */
  jail(): Promise<Jail> {
    const path = `${this.#path}/peers`;
    Deno.mkdirSync(path);
    return Jail.make(path, this.#aim.outside, this.#samples);
  }

  /** Ends its threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pipeline[Symbol.asyncDispose]();
  }

  async #store(one: TreeCase): Promise<void> {
    const { store } = this.#bed;
    const image = await this.#pull(this.#bed, one);
    const root = readErofs(Deno.readFileSync(store.layout.tree(image.tree.digest)));
    const { tree } = one;
    const expected = typeof tree === "function" ? tree(this.#aim) : tree;
    assertEquals(treeLines(root, store.layout.objects), expected);
    this.#bed.watch(image);
    for (const subject of this.#subjects) {
      await subject.during(image, {}, (target) => {
        const seen = snapshot(target, { xattrs: XATTRS });
        assertEquals(diffSnapshots(this.#bed.expected(image), seen), [], subject.plugin.name);
      });
      this.compositions++;
    }
    this.#sample(one, this.#bed.expected(image));
    // The store is 0700 for nobody else to reach a set-user-id file in it (CVE-2024-25621).
    assertEquals(Deno.statSync(store.root).mode! & 0o777, 0o700);
  }

  async #refuse(one: RefusedCase): Promise<void> {
    const error = await assertRejects(() => this.#pull(this.#strict, one), LaminaError);
    assertEquals(error.kind, one.kind ?? "invalid", error.message);
    for (const piece of one.refused) assertStringIncludes(error.message, piece);
    if (one.layers !== undefined) assertMatch(error.message, /layer/);
    assert(error.message.length < 3000, "a message that nobody can read");
    const changes = () => diffSnapshots(this.#before, storeOf(this.#strict));
    if (one.partlyRight) {
      assertEquals(changes().filter((line) => !LAYERS.test(line)), []);
      await collect(this.#strict.store);
    }
    assertEquals(changes(), [], "the store is not as it was");
    // A limit that is set for the case is nothing to others.
    if (one.limits === undefined) this.#sample(one, error.message);
  }

  #sample(one: HostileCase, ours: Sample["ours"]): void {
    this.#samples.push(sampleOf(one, this.#aim, ours));
  }

  async #pull(bed: Bed, { layers, limits, ...rest }: HostileCase): Promise<ImageRecord> {
    const layout = new LayoutBuilder();
    const path = `${this.#path}/image-${this.#count++}`;
    try {
      if ("image" in rest) layout.top([rest.image!(layout, this.#aim)]);
      else {
        const all = typeof layers === "function" ? layers(this.#aim) : layers!;
        const { descriptors, diffIds } = addLayers(layout, all);
        layout.top([addManifest(layout, descriptors, diffIds)]);
      }
      await layout.writeDirectory(path);
      return (await pull(bed.store, `oci:${path}`, { limits, pipeline: this.#pipeline })).image;
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  }

  /** All but the stores and the targets. */
  #outside(): Map<string, string> {
    const seen = new Map<string, string>();
    const look = (directory: string) => {
      for (const [path, line] of snapshot(directory)) seen.set(`${directory}/${path}`, line);
    };
    look(this.#aim.outside);
    for (const above of abovePlaces(this.#path)) {
      look(`${above}/etc`);
      seen.set(above, [...Deno.readDirSync(above)].map(({ name }) => name).sort().join(" "));
      seen.set(`${above}/escaped`, Deno.readTextFileSync(`${above}/escaped`));
    }
    return seen;
  }
}

/** The directories above the stores. */
function abovePlaces(path: string): string[] {
  return [path, `${path}/stored`, `${path}/refused`];
}

/** What a path that leads out of a layer, of the store, or of the directory above it would find. */
function putCanary(path: string): void {
  const put = (name: string) => {
    Deno.mkdirSync(name.slice(0, name.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(name, `canary ${name}`, { mode: 0o640 });
  };
  put(`${path}/outside/secret`);
  put(`${path}/outside/etc/passwd`);
  for (const above of abovePlaces(path)) {
    put(`${above}/etc/passwd`);
    put(`${above}/escaped`);
  }
  Deno.symlinkSync("secret", `${path}/outside/link`);
}

/** A store as it is on disk, without its lock files, which stay, and what can be made again. */
function storeOf(bed: Bed): Map<string, string> {
  const all = snapshot(bed.store.root, { mtime: false, links: false });
  return new Map([...all].filter(([path]) => !/^(locks|cache)\//.test(path)));
}
