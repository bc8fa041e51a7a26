/**
 * All images of the suite.
 *
 * @module
 */

import { bundle } from "./bundle.ts";
import { CONTENTS } from "./contents.ts";
import type { TreeImage } from "./image.ts";
import { LINKS } from "./links.ts";
import { METADATA } from "./metadata.ts";
import { NAME_IMAGES } from "./names.ts";
import { REPLACEMENTS } from "./replacements.ts";
import { SHAPES } from "./shapes.ts";
import { WHITEOUTS } from "./whiteouts.ts";
import { XATTRS } from "./xattrs.ts";

export { bytesOf, type Claim, type TreeImage } from "./image.ts";

const SINGLE: readonly TreeImage[] = [
  ...SHAPES,
  ...METADATA,
  ...XATTRS,
  ...NAME_IMAGES,
  ...CONTENTS,
  ...LINKS,
  ...WHITEOUTS,
  ...REPLACEMENTS,
];

/**
 * Those that can stand in a directory as well as in the root, and that overlayfs shows without further help. Not the names, which some
 * programs for filesystem images refuse.
 */
const PLAIN = [
  ...["metadata", "order", "xattrs", "sizes", "sparse", "equal", "specials", "links"],
  ...["opaque", "whiteout-then-opaque", "replacements"],
];

/** The images whose trees are compared, entry by entry. */
export const IMAGES: readonly TreeImage[] = [
  ...SINGLE.filter(({ id }) => !PLAIN.includes(id)),
  bundle("plain", "many things at once", SINGLE.filter(({ id }) => PLAIN.includes(id))),
];
