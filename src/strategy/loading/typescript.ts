/**
 * TypeScript → JavaScript, on the same lines. A module of its own because it is large: it is loaded for the first TypeScript file.
 *
 * @module
 */

import { transform } from "sucrase";

/**
 * Strips types. What has a meaning at run time (enums, parameter properties) is translated; `namespace` is not.
 *
 * @throws {Error} For what cannot be parsed, with line and column.
 */
export function stripTypes(text: string): string {
  return transform(text, { transforms: ["typescript"], disableESTransforms: true }).code;
}
