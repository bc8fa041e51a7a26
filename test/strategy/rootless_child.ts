/**
 * Composes every case without root's rights and prints the differences, as JSON: run by rootless_test.ts in a user namespace.
 *
 * Arguments: a directory, the strategies.
 *
 * @module
 */

import { compose } from "../../src/strategy/compose.ts";
import { release } from "../../src/strategy/release.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { Bed, builtInPlugins } from "./bed.ts";
import { CASES } from "./cases.ts";

/** What a tree looks like that was made without root's rights: owners, setuid, setgid, devices and all xattrs but `user.` are left out. */
function withoutRights(lines: Map<string, string>): Map<string, string> {
  const result = new Map<string, string>();
  for (const [path, line] of lines) {
    if (/^(char|block) /.test(line)) continue;
    const mode = line.replace(/ mode=[2-7]([0-7]{3}) /, (whole, low) => {
      const high = Number(whole.slice(6, 7)) & 1;
      return ` mode=${high === 1 ? 1 : ""}${high === 1 ? low : Number(low).toString()} `;
    });
    result.set(
      path,
      mode.replace(/ owner=\S+/, "").replace(/ xattr:(?!user\.(?!containers))\S+/g, ""),
    );
  }
  return result;
}

/** What overlayfs shows of a store without root's rights: the files as they are stored. */
function asStored(lines: Map<string, string>): Map<string, string> {
  const plain = [...lines].filter(([, line]) =>
    !/^(char|block|fifo) | sha256=e3b0c44298/.test(line)
  );
  return new Map(plain.map(([path, line]) => [path, line.replace(/ (mode|owner|xattr:)\S+/g, "")]));
}

const [path, ...strategies] = Deno.args;
const bed = new Bed(path);
const plugins = await builtInPlugins();
const differences: string[] = [];
if (bed.store.native) differences.push("the store is one of root");
for (const [index, { name, layers }] of CASES.entries()) {
  const image = await bed.image(`case-${index}`, layers());
  const expected = bed.expected(image);
  for (const strategy of strategies) {
    const form = strategy === "overlay" ? asStored : withoutRights;
    const options = { plugins, strategy, isolation: "shared" } as const;
    try {
      const { id, target } = await compose(bed.store, image, bed.target(), options);
      for (const line of diffSnapshots(form(expected), form(snapshot(target)))) {
        differences.push(`${name}: ${strategy}: ${line}`);
      }
      await release(bed.store, id, { plugins });
    } catch (error) {
      differences.push(`${name}: ${strategy}: ${(error as Error).message}`);
    }
  }
}
const { records, directories } = bed.leftovers();
differences.push(...directories, ...records.map(({ id }) => `record ${id} is left`));
console.log(JSON.stringify(differences));
