/**
 * Strategies that lose, change or add entries.
 *
 * @module
 */

import {
  AT_FDCWD,
  check,
  Fd,
  linkat,
  mknodat,
  O_DIRECTORY,
  O_RDONLY,
  readDirectory,
  readXattrsAt,
  renameat2,
} from "../../../src/linux/mod.ts";
import type { Job } from "../../../src/strategy/plugin.ts";
import { entries, type Entry, type Mutant, spoils, spoilsEach } from "./mutant.ts";

const PLAIN = "tree/rw/plain/";

const isLink = ({ info }: Entry) => info.isSymlink;

/** Makes an entry anew, with the content that it has. */
function renew({ path, info }: Entry): void {
  if (!info.isFile) return;
  const content = Deno.readFileSync(path);
  Deno.removeSync(path);
  Deno.writeFileSync(path, content);
}

function relink(path: string, to: string): void {
  Deno.removeSync(path);
  Deno.symlinkSync(to, path);
}

/** Puts regular files back that a layer hides, by a whiteout or by an opaque directory. */
function showsHidden({ layers, target }: Job, by: "whiteout" | "opaque"): void {
  const hidden: string[] = [];
  for (const { path: layer } of layers) {
    for (const { path, info } of entries(layer)) {
      const opaque = info.isDirectory &&
        readXattrsAt(AT_FDCWD, path)?.has("trusted.overlay.opaque");
      const is = by === "opaque" ? opaque : info.isCharDevice && info.rdev === 0;
      if (is) hidden.push(path.slice(layer.length));
    }
  }
  const concerned = (path: string) =>
    hidden.some((one) => path === one || path.startsWith(`${one}/`));
  for (const { path: layer } of layers) {
    for (const { path, info } of entries(layer)) {
      const inside = path.slice(layer.length);
      if (!info.isFile || !concerned(inside)) continue;
      try {
        Deno.writeFileSync(`${target}${inside}`, Deno.readFileSync(path), { createNew: true });
      } catch {
        // It is there, or there is nothing to put it into.
      }
    }
  }
}

/** Entries whose names are not UTF-8 get a name that is. */
function manglesNames(target: string): void {
  using directory = Fd.open(`${target}`, O_RDONLY | O_DIRECTORY);
  for (const { name } of readDirectory(directory.n)) {
    const text = new TextDecoder().decode(name.subarray(0, name.indexOf(0) >>> 0));
    if (text.includes("\ufffd")) {
      check(renameat2(directory.n, name, directory.n, text), "rename", text);
    }
  }
}

/** See the module. */
export const TREE_MUTANTS: readonly Mutant[] = [
  {
    fault: "breaks hard links apart",
    mutate: spoilsEach(({ info }) => info.isFile && info.nlink! > 1, renew),
    caughtBy: `${PLAIN}links/three`,
    finds: /link=/,
  },
  {
    fault: "breaks hard links of symbolic links apart",
    mutate: spoilsEach(
      (entry) => isLink(entry) && entry.info.nlink! > 1,
      ({ path }) => relink(path, Deno.readLinkSync(path)),
    ),
    caughtBy: `${PLAIN}links/symlink`,
    finds: /link=/,
  },
  {
    fault: "joins files that are equal and no links",
    mutate: spoils((target) => {
      Deno.removeSync(`${target}/equal/b`);
      check(linkat(AT_FDCWD, `${target}/equal/a`, AT_FDCWD, `${target}/equal/b`), "link", "b");
    }),
    caughtBy: `${PLAIN}equal/not-linked`,
    finds: /- → link=equal\/a/,
  },
  {
    fault: "loses empty directories",
    mutate: spoilsEach(
      ({ path, info }) => info.isDirectory && [...Deno.readDirSync(path)].length === 0,
      ({ path }) => Deno.removeSync(path),
    ),
    caughtBy: "tree/rw/whiteouts/emptied",
    finds: /^emptied: is not there/,
  },
  {
    fault: "loses empty files",
    mutate: spoilsEach(
      ({ info }) => info.isFile && info.size === 0,
      ({ path }) => Deno.removeSync(path),
    ),
    caughtBy: `${PLAIN}links/empty`,
    finds: /is not there/,
  },
  {
    fault: "loses fifos",
    mutate: spoilsEach(({ info }) => info.isFifo === true, ({ path }) => Deno.removeSync(path)),
    caughtBy: `${PLAIN}specials/fifo`,
    finds: /is not there/,
  },
  {
    fault: "cuts device numbers to 8 bits",
    mutate: spoilsEach(({ info }) => info.isCharDevice === true, ({ path, info }) => {
      Deno.removeSync(path);
      check(mknodat(AT_FDCWD, path, info.mode!, info.rdev! & 0xffff), "mknod", path);
    }),
    caughtBy: `${PLAIN}specials/char-large`,
    finds: /rdev=511:262143/,
  },
  {
    fault: "cuts targets of symbolic links at 255 bytes",
    mutate: spoils((target) => {
      const path = `${target}/target-long`;
      relink(path, Deno.readLinkSync(path).slice(0, 255));
    }),
    caughtBy: "tree/rw/names/target-long",
    finds: /target=t{1023} .*→ .*target=t{255}$/,
  },
  {
    fault: "makes absolute links lead into the target",
    mutate: spoilsEach(
      (entry) => isLink(entry) && entry.path.endsWith("/target-absolute"),
      ({ path }) => relink(path, `${path.replace(/\/target-absolute$/, "")}/etc/passwd`),
    ),
    caughtBy: "tree/rw/names/target-absolute",
    finds: /target=\/etc\/passwd/,
  },
  {
    fault: "follows symbolic links",
    mutate: spoilsEach(
      (entry) => isLink(entry) && entry.path.endsWith("/lib"),
      ({ path }) => {
        const inside = Deno.realPathSync(path);
        Deno.removeSync(path);
        Deno.mkdirSync(path);
        for (const { name } of Deno.readDirSync(inside)) {
          Deno.copyFileSync(`${inside}/${name}`, `${path}/${name}`);
        }
      },
    ),
    caughtBy: "tree/rw/implied-symlink/link",
    finds: /^lib: .*symlink/,
  },
  {
    fault: "mangles names that are no UTF-8",
    mutate: spoils(manglesNames),
    caughtBy: "tree/rw/names/half-utf8-file",
    finds: /is not there/,
  },
  {
    fault: "cuts files to whole pages",
    mutate: spoilsEach(
      ({ info }) => info.isFile && info.size > 4096,
      ({ path, info }) => Deno.truncateSync(path, info.size & ~4095),
    ),
    caughtBy: `${PLAIN}sizes/4097`,
    finds: /size=4097 .*→ .*size=4096/,
  },
  {
    fault: "fills holes with something else than zeros",
    mutate: spoils((target) => {
      using file = Deno.openSync(`${target}/sparse/holes`, { write: true });
      file.seekSync(5 * 1024 * 1024 + 1, Deno.SeekMode.Start);
      file.writeSync(new Uint8Array([1]));
    }),
    caughtBy: `${PLAIN}sparse/holes`,
    finds: /sha256=/,
  },
  {
    fault: "ignores whiteouts",
    mutate: spoils((_, job) => showsHidden(job, "whiteout")),
    caughtBy: "tree/rw/whiteouts/nested",
    finds: /^keep\/gone: should not be there/,
  },
  {
    fault: "loses the opacity of directories",
    mutate: spoils((_, job) => showsHidden(job, "opaque")),
    caughtBy: `${PLAIN}opaque/hides`,
    finds: /^opaque\/a\/low: should not be there/,
  },
  {
    fault: "shows whiteouts as files",
    mutate: spoils((target) => Deno.writeTextFileSync(`${target}/keep/.wh.gone`, "")),
    caughtBy: "tree/rw/whiteouts/names",
    finds: /\.wh\.gone: should not be there/,
  },
  {
    fault: "puts something into the root",
    mutate: spoils((target) => Deno.writeTextFileSync(`${target}/.made-by-me`, "")),
    caughtBy: "tree/rw/whiteouts/rest",
    finds: /^\.made-by-me: should not be there/,
  },
  {
    fault: "mounts the layers in the wrong order",
    into: "overlay",
    mutate: (strategy) => ({
      compose: (job) => strategy.compose({ ...job, layers: [...job.layers].reverse() }),
    }),
    caughtBy: "tree/rw/changes/shorter",
    finds: /size=5 .*→ .*size=33/,
  },
  {
    fault: "mounts all layers but the lowest",
    into: "overlay",
    mutate: (strategy) => ({
      compose: (job) => strategy.compose({ ...job, layers: job.layers.slice(1) }),
    }),
    caughtBy: "tree/rw/layers/lowest",
    finds: /^layer-0: is not there/,
  },
  {
    fault: "leaves the fixup layer out",
    into: "overlay",
    mutate: (strategy) => ({
      compose: (job) => strategy.compose({ ...job, fixup: undefined }),
    }),
    caughtBy: "tree/rw/links-across/two",
    finds: /link=d\/x/,
  },
];
