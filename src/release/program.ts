/**
 * What the compiled program is made of, and nothing else: its entry, the modules that are loaded by a computed name, the libraries it
 * imports.
 *
 * @module
 */

/** The program's main module, from the root of the repository. */
export const ENTRY = "src/cli/main.ts";

/**
 * The modules that no static import leads to: built-in plugins and workers. Paths from the root of the repository.
 */
export function hiddenModules(root: string): string[] {
  return [
    ...files(root, "plugins").filter((file) => file.endsWith(".ts")),
    ...files(root, "src").filter((file) => file.endsWith("worker.ts")),
  ].sort();
}

/** All files that the program is made from. */
export function sources(root: string): string[] {
  return [...files(root, "plugins"), ...files(root, "src"), "deno.json", "deno.lock"];
}

function files(root: string, directory: string): string[] {
  return [...Deno.readDirSync(`${root}${directory}`)].flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    return entry.isDirectory ? files(root, path) : [path];
  });
}

interface ModuleGraph {
  readonly modules: readonly {
    readonly dependencies?: readonly { readonly specifier: string }[];
  }[];
}

/**
 * Writes the configuration that the program is compiled with and returns its path. `deno compile` embeds every package that the
 * configuration names, so this one names only those that the program imports, not those of the tests.
 */
export async function programConfig(root: string): Promise<string> {
  const config = JSON.parse(Deno.readTextFileSync(`${root}deno.json`));
  const used = new Set<string>();
  for (const entry of [ENTRY, ...hiddenModules(root)]) {
    for (const specifier of await specifiersBelow(root, entry)) used.add(specifier);
  }
  const directory = `${root}.cache/compile`;
  Deno.mkdirSync(directory, { recursive: true });
  const imports = Object.fromEntries(
    Object.entries(config.imports).filter(([specifier]) => used.has(specifier)),
  );
  Deno.writeTextFileSync(`${directory}/deno.json`, JSON.stringify({ imports }, null, 2));
  // A copy: Deno would take the unused packages out of it, and what is downloaded is checked against it all the same.
  Deno.copyFileSync(`${root}deno.lock`, `${directory}/deno.lock`);
  return `${directory}/deno.json`;
}

async function specifiersBelow(root: string, entry: string): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", `${root}${entry}`],
    cwd: root,
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const graph: ModuleGraph = JSON.parse(new TextDecoder().decode(stdout));
  return graph.modules.flatMap((module) => (module.dependencies ?? []).map((d) => d.specifier));
}
