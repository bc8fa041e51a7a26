/**
 * Strategies that lose or change what entries have: xattrs, owners, modes, times.
 *
 * @module
 */

import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  check,
  fchownat,
  readXattrsAt,
  removexattrat,
  setxattrat,
  utimensat,
} from "../../../src/linux/mod.ts";
import { type Entry, type Fault, type Mutant, spoils, spoilsEach } from "./mutant.ts";

const PLAIN = "tree/rw/plain/";

const any = () => true;
const isFile = ({ info }: Entry) => info.isFile;
const isLink = ({ info }: Entry) => info.isSymlink;
const isDirectory = ({ info }: Entry) => info.isDirectory;

function forgetsXattrs(which: RegExp): Fault {
  return spoilsEach(any, ({ path }) => {
    for (const key of readXattrsAt(AT_FDCWD, path)?.keys() ?? []) {
      if (which.test(key)) check(removexattrat(AT_FDCWD, path, key), "removexattr", path);
    }
  });
}

function chmod(change: (mode: number) => number, of = (entry: Entry) => !isLink(entry)): Fault {
  return spoilsEach(of, ({ path, info }) => Deno.chmodSync(path, change(info.mode! & 0o7777)));
}

function chown(path: string, uid: number, gid: number): void {
  check(fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW), "chown", path);
}

function touch(path: string, seconds: number, nanoseconds = 0): void {
  const result = utimensat(AT_FDCWD, path, seconds, nanoseconds, AT_SYMLINK_NOFOLLOW);
  check(result, "utimensat", path);
}

/** See the module. */
export const METADATA_MUTANTS: readonly Mutant[] = [
  {
    fault: "forgets xattrs",
    mutate: forgetsXattrs(/^user\./),
    caughtBy: `${PLAIN}xattrs/many`,
    finds: /xattr:user\.key-7/,
  },
  {
    fault: "forgets xattrs of directories",
    mutate: spoilsEach(
      isDirectory,
      ({ path }) => void removexattrat(AT_FDCWD, path, "user.d"),
    ),
    caughtBy: `${PLAIN}xattrs/directory`,
    finds: /xattr:user\.d=d/,
  },
  {
    fault: "forgets trusted xattrs",
    mutate: forgetsXattrs(/^trusted\./),
    caughtBy: `${PLAIN}xattrs/symlink`,
    finds: /xattr:trusted\.link/,
  },
  {
    fault: "cuts xattrs at a zero byte",
    mutate: spoilsEach(isFile, ({ path }) => {
      for (const [key, value] of readXattrsAt(AT_FDCWD, path) ?? []) {
        const end = value.indexOf(0);
        if (!key.startsWith("user.") || end < 0) continue;
        check(setxattrat(AT_FDCWD, path, key, value.subarray(0, end)), "setxattr", path);
      }
    }),
    caughtBy: `${PLAIN}xattrs/binary`,
    finds: /xattr:user\./,
  },
  {
    fault: "drops security.capability",
    mutate: forgetsXattrs(/^security\.capability$/),
    caughtBy: `${PLAIN}xattrs/capabilities-setuid`,
    finds: /xattr:security\.capability/,
  },
  {
    fault: "drops ACLs",
    mutate: forgetsXattrs(/^system\.posix_acl/),
    caughtBy: `${PLAIN}xattrs/acl-default`,
    finds: /posix_acl_default/,
  },
  {
    fault: "makes all files root's",
    mutate: spoilsEach(any, ({ path }) => chown(path, 0, 0)),
    caughtBy: `${PLAIN}metadata/owners/file-1000`,
    finds: /owner=1000:999 .*→ .*owner=0:0/,
  },
  {
    fault: "forgets the owner of symbolic links",
    mutate: spoilsEach(isLink, ({ path }) => chown(path, 0, 0)),
    caughtBy: `${PLAIN}metadata/owners/symlink-70000`,
    finds: /owner=70000:69999 → owner=0:0/,
  },
  {
    fault: "cuts owners to 16 bits",
    mutate: spoilsEach(
      (entry) => isDirectory(entry),
      ({ path, info }) => chown(path, info.uid! & 0xffff, info.gid! & 0xffff),
    ),
    caughtBy: `${PLAIN}metadata/owners/directory-70000`,
    finds: /owner=70000:69999 → owner=4464:4463/,
  },
  {
    fault: "loses setuid",
    mutate: chmod((mode) => mode & 0o3777, isFile),
    caughtBy: `${PLAIN}metadata/modes/file-4755`,
    finds: /mode=4755 → mode=755/,
  },
  {
    fault: "loses the sticky bit of directories",
    mutate: chmod((mode) => mode & 0o6777, isDirectory),
    caughtBy: `${PLAIN}metadata/modes/directory-1777`,
    finds: /mode=1777 → mode=777/,
  },
  {
    fault: "makes files writable for their owner",
    mutate: chmod((mode) => mode | 0o200, isFile),
    caughtBy: `${PLAIN}metadata/modes/file-0444`,
    finds: /mode=444 → mode=644/,
  },
  {
    fault: "cuts the nanoseconds of times",
    mutate: spoilsEach(
      isFile,
      ({ path, info }) => touch(path, Math.floor(info.mtime!.getTime() / 1000)),
    ),
    caughtBy: `${PLAIN}metadata/times/file-1500000000.999999999`,
    finds: /mtime=1500000000\.999999999 → mtime=1500000000\.000000000/,
  },
  {
    fault: "gives symbolic links the time of now",
    mutate: spoilsEach(isLink, ({ path }) => touch(path, 1_800_000_000)),
    caughtBy: `${PLAIN}order/link-time`,
    finds: /mtime=82\.0+ → mtime=1800000000/,
  },
  {
    fault: "gives directories their times before their children are made",
    mutate: spoilsEach(isDirectory, ({ path }) => {
      Deno.mkdirSync(`${path}/child-to-come`);
      Deno.removeSync(`${path}/child-to-come`);
    }),
    caughtBy: `${PLAIN}order/times`,
    finds: /mtime=79\.0+ → mtime=/,
  },
  {
    fault: "forgets the metadata of the root",
    mutate: spoils((target) => Deno.chmodSync(target, 0o755)),
    caughtBy: "tree/rw/root/mode",
    finds: /mode=711 → mode=755/,
  },
];
