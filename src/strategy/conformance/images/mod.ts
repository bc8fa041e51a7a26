/**
 * All images of the suite.
 *
 * @module
 */

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

/** The images whose trees are compared, entry by entry. */
export const IMAGES: readonly TreeImage[] = [
  ...SHAPES,
  ...METADATA,
  ...XATTRS,
  ...NAME_IMAGES,
  ...CONTENTS,
  ...LINKS,
  ...WHITEOUTS,
  ...REPLACEMENTS,
];
