/**
 * Routes as data: which method and path is answered by what.
 *
 * @module
 */

import { Refusal } from "./refusal.ts";

/** A request, taken apart. */
export interface Call {
  /** What stands in the path for each `:name`, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The JSON object of the body; empty where the route takes none. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Aborted when the client goes away before it is answered. */
  readonly signal: AbortSignal;
  /** Aborted then, too, and, with the refusal, when the server is about to end: for what has not begun. */
  readonly waiting: AbortSignal;
}

/** What is answered where nothing failed. */
export interface Reply {
  /** 200 by default. */
  readonly status?: number;
  /** One JSON document. */
  readonly document: unknown;
  /** Where what was made can be found from now on, for a status of 201. */
  readonly location?: string;
}

/** One method of one path. */
export interface Route {
  readonly method: "GET" | "POST" | "DELETE";
  /** As in URLPattern: `/v1/things/:id`. */
  readonly path: string;
  /** Whether there is a body; where there is none, one is refused. */
  readonly takesBody?: boolean;
  answer(call: Call): Promise<Reply> | Reply;
}

/** Finds routes by method and path. */
export class Router {
  readonly #routes: readonly { readonly route: Route; readonly pattern: URLPattern }[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({
      route,
      pattern: new URLPattern({ pathname: route.path }),
    }));
  }

  /** @throws {Refusal} 404 for a path that is none, 405 for a method that it has not, 400 for a parameter that is not UTF-8. */
  find(
    method: string,
    pathname: string,
  ): { readonly route: Route; readonly parameters: Readonly<Record<string, string>> } {
    const there = this.#routes.flatMap(({ route, pattern }) => {
      const found = pattern.exec({ pathname });
      return found === null ? [] : [{ route, groups: found.pathname.groups }];
    });
    if (there.length === 0) {
      throw new Refusal(404, "not-found", `${method} ${pathname}: there is no such path`, {
        hint: `There are ${[...new Set(this.#routes.map(({ route }) => route.path))].join(", ")}.`,
      });
    }
    const found = there.find(({ route }) => route.method === method);
    if (found === undefined) {
      const allowed = there.map(({ route }) => route.method).join(", ");
      throw new Refusal(405, "usage", `${method} ${pathname}: there is no such method here`, {
        hint: `There is ${allowed}.`,
        headers: { allow: allowed },
      });
    }
    const parameters: Record<string, string> = {};
    for (const [name, text = ""] of Object.entries(found.groups)) {
      try {
        parameters[name] = decodeURIComponent(text);
      } catch (cause) {
        throw new Refusal(400, "usage", `${method} ${pathname}: ${text} is not UTF-8, encoded`, {
          cause,
          hint: "Encode it as encodeURIComponent does: %2F for each slash.",
        });
      }
    }
    return { route: found.route, parameters };
  }
}
