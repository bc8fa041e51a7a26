/**
 * `lamina serve`.
 *
 * @module
 */

import { serve } from "../../serve/server.ts";
import { defaultSocket, SocketPlace } from "../../serve/socket.ts";
import type { Store } from "../../store/mod.ts";
import type { Context } from "../context.ts";
import { makeRoutes } from "../serve/routes.ts";
import { defineCommand } from "../spec.ts";
import { failureDocument, failureText } from "../terminal/failure.ts";
import { writeText } from "../terminal/output.ts";
import { printable } from "../terminal/printable.ts";
import { screenOf } from "../terminal/screen.ts";
import { SILENT } from "../terminal/silent.ts";
import { duration } from "../terminal/units.ts";

export default defineCommand({
  description:
    "Listens on a unix socket, which only its user can connect to, and speaks HTTP/1.1 with JSON: for callers that compose often, " +
    "who need not wait for a program to start. The store is made where there is none. What other commands do to it meanwhile is seen at once; " +
    "strategy plugins are loaded once, at the start.\n" +
    "POST /v1/compositions takes an object with the arguments and flags of `lamina compose` (`--shared-by` is `sharedBy`), but for --pull and --limit, and " +
    "answers as that does with --json. GET /v1/compositions is `lamina ps`; GET and DELETE /v1/compositions/ID show and release " +
    "one; GET /v1/version says who answers. For instance:\n" +
    'curl --unix-socket /run/lamina/lamina.sock http://lamina/v1/compositions -d \'{"image": "app", "target": "/srv/vm1"}\'\n' +
    "SIGTERM and SIGINT end it: what is under way is finished, what waits is refused, and compositions stay as they are.",
  arguments: [],
  flags: [
    {
      name: "socket",
      value: "PATH",
      complete: "file",
      summary: "where to listen (default: /run/lamina/lamina.sock, or in $XDG_RUNTIME_DIR)",
    },
  ],
  examples: [
    { command: "lamina serve", says: "for the system's store" },
    {
      command: "lamina --root /srv/store serve --socket /run/vms.sock",
      says: "for another store",
    },
  ],
}, async (context, { flags }) => {
  const store = await context.store({ create: true });
  const plugins = await context.plugins();
  const { signal } = context;
  let served = 0;
  using place = await SocketPlace.take(flags.socket ?? defaultSocket());
  const routes = makeRoutes((signal): Context => {
    // Once for each request: what another process made of it since the last one is seen.
    let opened: Promise<Store> | undefined;
    return {
      ...context,
      signal,
      globals: { ...context.globals, json: true, quiet: true },
      store: () => opened ??= context.store(),
      plugins: () => Promise.resolve(plugins),
      progress: () => Promise.resolve(SILENT),
    };
  });
  await serve(
    place,
    {
      routes,
      failure: (error) => {
        const failure = failureDocument(error);
        // What nobody foresaw is for who runs the server, too.
        if (failure.error.kind === "failed") {
          writeText("stderr", failureText(error, screenOf("stderr"), context.globals.verbose));
        }
        return failure;
      },
      onAnswer: (method, path, status, milliseconds) => {
        served++;
        context.note(`${method} ${printable(path)} ${status} ${duration(milliseconds)}`);
      },
    },
    signal,
    () => {
      if (context.globals.quiet) return;
      writeText("stderr", `lamina: listening at ${place.path} for the store ${store.root}\n`);
    },
  );
  return { document: { socket: place.path, store: store.root, served }, text: () => "" };
});
