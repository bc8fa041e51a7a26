/**
 * A request whose body is held back: the server is in the middle of reading it.
 *
 * @module
 */

import { request } from "node:http";
import { json } from "node:stream/consumers";
import type { Answered } from "./server.ts";

/** A request of which the server has the head. */
export interface Held {
  /** Sends the body. */
  send(): void;
  /** What is answered, with the body or without it; who asks goes away then. */
  readonly answer: Promise<Pick<Answered, "status" | "document">>;
}

/**
 * Begins to post JSON, and returns once the server reads the body: it tells a client that expects
 * `100 Continue` when it begins to (RFC 9110, section 10.1.1).
 */
export async function postHeld(socket: string, path: string, body: unknown): Promise<Held> {
  const content = JSON.stringify(body);
  const client = request({
    socketPath: socket,
    method: "POST",
    path,
    headers: {
      expect: "100-continue",
      "content-length": new TextEncoder().encode(content).length,
    },
  });
  const read = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<Pick<Answered, "status" | "document">>();
  client.once("continue", () => read.resolve());
  client.once("error", (error) => [read, answered].forEach(({ reject }) => reject(error)));
  client.once("response", async (response) => {
    answered.resolve({ status: response.statusCode!, document: await json(response) });
    client.destroy();
  });
  client.flushHeaders();
  await read.promise;
  return { send: () => client.end(content), answer: answered.promise };
}
