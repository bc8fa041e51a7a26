/**
 * Extended attributes: capabilities, ACLs, `user.` and `trusted.` ones.
 *
 * @module
 */

import { directory, fifo, file, symlink } from "../tar.ts";
import { bytesOf, claim, type TreeImage } from "./image.ts";

/** `security.capability` as setcap writes it: cap_net_raw=ep (struct vfs_cap_data, revision 2). */
const CAPABILITY = new Uint8Array([1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** A POSIX ACL: user::rw- user:1000:r-- group::r-- mask::r-- other::r-- (struct posix_acl_xattr). */
const ACL = new Uint8Array(
  [
    [2, 0, 0, 0],
    [1, 0, 6, 0, 255, 255, 255, 255],
    [2, 0, 4, 0, 232, 3, 0, 0],
    [4, 0, 4, 0, 255, 255, 255, 255],
    [16, 0, 4, 0, 255, 255, 255, 255],
    [32, 0, 4, 0, 255, 255, 255, 255],
  ].flat(),
);

const BINARY = new Uint8Array([0, 1, 10, 61, 255]);

/** See the module. */
export const XATTRS: readonly TreeImage[] = [
  {
    id: "xattrs",
    says: "extended attributes, capabilities and ACLs",
    layers: () => [[
      file("user", "u", {
        mode: 0o444,
        xattrs: { "user.a": "1", "user.empty": "", "user.binary": BINARY },
      }),
      file("large", "l", { xattrs: { "user.large": "v".repeat(2000) } }),
      file("many", "m", {
        xattrs: Object.fromEntries(
          Array.from({ length: 20 }, (_, i) => [`user.key-${i}`, `value ${i}`]),
        ),
      }),
      file("empty-file", "", { xattrs: { "user.of": "nothing" } }),
      file("none", "n"),
      directory("directory", { xattrs: { "user.d": "d", "trusted.d": "t" } }),
      file("trusted", "t", { xattrs: { "trusted.f": "t" } }),
      symlink("link", "nowhere", { xattrs: { "trusted.link": "t" } }),
      fifo("fifo", { xattrs: { "trusted.fifo": "t" } }),
      file("equal-1", bytesOf(6000, 9), { xattrs: { "user.which": "one" } }),
      file("equal-2", bytesOf(6000, 9), { xattrs: { "user.which": "two" } }),
      file("capable/owned", bytesOf(100, 1), {
        mode: 0o755,
        uid: 7,
        gid: 8,
        xattrs: { "security.capability": CAPABILITY },
      }),
      file("capable/setuid", "x", {
        mode: 0o4755,
        uid: 9,
        xattrs: { "security.capability": CAPABILITY },
      }),
      file("capable/large", bytesOf(90_000, 2), {
        mode: 0o755,
        xattrs: { "security.capability": CAPABILITY },
      }),
      file("acl/access", "acl", { mode: 0o644, xattrs: { "system.posix_acl_access": ACL } }),
      directory("acl/default", { mode: 0o755, xattrs: { "system.posix_acl_default": ACL } }),
      file("acl/default/file", "x", { mode: 0o600 }),
      directory("acl/default/directory", { mode: 0o700 }),
    ]],
    claims: [
      claim("user", "a user xattr", { user: "xattr:user.a=1" }),
      claim("empty", "a user xattr without a value", { user: "xattr:user.empty=" }),
      claim("binary", "a user xattr with zero bytes", {
        user: "xattr:user.binary=\\x00\\x01\\x0a=\\xff",
      }),
      claim("large", "a value of 2,000 bytes", { large: `xattr:user.large=${"v".repeat(2000)}` }),
      claim("many", "twenty on one file", {
        many: Array.from({ length: 20 }, (_, i) => `xattr:user.key-${i}=value\\x20${i}`).join(" "),
      }),
      claim("empty-file", "on an empty file", { "empty-file": "size=0 xattr:user.of=nothing" }),
      claim("none", "none where there are none", { none: "file" }),
      claim("directory", "user and trusted ones on a directory", {
        directory: "xattr:trusted.d=t xattr:user.d=d",
      }),
      claim("trusted", "a trusted one on a file", { trusted: "xattr:trusted.f=t" }),
      claim("symlink", "a trusted one on a symbolic link itself", {
        link: "symlink xattr:trusted.link=t",
      }),
      claim("fifo", "a trusted one on a fifo", { fifo: "fifo xattr:trusted.fifo=t" }),
      claim("equal-content", "files of one content have each their own", {
        "equal-1": "xattr:user.which=one",
        "equal-2": "xattr:user.which=two",
      }),
      claim(
        "capabilities-owned",
        "a file of another owner has its file capabilities, which changing the owner takes away",
        {
          "capable/owned": "owner=7:8 xattr:security.capability=\\x01\\x00\\x00\\x02\\x00\\x20"
            .padEnd(
              "owner=7:8 xattr:security.capability=\\x01\\x00\\x00\\x02\\x00\\x20".length + 14 * 4,
              "\\x00",
            ),
        },
      ),
      claim("capabilities-setuid", "so has one that is setuid as well", {
        "capable/setuid": "mode=4755 owner=9:0",
      }),
      claim("capabilities-large", "so has a large one", { "capable/large": "size=90000" }),
      claim("acl-access", "a file has its ACL", { "acl/access": "file mode=644" }),
      claim("acl-default", "a directory has its default ACL", {
        "acl/default": "directory mode=755",
      }),
      claim("acl-inherit-file", "a file in it inherits nothing", {
        "acl/default/file": "file mode=600",
      }),
      claim("acl-inherit-directory", "a directory in it inherits nothing", {
        "acl/default/directory": "directory mode=700",
      }),
    ],
  },
];
