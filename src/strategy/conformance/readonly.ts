/**
 * Access `ro` of mounts: every attempt to change something is refused with EROFS. Of a plain directory the caller promises not to write.
 *
 * @module
 */

import {
  AT_FDCWD,
  AT_REMOVEDIR,
  EROFS,
  errnoCode,
  fchmodat,
  fchownat,
  linkat,
  mkdirat,
  mknodat,
  O_APPEND,
  O_CREAT,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  openat,
  removexattrat,
  renameat2,
  setxattrat,
  symlinkat,
  unlinkat,
  utimensat,
} from "../../linux/mod.ts";
import type { Experiment } from "./experiment.ts";
import { SIMPLE } from "./simple_image.ts";
import type { Subject } from "./subject.ts";

const FILE = "etc/config";
const DIRECTORY = "var/lib";
const VALUE = new Uint8Array([1]);

/** What is tried, each with its errno in return. */
const ATTEMPTS: readonly (readonly [id: string, says: string, act: (at: string) => number])[] = [
  ["write", "opening for writing", (at) => openat(AT_FDCWD, `${at}/${FILE}`, O_WRONLY)],
  ["read-write", "opening for both", (at) => openat(AT_FDCWD, `${at}/${FILE}`, O_RDWR)],
  ["append", "to append", (at) => openat(AT_FDCWD, `${at}/${FILE}`, O_WRONLY | O_APPEND)],
  ["truncate", "O_TRUNC", (at) => openat(AT_FDCWD, `${at}/${FILE}`, O_WRONLY | O_TRUNC)],
  ["create", "making a file", (at) => openat(AT_FDCWD, `${at}/new`, O_CREAT | O_WRONLY, 0o644)],
  ["mkdir", "making a directory", (at) => mkdirat(AT_FDCWD, `${at}/${DIRECTORY}/new`, 0o755)],
  ["mknod", "making a fifo", (at) => mknodat(AT_FDCWD, `${at}/fifo`, 0o010600, 0)],
  ["symlink", "making a symbolic link", (at) => symlinkat("x", AT_FDCWD, `${at}/link`)],
  ["link", "a hard link", (at) => linkat(AT_FDCWD, `${at}/${FILE}`, AT_FDCWD, `${at}/etc/link`)],
  ["unlink", "removing a file", (at) => unlinkat(AT_FDCWD, `${at}/${FILE}`)],
  ["rmdir", "removing a directory", (at) => unlinkat(AT_FDCWD, `${at}/mnt`, AT_REMOVEDIR)],
  [
    "rename",
    "renaming",
    (at) => renameat2(AT_FDCWD, `${at}/${FILE}`, AT_FDCWD, `${at}/etc/other`, 0),
  ],
  ["chmod", "chmod of a file", (at) => fchmodat(AT_FDCWD, `${at}/${FILE}`, 0o600)],
  ["chmod-root", "chmod of the root", (at) => fchmodat(AT_FDCWD, `${at}/.`, 0o700)],
  ["chown", "chown", (at) => fchownat(AT_FDCWD, `${at}/${FILE}`, 1, 1, 0)],
  ["utimes", "setting times", (at) => utimensat(AT_FDCWD, `${at}/${FILE}`, 1, 1)],
  ["setxattr", "an xattr", (at) => setxattrat(AT_FDCWD, `${at}/${FILE}`, "user.new", VALUE)],
  ["removexattr", "removing one", (at) => removexattrat(AT_FDCWD, `${at}/${FILE}`, "user.x")],
];

/** See the module. */
export function readOnlyExperiments(subject: Subject): Experiment[] {
  const id = "read-only";
  return [{
    id,
    cases: ATTEMPTS.map(([name, says]) => ({
      id: `${id}/${name}`,
      says: `in a mount that is read-only ${says} is refused with EROFS`,
    })),
    obstacle: subject.obstacle("ro") ??
      (subject.traits.result === "directory"
        ? "its traits say that it makes a plain directory: the caller promises not to write"
        : undefined),
    async run(subject, found) {
      const image = await subject.image(SIMPLE);
      await subject.during(image, { access: "ro" }, (target) => {
        for (const [name, , act] of ATTEMPTS) {
          const result = act(target);
          if (result === -EROFS) continue;
          found(
            `${id}/${name}`,
            result < 0 ? `it is refused with ${errnoCode(-result)}` : "it works",
          );
        }
      });
    },
  }];
}
