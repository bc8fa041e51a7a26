/**
 * What to run in an image, as its config and the command line say.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import type { ImageConfig } from "../images.ts";
import type { RunSpec } from "./spec.ts";

/** What the command line says. */
export interface RunRequest {
  /** Replaces the image's Cmd; empty: it stays. */
  readonly command: readonly string[];
  /** Replaces the image's Entrypoint, and takes its Cmd away. */
  readonly entrypoint?: string;
  /** `NAME=VALUE`, or `NAME` for the caller's own value. */
  readonly environment: readonly string[];
  readonly directory?: string;
  readonly user?: string;
}

/**
 * Puts a process together.
 *
 * @param own The caller's environment.
 * @throws {LaminaError} `usage` where there is nothing to run, or the directory is not absolute.
 */
export function processOf(
  { config = {} }: ImageConfig,
  request: RunRequest,
  own: (name: string) => string | undefined,
): Omit<RunSpec, "root" | "readOnly" | "lock"> {
  const { entrypoint, command } = request;
  const before = entrypoint === undefined ? config.Entrypoint ?? [] : [entrypoint];
  const usual = entrypoint === undefined ? config.Cmd ?? [] : [];
  const argv = [...before, ...(command.length > 0 ? command : usual)];
  if (argv.length === 0) {
    throw new LaminaError("usage", "running: the image names no command", {
      hint: "Name one behind IMAGE: lamina run IMAGE COMMAND",
    });
  }
  // An image may leave the leading slash away; a person means their own directory by that.
  const directory = request.directory ?? `/${(config.WorkingDir ?? "").replace(/^\/+/, "")}`;
  if (!directory.startsWith("/")) {
    throw new LaminaError("usage", `running: --workdir ${directory} is not an absolute path`, {
      hint: "Name a directory of the image, from its root on.",
    });
  }
  const asked = request.environment.flatMap((entry) => {
    if (entry.includes("=")) return [entry];
    const value = own(entry);
    return value === undefined ? [] : [`${entry}=${value}`];
  });
  const term = own("TERM");
  return {
    argv,
    environment: [...term === undefined ? [] : [`TERM=${term}`], ...config.Env ?? [], ...asked],
    directory,
    user: request.user ?? config.User ?? "",
  };
}
