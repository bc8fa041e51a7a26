/**
 * Where a plugin comes from, as plain data, so that another thread can load it again.
 *
 * @module
 */

/** A plugin that can be loaded. */
export interface PluginSource {
  /** URL of its main module: of the real file for an outside one. */
  readonly url: string;
  /** Its main module, by its real path; undefined for a built-in one. */
  readonly file: string | undefined;
  /** All its modules as they were read and checked, so that all threads run the same; undefined for a built-in one, or before it is read. */
  readonly code?: PluginCode;
}

/** What an outside plugin is made of. */
export interface PluginCode {
  /** Its modules; the main one is the first. */
  readonly modules: readonly PluginModule[];
  /** SHA-256 of all of them as they were read: 64 hex digits. */
  readonly digest: string;
}

/** One module, ready to be run as JavaScript. */
export interface PluginModule {
  /** Its file. */
  readonly file: string;
  /** Its path relative to the plugin's folder, as its importers name it now. */
  readonly place: string;
  /** What is to be run: types are stripped, on the same lines as in the file. */
  readonly text: string;
}
