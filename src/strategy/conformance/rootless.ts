/**
 * What a tree can look like that was made without root's rights.
 *
 * @module
 */

import type { Traits } from "../plugin.ts";

/** Reduces lines of a snapshot to what can be expected. */
export type Form = (lines: Map<string, string>) => Map<string, string>;

/** What a strategy with these traits can show of a store without root's rights. */
export function shownWithoutRights(traits: Traits): Form {
  return traits.result === "mount" ? asStored : withoutRights;
}

/** A directory that was made: owners, setuid, setgid, devices and all xattrs but `user.` are left out. */
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

/** What overlayfs shows: the files as they are stored. */
function asStored(lines: Map<string, string>): Map<string, string> {
  const plain = [...lines].filter(([, line]) =>
    !/^(char|block|fifo) | sha256=e3b0c44298/.test(line)
  );
  return new Map(plain.map(([path, line]) => [path, line.replace(/ (mode|owner|xattr:)\S+/g, "")]));
}
