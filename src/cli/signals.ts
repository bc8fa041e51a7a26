/**
 * Signals, as this program and others take them.
 *
 * @module
 */

import { ignoreSignal } from "../linux/mod.ts";

/** Whether a process catches (`Cgt`) or ignores (`Ign`) a signal: proc_pid_status(5). */
export function takesSignal(
  pid: number,
  signal: number,
  ...actions: readonly ("Cgt" | "Ign")[]
): boolean {
  const status = statusOf(pid);
  return actions.some((action) => isSet(status, action, signal));
}

function statusOf(pid: number | "self"): string {
  return Deno.readTextFileSync(`/proc/${pid}/status`);
}

function isSet(status: string, action: "Cgt" | "Ign", signal: number): boolean {
  const mask = new RegExp(`^Sig${action}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0";
  return (BigInt(`0x${mask}`) >> BigInt(signal - 1) & 1n) === 1n;
}

/** This process's own status; empty where there is no /proc: then no signal counts as ignored. */
function ownStatus(): string {
  try {
    return statusOf("self");
  } catch {
    return "";
  }
}

/**
 * Listens to signals, but for those that were ignored when this program began: these stay so, as nohup(1) and a shell's background jobs mean it.
 *
 * @param signals Their numbers by their names.
 * @returns What ends it.
 */
export function listenTo<Name extends Deno.Signal>(
  signals: Readonly<Record<Name, number>>,
  listener: (name: Name) => void,
): () => void {
  const names = Object.keys(signals) as Name[];
  const status = ownStatus();
  const ignored = names.filter((name) => isSet(status, "Ign", signals[name]));
  const listeners = names.filter((name) => !ignored.includes(name))
    .map((name) => [name, () => listener(name)] as const);
  for (const [name, listen] of listeners) Deno.addSignalListener(name, listen);
  // With its first listener the engine catches all that end a process.
  for (const name of ignored) ignoreSignal(signals[name]);
  return () => {
    for (const [name, listen] of listeners) Deno.removeSignalListener(name, listen);
  };
}
