/**
 * Images of many forms, for the question which strategy is the fastest for which.
 *
 * @module
 */

import { writeLayout } from "../../src/strategy/bench/generated.ts";
import type { Entry } from "../../src/strategy/bench/recipe.ts";

/** How the entries of an image lie, and how large its files are. */
interface Form {
  /** The directory of the n-th file. */
  readonly directory: (n: number) => string;
  /** Sizes of files in bytes, in turn. */
  readonly sizes: readonly number[];
}

const grouped = (n: number) => `group-${Math.floor(n / 300)}/package-${Math.floor(n / 10)}`;

/** A hundred directories below each other, two files in each. */
function nested(n: number): string {
  const depth = Math.floor(n / 2) % 100;
  return [`chain-${Math.floor(n / 200)}`, ...Array(depth).fill("d")].join("/");
}

const KIB = 1024;

const FORMS = {
  /** Ten files of a block or less in a directory. */
  small: { directory: grouped, sizes: [700, 1_500, 2_500, 4_000, 400] },
  /** As root filesystems are: most files are small, most bytes are in large ones. */
  mixed: {
    directory: grouped,
    sizes: [700, 1_500, 2_500, 4_000, 400, 9_000, 15_000, 3_000, 40_000, 1_200],
  },
  /** Files of some blocks. */
  medium: { directory: grouped, sizes: [16 * KIB, 24 * KIB, 40 * KIB] },
  large: { directory: grouped, sizes: [128 * KIB, 256 * KIB, 512 * KIB] },
  deep: { directory: nested, sizes: [700, 1_500, 2_500] },
  /** All files in two directories. */
  wide: { directory: (n) => `wide-${n % 2}`, sizes: [700, 1_500, 2_500] },
} satisfies Record<string, Form>;

/** An image to make. */
export interface Workload {
  readonly form: keyof typeof FORMS;
  readonly entries: number;
  readonly layers: number;
}

/** All images; the first of them are enough for a quick look. */
export const WORKLOADS: readonly Workload[] = [
  { form: "small", entries: 1_000, layers: 2 },
  { form: "large", entries: 1_000, layers: 2 },
  { form: "mixed", entries: 20_000, layers: 20 },
  { form: "deep", entries: 20_000, layers: 20 },
  { form: "small", entries: 20_000, layers: 200 },
  { form: "small", entries: 1_000, layers: 200 },
  { form: "deep", entries: 1_000, layers: 2 },
  { form: "medium", entries: 20_000, layers: 2 },
  { form: "wide", entries: 20_000, layers: 2 },
  { form: "small", entries: 20_000, layers: 2 },
  { form: "small", entries: 100_000, layers: 20 },
];

/** How many of {@link WORKLOADS} `--quick` takes. */
export const QUICK = 5;

/** The agent images that take part. */
export const AGENTS: readonly string[] = ["base", "claude-code", "opencode"];

/** A name that says what an image is like. */
export function nameOf({ form, entries, layers }: Workload): string {
  return `${form}-${entries}-in-${layers}`;
}

/** Writes an image into an OCI layout. One directory of twenty lies below `etc`, for requests that have it writable. */
export async function writeWorkload(layout: string, workload: Workload): Promise<void> {
  const { layers, form } = workload;
  const files = filesOf(workload);
  await writeLayout(
    layout,
    nameOf(workload),
    Array.from({ length: layers }, (_, layer) => () => {
      const [from, to] = [layer, layer + 1].map((n) => Math.floor(files * n / layers));
      return entriesOf(nameOf(workload), FORMS[form], from, to);
    }),
  );
}

/** So many files that they and their directories are as many entries as asked for. */
function filesOf({ form, entries }: Workload): number {
  const of: Form = FORMS[form];
  const paths = new Set<string>();
  let files = 0;
  while (files + paths.size < entries) {
    for (let path = pathOf(of, files); path !== "" && !paths.has(path);) {
      paths.add(path);
      path = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
    }
    files++;
  }
  return files;
}

function pathOf({ directory }: Form, n: number): string {
  return `${n % 200 < 10 ? "etc" : "usr"}/${directory(n)}`;
}

function* entriesOf(image: string, form: Form, from: number, to: number): Generator<Entry> {
  const made = new Set<string>();
  for (let n = from; n < to; n++) {
    const names = pathOf(form, n).split("/");
    for (let depth = 1; depth <= names.length; depth++) {
      const name = names.slice(0, depth).join("/");
      if (!made.has(name)) yield { type: "directory", name };
      made.add(name);
    }
    // Every content is another: nothing is shared that would not be elsewhere.
    const body = new Uint8Array(form.sizes[n % form.sizes.length]).fill(n % 251);
    body.set(new TextEncoder().encode(`${image} ${n}`));
    yield { type: "file", name: `${names.join("/")}/file-${n}`, body };
  }
}
