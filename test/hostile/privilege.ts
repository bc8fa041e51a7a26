/**
 * Devices, set-id bits, capabilities.
 *
 * @module
 */

import {
  blockDevice,
  charDevice,
  directory,
  fifo,
  file,
  hardlink,
  symlink,
} from "../support/tar.ts";
import type { HostileCase, HostileClass } from "./case.ts";

/** cap_net_raw=ep as vfs_cap_data of revision 2 (linux/capability.h). */
const NET_RAW = Uint8Array.of(1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

const CASES: readonly HostileCase[] = [
  {
    title: "device nodes and fifos, with their modes and owners",
    layers: [[
      charDevice("c", 1, 3, { mode: 0o666 }),
      blockDevice("b", 259, 70000, { mode: 0o660, gid: 6 }),
      fifo("p", { mode: 0o600, uid: 1 }),
    ]],
    tree: ["b block 259:70000 660 0:6", "c char 1:3 666", "p fifo 600 1:0"],
  },
  {
    title: "hard links of devices and fifos",
    layers: [[charDevice("c", 1, 5), hardlink("c2", "c"), fifo("p"), hardlink("p2", "p")]],
    tree: ["c char 1:5", "c2 = c", "p fifo", "p2 = p"],
  },
  {
    title: "a device over a file, a file over a device",
    layers: [[file("a", "1"), charDevice("b", 1, 3)], [charDevice("a", 1, 3), file("b", "2")]],
    tree: ["a char 1:3", "b: 2"],
  },
  {
    title: "a block device 0:0, which is no whiteout",
    layers: [[blockDevice("b", 0, 0)]],
    tree: ["b block 0:0"],
  },
  {
    title: "a device number beyond Linux'",
    layers: [[blockDevice("b", 4096, 0)]],
    refused: ["entry b", "4096:0", "beyond what Linux has"],
  },
  {
    title: "set-user-id, set-group-id, sticky: kept for root",
    layers: [[
      file("u", "1", { mode: 0o4755, uid: 0 }),
      file("g", "2", { mode: 0o2755, gid: 42 }),
      file("both", "3", { mode: 0o6711, uid: 7, gid: 8 }),
      directory("tmp", { mode: 0o1777 }),
      directory("mail", { mode: 0o2775, gid: 8 }),
      file("mail/f", "4"),
    ]],
    tree: [
      "both: 3 6711 7:8",
      "g: 2 2755 0:42",
      "mail/ 2775 0:8",
      "mail/f: 4",
      "tmp/ 1777",
      "u: 1 4755",
    ],
  },
  {
    title: "set-id bits survive a change of owner in an upper layer",
    layers: [[file("f", "1", { mode: 0o4755 })], [
      file("f", "1", { mode: 0o6755, uid: 9, gid: 9 }),
    ]],
    tree: ["f: 1 6755 9:9"],
  },
  {
    title: "file capabilities: kept for root",
    layers: [[
      file("ping", "1", { mode: 0o755, uid: 1, xattrs: { "security.capability": NET_RAW } }),
    ]],
    tree: [`ping: 1 755 1:0 security.capability=${String.fromCharCode(...NET_RAW)}`],
  },
  {
    title: "capabilities that are malformed: the kernel's error, with the entry",
    layers: [[file("ping", "1", { xattrs: { "security.capability": "junk" } })]],
    kind: "failed",
    refused: ["entry ping", "security.capability", "EINVAL"],
  },
  {
    title: "an ACL, as the kernel stores it",
    layers: [[
      file("f", "1", {
        mode: 0o640,
        xattrs: {
          // user::rw- user:5:r-- group::r-- mask::r-- other::--- (acl(5), linux/posix_acl_xattr.h)
          "system.posix_acl_access": Uint8Array.of(
            ...[2, 0, 0, 0],
            ...[1, 0, 6, 0, 255, 255, 255, 255],
            ...[2, 0, 4, 0, 5, 0, 0, 0],
            ...[4, 0, 4, 0, 255, 255, 255, 255],
            ...[16, 0, 4, 0, 255, 255, 255, 255],
            ...[32, 0, 0, 0, 255, 255, 255, 255],
          ),
        },
      }),
    ]],
    tree: [
      "f: 1 640 system.posix_acl_access=\x02\0\0\0\x01\0\x06\0\xff\xff\xff\xff\x02\0\x04\0\x05\0\0\0" +
      "\x04\0\x04\0\xff\xff\xff\xff\x10\0\x04\0\xff\xff\xff\xff\x20\0\0\0\xff\xff\xff\xff",
    ],
  },
  {
    title: "a security.* attribute that anybody may make up",
    layers: [[file("f", "1", { xattrs: { "security.selinux": "system_u:object_r:x_t:s0\0" } })]],
    tree: ["f: 1 security.selinux=system_u:object_r:x_t:s0\0"],
  },
  {
    title: "user.* attributes of what has none: dropped",
    layers: [[
      symlink("s", "x", { xattrs: { "user.x": "1" } }),
      fifo("p", { xattrs: { "user.x": "1" } }),
    ]],
    tree: ["p fifo", "s -> x"],
  },
  {
    title: "an attribute in no namespace of the kernel's",
    layers: [[file("f", "1", { xattrs: { "nonsense.x": "1" } })]],
    kind: "failed",
    refused: ["entry f", "nonsense.x"],
  },
  {
    title: "passwd as a symbolic link to the host's",
    history: "CVE-2024-9676",
    layers: (aim) => [[symlink("etc/passwd", `${aim.outside}/etc/passwd`)]],
    tree: (aim) => ["etc/", `etc/passwd -> ${aim.outside}/etc/passwd`],
  },
];

/** See the module. */
export const PRIVILEGE: HostileClass = {
  name: "privilege",
  cases: CASES,
  elsewhere: [
    ["without root: recorded, never granted", "layer/rootless_test.ts"],
    ["every mode, owner, attribute and time, on three filesystems", "layer/metadata_test.ts"],
    [
      "passwd and group of an image are read without leaving it (CVE-2024-9676)",
      "cli/run_test.ts, e2e/run_test.ts",
    ],
  ],
};
