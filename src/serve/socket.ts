/**
 * The unix socket of a server: its owner's alone, and one server's at a time.
 *
 * Whoever listens has a lock on a file beside it, so that a socket whose lock is free was left by a server that was killed.
 *
 * @module
 */

import { dirname, resolve } from "@std/path";
import { LaminaError } from "../error.ts";
import { ENOENT, FileLock, SysError } from "../linux/mod.ts";

/** Bytes of a socket's path: unix(7) has 108 with the zero at the end. */
const LONGEST = 107;

/** Where the socket is when nobody says: `/run/lamina/lamina.sock` as root, else `$XDG_RUNTIME_DIR/lamina/lamina.sock`. Makes the directory. */
export function defaultSocket(): string {
  const runtime = Deno.uid() === 0 ? "/run" : Deno.env.get("XDG_RUNTIME_DIR");
  if (!runtime) {
    throw new LaminaError("usage", "finding a place for the socket: XDG_RUNTIME_DIR is not set", {
      hint: "Name it with --socket.",
    });
  }
  Deno.mkdirSync(`${runtime}/lamina`, { recursive: true, mode: 0o700 });
  return `${runtime}/lamina/lamina.sock`;
}

/** The right to listen at a path. */
export class SocketPlace implements Disposable {
  /** Its absolute path. */
  readonly path: string;
  readonly #lock: FileLock;

  private constructor(path: string, lock: FileLock) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Takes a path, and removes the socket that a killed server left there.
   *
   * @throws {LaminaError} `busy` where somebody listens there, `exists` where there is something else, `not-found` without a directory,
   * `usage` for a path that is too long for a socket.
   */
  static async take(given: string): Promise<SocketPlace> {
    const path = resolve(given);
    if (new TextEncoder().encode(path).length > LONGEST) {
      throw new LaminaError("usage", `listening at ${path}: a socket's path has ${LONGEST} bytes`, {
        hint: "Name a shorter one with --socket.",
      });
    }
    using locks = new DisposableStack();
    const lock = locks.use(takeLock(path));
    await clear(path);
    locks.move();
    return new SocketPlace(path, lock);
  }

  /** Begins to listen by `start`; only the owner can connect, from the first moment on. */
  listen<Server>(start: (path: string) => Server): Server {
    const before = Deno.umask(0o177);
    try {
      return start(this.path);
    } finally {
      Deno.umask(before);
    }
  }

  /** Removes the socket, if it is still there, and gives the path up. */
  [Symbol.dispose](): void {
    removeIfThere(this.path);
    removeIfThere(lockOf(this.path));
    this.#lock[Symbol.dispose]();
  }
}

function lockOf(path: string): string {
  return `${path}.lock`;
}

function takeLock(path: string): FileLock {
  let lock: FileLock | undefined;
  try {
    lock = FileLock.tryExclusive(lockOf(path));
  } catch (cause) {
    if (!(cause instanceof SysError) || cause.errno !== ENOENT) throw cause;
    throw new LaminaError("not-found", `listening at ${path}: ${dirname(path)} does not exist`, {
      cause,
      hint: `Make it first: mkdir -p -m 700 ${dirname(path)}`,
    });
  }
  if (lock === undefined) throw inUse(path);
  return lock;
}

function inUse(path: string): LaminaError {
  return new LaminaError("busy", `listening at ${path}: another server does`, {
    hint: "Use that one, end it first, or name another path with --socket.",
  });
}

async function clear(path: string): Promise<void> {
  const found = lookAt(path);
  if (found === undefined) return;
  if (!found.isSocket) {
    throw new LaminaError("exists", `listening at ${path}: something that is no socket is there`, {
      hint: "Remove it, or name another path with --socket.",
    });
  }
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (cause) {
    if (cause instanceof Deno.errors.ConnectionRefused) return removeIfThere(path);
    const reason = (cause as Error).message;
    throw new LaminaError("failed", `listening at ${path}: asking who else does: ${reason}`, {
      cause,
      hint: "Remove the socket, or name another path with --socket.",
    });
  }
  throw inUse(path);
}

function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
