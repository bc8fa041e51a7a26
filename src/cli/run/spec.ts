/**
 * What `lamina run` hands to the process that becomes the command, in a file of the composition's workspace.
 *
 * @module
 */

/** The word that the process is started by, with the file; see `enter.ts`. */
export const ENTER = "run-child";

/** Exit code of a failure of lamina's own, as podman-run(1) has it. */
export const OWN_FAILURE = 125;

/** See the module. */
export interface RunSpec {
  /** The composed root filesystem. */
  readonly root: string;
  /** Whether it is not to be written to. */
  readonly readOnly: boolean;
  /** Program and arguments. */
  readonly argv: readonly string[];
  /** `NAME=VALUE` each; the last one of a name counts. */
  readonly environment: readonly string[];
  /** Absolute path in the root. */
  readonly directory: string;
  /** `USER[:GROUP]`, names or numbers; empty for root. */
  readonly user: string;
  /** The lock that whoever waits for the command has: where it is free, there is nobody to release the root. */
  readonly lock: string;
}
