/**
 * The interface of `lamina serve`, version 1: each route is a command with its `--json`.
 *
 * @module
 */

import type { Call, Reply, Route } from "../../serve/route.ts";
import { Turns } from "../../serve/turns.ts";
import type { Store } from "../../store/mod.ts";
import { VERSION } from "../../version.ts";
import composeCommand from "../commands/compose.ts";
import psCommand from "../commands/ps.ts";
import releaseCommand from "../commands/release.ts";
import { shownCompositions } from "../compositions.ts";
import type { Context } from "../context.ts";
import { usageError } from "../parse.ts";
import type { Command, RawInput } from "../spec.ts";
import { inputOf } from "./input.ts";

/**
 * Makes the routes.
 *
 * Compositions and releases are done in turn, each with the store's lock for itself: so who collects has his turn between two of them, as beside
 * commands.
 *
 * @param contextOf What a command gets that is run for a request.
 */
export function makeRoutes(contextOf: (signal: AbortSignal) => Context): readonly Route[] {
  const turns = new Turns();
  const inTurn = async (
    { signal, waiting }: Call,
    work: (context: Context) => Promise<Reply>,
  ): Promise<Reply> => {
    const context = contextOf(signal);
    using _turn = await turns.take(
      waiting,
      async (waiting) => (await context.store()).sharing(waiting),
    );
    return await work(context);
  };
  const run = async (
    command: Command,
    title: string,
    context: Context,
    fields: Readonly<Record<string, unknown>> = {},
    fixed: RawInput["flags"] = {},
  ) => {
    const without = Object.keys(fixed);
    const { args, flags } = inputOf(command.spec, fields, context.globals, title, without);
    return (await command.run(context, { args, flags: { ...flags, ...fixed } })).document;
  };
  return [
    {
      method: "GET",
      path: "/v1/version",
      answer: async ({ signal }) => {
        const { root: store } = await contextOf(signal).store();
        return { document: { version: VERSION, api: 1, store, pid: Deno.pid } };
      },
    },
    {
      method: "GET",
      path: "/v1/compositions",
      answer: async ({ signal }) => ({
        document: await run(psCommand, "lamina ps", contextOf(signal)),
      }),
    },
    {
      method: "POST",
      path: "/v1/compositions",
      takesBody: true,
      answer: (call) =>
        inTurn(call, async (context) => {
          const title = "lamina compose";
          checkPath(call.body, "target", title);
          checkPath(call.body, "upper", title, /^tmpfs(:|$)/);
          const document = await run(composeCommand, title, context, call.body, NO_PULL);
          const { id } = document as { readonly id: string };
          return { status: 201, location: `/v1/compositions/${id}`, document };
        }),
    },
    {
      method: "GET",
      path: "/v1/compositions/:id",
      answer: async ({ parameters, signal }) => {
        const store: Store = await contextOf(signal).store();
        const record = store.compositions.find(parameters.id);
        return { document: shownCompositions(store, [record])[0].shown };
      },
    },
    {
      method: "DELETE",
      path: "/v1/compositions/:id",
      answer: (call) =>
        inTurn(call, async (context) => {
          const fields = { target: [call.parameters.id] };
          return { document: await run(releaseCommand, "lamina release", context, fields) };
        }),
    },
  ];
}

/** Others would have to wait for a pull. */
const NO_PULL = { pull: "never", limit: [] } as const;

/** The server's working directory is not the client's. */
function checkPath(
  fields: Readonly<Record<string, unknown>>,
  field: string,
  title: string,
  but?: RegExp,
): void {
  const value = fields[field];
  if (typeof value !== "string" || value === "" || value.startsWith("/") || but?.test(value)) {
    return;
  }
  throw usageError(title, `\`${field}\` is to be an absolute path, not \`${value}\``);
}
