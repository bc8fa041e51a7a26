/**
 * The body of a request: one JSON object, or nothing.
 *
 * @module
 */

import { Refusal } from "./refusal.ts";
import type { Route } from "./route.ts";

/** Bytes of a body, at most. */
const MOST = 2 ** 20;

const HINT = 'Send one JSON object: {"FIELD": VALUE, …}.';

/**
 * Reads the body of a request.
 *
 * @param waiting Ends the waiting for one that does not come.
 * @throws {Refusal} For a body that is too long, is no JSON object, that the route does not take, or that does not come to its end. The signal's reason.
 */
export async function readBody(
  request: Request,
  { method, path, takesBody }: Route,
  waiting: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const doing = `${method} ${path}: the body`;
  const text = await readText(request, doing, waiting);
  if (takesBody !== true) {
    if (text === "") return {};
    throw new Refusal(400, "usage", `${doing} is not wanted`, { hint: "Leave it away." });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Refusal(400, "usage", `${doing} is not JSON: ${(cause as Error).message}`, {
      cause,
      hint: HINT,
    });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Refusal(400, "usage", `${doing} is no JSON object`, { hint: HINT });
}

async function readText(request: Request, doing: string, waiting: AbortSignal): Promise<string> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const body = request.body?.pipeThrough(new TransformStream(), { signal: waiting });
  try {
    for await (const chunk of body ?? []) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MOST) break;
    }
  } catch (cause) {
    waiting.throwIfAborted();
    const hint = "Send the request again.";
    throw new Refusal(400, "usage", `${doing} broke off`, { cause, hint });
  }
  if (length > MOST) {
    const hint = "Send fewer or shorter fields.";
    throw new Refusal(413, "usage", `${doing} has more than ${MOST} bytes`, { hint });
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await new Blob(chunks).arrayBuffer());
  } catch (cause) {
    throw new Refusal(400, "usage", `${doing} is not UTF-8`, { cause, hint: HINT });
  }
}
