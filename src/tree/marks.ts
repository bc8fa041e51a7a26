/**
 * What a layer says and a plain tree cannot: xattrs on inodes of a layer's tree. A merged tree has none of them.
 *
 * @module
 */

import type { ByteString } from "./inode.ts";

/** On a directory, with the value `y`: it hides what lower layers have in it. Overlayfs' own mark, in a rootless store's indexes as well. */
export const OPAQUE: ByteString = "trusted.overlay.opaque";
/** On a directory, empty: the layer has no entry for it, only entries below it. */
export const IMPLIED: ByteString = "user.lamina.implied";
/** On an empty regular file: it is a hard link to a lower layer's file, whose path (without leading `/`) is the value. */
export const HARDLINK: ByteString = "user.lamina.hardlink";

/** Whether an xattr is one of the marks. */
export function isMark(key: ByteString): boolean {
  return key === OPAQUE || key === IMPLIED || key === HARDLINK;
}
