/**
 * What generated images consist of.
 *
 * @module
 */

/**
 * What an image's files are like: `mixed`: as root filesystems have them, most files small, most bytes in large ones; `small`: under a
 * kilobyte; `large`: a mebibyte each; `deep`: {@link DEPTH} directories below each other, a file in each; `wide`: all in one directory.
 */
export const KINDS = ["mixed", "small", "large", "deep", "wide"] as const;

/** See {@link KINDS}. */
export type Kind = typeof KINDS[number];

/** What a generated image is like. The same recipe gives the same image, digest and all. */
export interface Recipe {
  readonly kind: Kind;
  /** In all layers. */
  readonly files: number;
  /** At most as many as files. */
  readonly layers: number;
}

/** How many layers, where nothing else is said. */
export const LAYERS = 5;

/** What is taken where nothing is asked for: few files and many, so that what grows with entries shows. */
export const USUAL: readonly Recipe[] = [500, 5_000].map((files) => ({
  kind: "mixed",
  files,
  layers: LAYERS,
}));

/** The image's name: `generated-5000`, `generated-5000-deep-400-layers`. */
export function nameOf({ kind, files, layers }: Recipe): string {
  return [
    `generated-${files}`,
    ...kind === "mixed" ? [] : [kind],
    ...layers === LAYERS ? [] : [`${layers}-layers`],
  ].join("-");
}

const PER_DIRECTORY = 10;
const DEPTH = 32;

/** Sizes in bytes, in turn. */
const SIZES: Readonly<Record<Kind, readonly number[]>> = {
  mixed: [700, 1_500, 2_500, 4_000, 400, 9_000, 15_000, 3_000, 40_000, 1_200],
  small: [90, 250, 600, 120, 900, 64, 400, 1_000, 300, 700],
  large: [2 ** 20],
  deep: [700, 1_500, 2_500],
  wide: [700, 1_500, 2_500],
};

/** Bytes of all contents together. */
export function bytesOf({ kind, files }: Recipe): number {
  const sizes = SIZES[kind];
  const sum = (some: readonly number[]) => some.reduce((a, b) => a + b, 0);
  const [turns, rest] = [Math.floor(files / sizes.length), files % sizes.length];
  return turns * sum(sizes) + sum(sizes.slice(0, rest));
}

/** An entry of a layer. */
export type Entry =
  | { readonly type: "directory"; readonly name: string }
  | { readonly type: "symlink"; readonly name: string; readonly target: string }
  | { readonly type: "file"; readonly name: string; readonly body: Uint8Array<ArrayBuffer> };

/** The entries of one layer: its part of the files, with the directories that they are in. The first file in each has a symbolic link beside it. */
export function* entriesOfLayer(recipe: Recipe, layer: number): Generator<Entry> {
  const { kind, layers, files } = recipe;
  const [from, to] = [layer, layer + 1].map((n) => Math.floor(files * n / layers));
  const name = nameOf(recipe);
  const made = new Set<string>();
  for (let n = from; n < to; n++) {
    const path = directoryOf(kind, n);
    for (const directory of [...parents(path), path]) {
      if (made.has(directory)) continue;
      made.add(directory);
      yield { type: "directory", name: directory };
      if (directory === path) {
        yield { type: "symlink", name: `${path}/current`, target: `file-${n}` };
      }
    }
    // Every content is another: nothing is shared that would not be elsewhere.
    const body = new Uint8Array(SIZES[kind][n % SIZES[kind].length]).fill(n % 251);
    body.set(new TextEncoder().encode(`${name} ${n}`));
    yield { type: "file", name: `${path}/file-${n}`, body };
  }
}

function directoryOf(kind: Kind, n: number): string {
  if (kind === "wide") return "usr/share/wide";
  if (kind !== "deep") return `usr/share/package-${Math.floor(n / PER_DIRECTORY)}`;
  const levels = Array.from({ length: n % DEPTH }, (_, level) => `/level-${level + 1}`);
  return `usr/share/tree-${Math.floor(n / DEPTH)}${levels.join("")}`;
}

function parents(path: string): string[] {
  const names = path.split("/").slice(0, -1);
  return names.map((_, n) => names.slice(0, n + 1).join("/"));
}
