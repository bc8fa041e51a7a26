/**
 * Other owners than the tree says, for containers with a user namespace of their own.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { createUserNamespace, Fd, type IdRange, O_RDONLY, SysError } from "../linux/mod.ts";

/** How owners are mapped: ranges for users and groups alike, or the path of a user namespace that has the maps (`/proc/PID/ns/user`). */
export type IdMap = readonly IdRange[] | string;

/**
 * Opens a user namespace with the map.
 *
 * @throws {LaminaError} `not-found` for a path that leads nowhere, `usage` for one that is no namespace, `unsupported` where none can be made.
 */
export function openIdMap(map: IdMap): Fd {
  if (typeof map === "string") return openNamespace(map);
  try {
    return createUserNamespace(map);
  } catch (cause) {
    if (!(cause instanceof SysError)) throw cause;
    throw new LaminaError("unsupported", `mapping owners: ${cause.message}`, {
      cause,
      hint: "It takes root's rights and user namespaces (sysctl user.max_user_namespaces).",
    });
  }
}

function openNamespace(path: string): Fd {
  let real: string;
  try {
    real = Deno.readLinkSync(path);
  } catch (cause) {
    const kind = cause instanceof Deno.errors.NotFound ? "not-found" : "usage";
    throw new LaminaError(kind, `mapping owners: ${path}: ${(cause as Error).message}`, {
      cause,
      hint: "Name the user namespace of a running process: /proc/PID/ns/user.",
    });
  }
  if (!real.startsWith("user:[")) {
    throw new LaminaError("usage", `mapping owners: ${path} is no user namespace (${real})`, {
      hint: "Name the user namespace of a running process: /proc/PID/ns/user.",
    });
  }
  if (real === Deno.readLinkSync("/proc/self/ns/user")) {
    throw new LaminaError("usage", `mapping owners: ${path} is lamina's own user namespace`, {
      hint: "Name that of the container's process, or leave --idmap away.",
    });
  }
  return Fd.open(path, O_RDONLY);
}
