/**
 * A new plugin to begin with: `plugins/template/` under another name, with the contract beside it.
 *
 * @module
 */

/** A file of a new plugin. */
export interface TemplateFile {
  /** Its name in the plugin's folder. */
  readonly name: string;
  /** What it holds. */
  readonly text: string;
  /** Its permissions. */
  readonly mode: number;
}

/** The files of a new plugin. */
export function pluginTemplate(name: string): TemplateFile[] {
  const main = read(new URL("../../plugins/template/main.ts", import.meta.url))
    .replace("../../src/strategy/plugin.ts", "./contract.ts");
  const readme = read(new URL("../../plugins/template/README.md", import.meta.url));
  const test = read(new URL("../../plugins/template/test.sh", import.meta.url));
  const compiler = read(new URL("../../plugins/template/tsconfig.json", import.meta.url));
  const contract = read(new URL("./plugin.ts", import.meta.url));
  return [
    { name: "main.ts", text: main.replace('"template"', `"${name}"`), mode: 0o644 },
    { name: "contract.ts", text: contract, mode: 0o644 },
    { name: "README.md", text: readme.replaceAll("template", name), mode: 0o644 },
    { name: "test.sh", text: test, mode: 0o755 },
    { name: "tsconfig.json", text: compiler, mode: 0o644 },
  ];
}

function read(url: URL): string {
  return Deno.readTextFileSync(url);
}
