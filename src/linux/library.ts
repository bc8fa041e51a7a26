/**
 * Libraries that a host may lack.
 *
 * @module
 */

/** A library, opened for this thread. */
export interface OptionalLibrary<T extends Deno.ForeignLibraryInterface> {
  /** The file that was found. */
  readonly file: string;
  readonly symbols: Deno.DynamicLibrary<T>["symbols"];
}

/** Opens the first of some files that is there and has all functions of the table; undefined where none is, or FFI is not permitted. */
export function openOptional<T extends Deno.ForeignLibraryInterface>(
  files: readonly string[],
  table: T,
): OptionalLibrary<T> | undefined {
  for (const file of files) {
    try {
      return { file, symbols: Deno.dlopen(file, table).symbols };
    } catch {
      // Not this one: the next.
    }
  }
}
