/**
 * The strategy that is tried, on one bed.
 *
 * @module
 */

import type { ImageRecord } from "../../store/mod.ts";
import { compose, type ComposeOptions, type ComposeResult } from "../compose.ts";
import { createHost } from "../host.ts";
import type { LoadedPlugin } from "../loader.ts";
import { makeStrategy } from "../loading/shape.ts";
import type { Access, Composition, Isolation, Strategy, Traits, Verdict } from "../plugin.ts";
import { probe } from "../probe.ts";
import { release } from "../release.ts";
import type { Bed } from "./bed.ts";
import type { TreeImage } from "./images/mod.ts";
import { Impossible } from "./experiment.ts";

/** See the module. */
export class Subject {
  readonly bed: Bed;
  readonly plugin: LoadedPlugin;
  readonly traits: Traits;
  readonly signal: AbortSignal | undefined;
  /** How to run this program in a process of its own: a command and its first arguments. */
  readonly program: readonly string[] | undefined;
  readonly #verdicts: Readonly<Record<Access, Verdict>>;

  private constructor(
    bed: Bed,
    plugin: LoadedPlugin,
    traits: Traits,
    verdicts: Readonly<Record<Access, Verdict>>,
    options: SubjectOptions,
  ) {
    this.bed = bed;
    this.plugin = plugin;
    this.traits = traits;
    this.#verdicts = verdicts;
    this.signal = options.signal;
    this.program = options.program;
  }

  /** Makes the strategy, which fails where its plugin does, and asks it whether it works on the bed. */
  static async of(bed: Bed, plugin: LoadedPlugin, options: SubjectOptions = {}): Promise<Subject> {
    const { traits } = makeStrategy(plugin.plugin, createHost({ plugin: plugin.source }));
    const { patience } = options;
    const ask = async (access: Access) => {
      using _shared = bed.store.shared();
      const place = { target: bed.targets, access, upper: undefined };
      return (await probe(bed.store, place, [plugin], { fresh: true, patience }))[0].verdict;
    };
    const verdicts = { ro: await ask("ro"), rw: await ask("rw") };
    return new Subject(bed, plugin, traits, verdicts, options);
  }

  /** What it can be asked for. */
  get access(): readonly Access[] {
    return (["ro", "rw"] as const).filter((access) => this.traits.access.includes(access));
  }

  /** Why it does not compose here for an access; undefined if it says that it does. */
  obstacle(access: Access): string | undefined {
    if (!this.traits.access.includes(access)) return `its traits do not list ${access}`;
    const verdict = this.#verdicts[access];
    return verdict.works ? undefined : `it says that it does not work here: ${verdict.reason}`;
  }

  /** What its probe said. */
  verdict(access: Access): Verdict {
    return this.#verdicts[access];
  }

  /** The isolation that it can be asked for. */
  isolation(access: Access): Isolation {
    return access === "ro" ? "full" : this.traits.isolation;
  }

  /** A strategy of its own, as another process would have it. */
  create(): Strategy {
    const { name, source } = this.plugin;
    const keeper = { store: this.bed.store, plugin: name };
    const host = createHost({ plugin: source, keeper, signal: this.signal });
    const strategy = makeStrategy(this.plugin.plugin, host);
    host.bind(strategy);
    return strategy;
  }

  /**
   * An image of the suite.
   *
   * @throws {Impossible} Where the bed's filesystem cannot hold it.
   */
  async image(
    { id, layers, large }: Pick<TreeImage, "id" | "layers" | "large">,
  ): Promise<ImageRecord> {
    let image: ImageRecord;
    try {
      image = await this.bed.shared(id, layers);
    } catch (error) {
      const reason = (error as Error).message.split(": ").slice(-2).join(": ");
      throw new Impossible(`the store here cannot hold the image ${id}: ${reason}`);
    }
    if (!large) this.bed.watch(image);
    return image;
  }

  /** Composes by this strategy. */
  async compose(
    image: ImageRecord,
    target: string,
    options: Partial<ComposeOptions> = {},
  ): Promise<ComposeResult> {
    const access = options.access ?? this.access.at(-1)!;
    return await compose(this.bed.store, image, target, {
      plugins: [this.plugin],
      strategy: this.plugin.name,
      access,
      isolation: this.isolation(access),
      signal: this.signal,
      ...options,
    });
  }

  /** Releases a composition by this strategy. */
  async release(idOrTarget: string): Promise<void> {
    await release(this.bed.store, idOrTarget, { plugins: [this.plugin] });
  }

  /** Composes, looks, and releases, whatever is seen. */
  async during(
    image: ImageRecord,
    options: Partial<ComposeOptions>,
    look: (target: string, made: ComposeResult) => void | Promise<void>,
  ): Promise<Composition> {
    const made = await this.compose(image, this.bed.target(), options);
    try {
      await look(made.target, made);
    } finally {
      await this.release(made.id);
    }
    const { id, target, access } = made;
    const workspace = this.bed.store.compositions.workspace(id);
    return { id, target, access, workspace, upper: options.upper };
  }
}

/** What a {@link Subject} may have beside bed and plugin. */
export interface SubjectOptions {
  /** See {@link ProbeOptions.patience}. */
  readonly patience?: number;
  readonly signal?: AbortSignal;
  readonly program?: readonly string[];
}
