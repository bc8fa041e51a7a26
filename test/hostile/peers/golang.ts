/**
 * What umoci and podman have in common: Go's archive/tar, and what they do with its entries.
 *
 * @module
 */

import type { Reason } from "./peer.ts";

/** See the module. */
export const GO: readonly Reason[] = [
  {
    says: /accepts.*has a '\.\.' component/,
    why:
      "they resolve it inside the root, so that the file is in another place than its name says; no builder writes such a name",
  },
  {
    says: /accepts.*directory has the name of a whiteout/,
    why: "what is below a whiteout's name is to be hidden and there at once",
  },
  {
    says: /accepts.*number 0:0 would hide/,
    why: "to an overlay it is a whiteout: a layer would hide by another way than its image says",
  },
  {
    says: /accepts.*(uid 4294967295|no usable number)/,
    why: "chown(2) takes -1 for no change: the file would be whoever's unpacks it",
  },
  {
    says: /accepts.*device number \d+:\d+ is beyond/,
    why: "they cut the number to 12 bits: another device than the layer says",
  },
  { says: /accepts.*setxattr nonsense/, why: "they drop it: the tree is not what the layer says" },
  {
    says: /accepts.*between an extended header and its entry/,
    why: "Go's archive/tar takes it for the end; what is cut short may lack more",
  },
  {
    says: /user\.empty= → -/,
    why: "an attribute with an empty value is lost: Go's archive/tar takes that for a removal",
  },
  {
    says: /many megabytes.*refuses/,
    why:
      "Go's archive/tar takes records of a megabyte at most; ours are bounded by a limit that can be set",
  },
  {
    says: /a sparse file, old .* refuses/,
    why: "GNU's old sparse format is known to GNU tar and libarchive, and to us, not to them",
  },
  {
    says: /refuses: [^]*xattr [^]*operation not permitted/,
    why:
      "they fail to set a user.* attribute on a symbolic link; Linux has none there, so nothing is lost without it",
  },
  {
    says: /^2,047 directories.* refuses/,
    why: "they name entries by whole paths, below their own directory: too long for the kernel",
  },
  {
    says: /AUFS' own, ignored \| .*(d: mtime|\.wh\.\.wh\.aufs)/,
    why:
      "they leave AUFS' bookkeeping in the tree; the image specification reserves the prefix, and containerd ignores it",
  },
  {
    says: /: - → xattr:(trusted|user)\.overlay\.\S+$/,
    why: "an overlay may take the attribute for its own mark; we drop all of both namespaces",
  },
  { says: /: - → xattr:user\.lamina\.\S+$/, why: "a layer must not speak for the store" },
  {
    says: /xattr:security\.selinux=\S+ → -/,
    why:
      "they leave it to the host's policy; we keep what the image says, as composefs and GNU tar do",
  },
];
