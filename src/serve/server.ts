/**
 * A server of JSON over HTTP/1.1 at a unix socket.
 *
 * @module
 */

import type { ErrorKind } from "../error.ts";
import { readBody } from "./body.ts";
import { Refusal, statusOf } from "./refusal.ts";
import { type Reply, type Route, Router } from "./route.ts";
import type { SocketPlace } from "./socket.ts";

/** What a server is made of. */
export interface Service {
  readonly routes: readonly Route[];
  /** An error as the document that is answered. */
  failure(error: unknown): { readonly error: { readonly kind: ErrorKind } };
  /** Told of every request that was answered. */
  onAnswer(method: string, path: string, status: number, milliseconds: number): void;
}

/** Milliseconds for connections to end once all is answered: one does not whose client neither sends all of a request, nor goes. */
const PATIENCE = 2_000;

/**
 * Answers requests until the signal, then those that are under way, and returns: then the process is to end.
 *
 * @param onListening Called when clients can connect.
 */
export async function serve(
  place: SocketPlace,
  service: Service,
  signal: AbortSignal,
  onListening: () => void,
): Promise<void> {
  const router = new Router(service.routes);
  const ending = new AbortController();
  const underWay = new Set<Promise<Response>>();
  const handle = (request: Request) => {
    const response = respond(request, router, service, ending.signal);
    underWay.add(response);
    return response.finally(() => underWay.delete(response));
  };
  const server = place.listen((path) => Deno.serve({ path, onListen: onListening }, handle));
  const end = async () => {
    const hint = "Ask again when it is there again.";
    ending.abort(new Refusal(503, "busy", "the server is about to end", { hint }));
    server.shutdown();
    while (underWay.size > 0) await Promise.allSettled(underWay);
    await new Promise((resolve) => setTimeout(resolve, PATIENCE));
  };
  const { promise: signalled, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  await Promise.race([server.finished, signalled.then(end)]);
}

/** What nginx writes down for a client that went away. */
const GONE = 499;

async function respond(
  request: Request,
  router: Router,
  service: Service,
  ending: AbortSignal,
): Promise<Response> {
  const begun = performance.now();
  const { method, signal } = request;
  // It is none where the Host that a client gave cannot be one.
  const url = URL.parse(request.url);
  let status: number;
  let document: unknown;
  let headers: Record<string, string> = {};
  try {
    if (url === null) {
      throw new Refusal(400, "usage", "the header Host is no host", {
        hint: "Send `Host: lamina`.",
      });
    }
    const reply = await answer(request, url, router, AbortSignal.any([signal, ending]));
    ({ status = 200, document } = reply);
    if (reply.location !== undefined) headers = { location: reply.location };
  } catch (thrown) {
    const isGone = signal.aborted && thrown === signal.reason;
    const error = isGone ? new Refusal(GONE, "usage", "the client went away") : thrown;
    const failure = service.failure(error);
    document = failure;
    const refused = error instanceof Refusal;
    status = refused ? error.status : statusOf(failure.error.kind);
    if (refused) headers = { ...error.headers };
  }
  const path = url?.pathname ?? request.url;
  service.onAnswer(method, path, signal.aborted ? GONE : status, performance.now() - begun);
  return new Response(JSON.stringify(document, null, 2) + "\n", {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}

async function answer(
  request: Request,
  { pathname, search }: URL,
  router: Router,
  waiting: AbortSignal,
): Promise<Reply> {
  const { route, parameters } = router.find(request.method, pathname);
  if (search !== "") {
    throw new Refusal(400, "usage", `${request.method} ${pathname}: it takes no query`, {
      hint: `Leave \`${search}\` away.`,
    });
  }
  const body = await readBody(request, route, waiting);
  return await route.answer({ parameters, body, signal: request.signal, waiting });
}
