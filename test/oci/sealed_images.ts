/**
 * Images whose tree in the profile oci-v1 has a digest that is known from elsewhere.
 *
 * @module
 */

import {
  charDevice,
  directory,
  fifo,
  file,
  hardlink,
  makeTar,
  opaque,
  symlink,
  whiteout,
} from "../support/tar.ts";

/** cap_net_raw+ep, as setcap(8) writes it: VFS_CAP_REVISION_2 of capability.h. */
const CAPABILITY = Uint8Array.from([1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

const BASE = makeTar([
  directory("./", { mode: 0o700, mtime: 1 }),
  directory("usr", { mode: 0o755, mtime: 1577836800.5 }),
  directory("usr/bin", { mtime: 10 }),
  file("usr/bin/tool", "tool".repeat(20000), { mode: 0o4755, mtime: 20 }),
  hardlink("usr/bin/tool2", "usr/bin/tool"),
  file("usr/64", "x".repeat(64), {
    mtime: 20,
    xattrs: { "user.foo": "bar", "security.capability": CAPABILITY },
  }),
  file("usr/65", "x".repeat(65), { uid: 100000, gid: 70000, mtime: 20 }),
  file("usr/empty", "", { mtime: 20 }),
  symlink("bin", "usr/bin", { mtime: 20 }),
  directory("run", { mode: 0o711, mtime: 30 }),
  hardlink("run/tool3", "usr/bin/tool"),
  directory("var", { mtime: 30 }),
  file("var/gone", "gone", { mtime: 30 }),
  directory("var/opaque", { mtime: 30 }),
  file("var/opaque/old", "old", { mtime: 30 }),
  charDevice("var/null", 1, 3, { mtime: 30 }),
  fifo("var/fifo", { mtime: 30 }),
]);
const TOP = makeTar([
  directory("var", { mode: 0o700, mtime: 40 }),
  whiteout("var/gone"),
  directory("var/opaque", { mtime: 40 }),
  opaque("var/opaque"),
  file("var/opaque/new", "new".repeat(100), { mtime: 40 }),
  symlink("var/fifo", "now a link", { mtime: 40 }),
]);

/** Layers, and the digest that cfsctl 0.9.0 (composefs-rs) computes of them: `cfsctl oci compute-id` in a repository with fsverity-sha256-12. */
export const SEALED: readonly {
  readonly name: string;
  readonly layers: readonly Uint8Array[];
  readonly digest: string;
}[] = [
  {
    name: "base",
    layers: [BASE],
    digest: "c9e72ce51428523c6c1456e57b81707c92988f72a2e26b2a86b61f0349786045",
  },
  {
    name: "two",
    layers: [BASE, TOP],
    digest: "d5672946420153cfed836f6e6bafb29d8f22e6294a82727310caea40b9d9fd6e",
  },
];
