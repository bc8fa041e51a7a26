/**
 * The `oci-v1` profile: the form that composefs-rs gives the tree of an OCI image before it takes its digest, so that
 * digests agree with those of cfsctl and bootc.
 *
 * What builders of images leave to chance is taken out: the metadata of the root (many layers have no entry for it), what
 * a running container left in /run, and xattrs that depend on where the image was built.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { countLinks } from "./count.ts";
import { type ByteString, Inode, S_IFMT, S_IFREG } from "./inode.ts";
import { fsVerityDigest } from "./verity.ts";

/** The one xattr that is part of what an image is. */
const KEPT = "security.capability";
/** Files up to this size are kept in the image, larger ones are objects. */
const INLINE = 64;

/**
 * A copy of a merged tree in the form of the profile. Its digest is that of `writeErofs(tree, { format: "v1" })`.
 *
 * - The root has the metadata of `/usr`. An image without a directory `/usr`, which composefs-rs refuses, has a root with
 *   mode 0755, owner and group 0 and time 0.
 * - `/run`, if it is a directory, is empty and has the time of `/usr` (0 without).
 * - Of all xattrs, only `security.capability` stays.
 * - Content of up to 64 bytes is inline, all other an object.
 *
 * @throws LaminaError (invalid) for a file whose content the profile needs and the tree has not.
 */
export function normalizeOci(root: Inode): Inode {
  const copies = new Map<Inode, Inode>();
  const result = copyOf(root, "/", copies);
  const stack = [{ from: root, to: result, path: "" }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    for (const [name, inode] of top.from.children!) {
      const path = `${top.path}/${name}`;
      const copy = copyOf(inode, path, copies);
      top.to.children!.set(name, copy);
      if (inode.children !== null) stack.push({ from: inode, to: copy, path });
    }
  }
  const there = result.children!.get("usr");
  const usr = there?.children ? there : new Inode(0o040755);
  result.mode = usr.mode;
  result.uid = usr.uid;
  result.gid = usr.gid;
  result.xattrs = usr.xattrs;
  setTime(result, usr);
  const run = result.children!.get("run");
  if (run?.children) {
    run.children.clear();
    setTime(run, usr);
  }
  countLinks(result);
  return result;
}

function setTime(inode: Inode, from: Inode): void {
  inode.mtime = from.mtime;
  inode.nsec = from.nsec;
}

/** The copy of an inode, without the entries of a directory. */
function copyOf(inode: Inode, path: ByteString, copies: Map<Inode, Inode>): Inode {
  const known = copies.get(inode);
  if (known !== undefined) return known;
  const copy = new Inode(inode.mode);
  copies.set(inode, copy);
  copy.uid = inode.uid;
  copy.gid = inode.gid;
  copy.rdev = inode.rdev;
  copy.target = inode.target;
  setTime(copy, inode);
  const capability = inode.xattrs?.get(KEPT);
  if (capability !== undefined) copy.xattrs = new Map([[KEPT, capability]]);
  if ((inode.mode & S_IFMT) === S_IFREG) setContent(copy, inode, path);
  return copy;
}

function setContent(copy: Inode, inode: Inode, path: ByteString): void {
  const { content, size } = inode;
  copy.size = size;
  if (size === 0) return;
  if (size <= INLINE) {
    if (content === null) throw lacks(path, "its content is not in the tree");
    copy.content = content;
    return;
  }
  const digest = content === null ? inode.digest : fsVerityDigest(content);
  if (digest === null) throw lacks(path, "the digest of its content is not known");
  copy.setObject(digest);
}

function lacks(path: ByteString, what: string): LaminaError {
  return new LaminaError("invalid", `normalizing ${path} for the profile oci-v1: ${what}`);
}
