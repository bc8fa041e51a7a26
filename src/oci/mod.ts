/**
 * Images outside the store: references, the documents of images, and where they come from.
 *
 * @module
 */

export type { AvailableImage, ImageSource, ResolvedImage } from "./image.ts";
export { formatPlatform, hostPlatform, parsePlatform, type Platform } from "./platform.ts";
export {
  type DockerArchiveReference,
  formatReference,
  fullName,
  isReference,
  type LayoutReference,
  parseReference,
  type Reference,
  type RegistryReference,
  sourceOf,
} from "./reference.ts";
export type { StorageReference } from "./storage_reference.ts";
export { openSource, type SourceOptions } from "./source.ts";
