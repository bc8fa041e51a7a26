/**
 * Makes inputs smaller that show something, and tells what they show.
 *
 * @module
 */

/** What an error is known by: its kind and the place in the sources that it comes from, or what it says. */
export function keyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /\/src\/(\S+?):(\d+)/.exec(error.stack ?? "");
  const text = error.message.split("\n").find((line) => line.trim() !== "") ?? "";
  const shown = text.replace(/[0-9a-f]{12,}|\d+/g, "N").replace(/"?'?\/\S+/g, "PATH").slice(0, 200);
  return `${error.name}: ${shown}${place === null ? "" : ` (${place[1]}:${place[2]})`}`;
}

/**
 * The least input that still shows what a larger one did, as far as is found in time.
 *
 * @param end When to stop, as `Date.now()` has it.
 */
export async function minimise(
  input: Uint8Array,
  still: (input: Uint8Array) => Promise<boolean>,
  end: number,
): Promise<Uint8Array> {
  let least = input;
  const attempt = async (smaller: Uint8Array) => {
    if (Date.now() > end || !await still(smaller)) return false;
    least = smaller;
    return true;
  };
  for (let size = 2 ** Math.ceil(Math.log2(input.length)); size >= 1; size /= 2) {
    for (let at = 0; at < least.length && Date.now() < end;) {
      const shorter = new Uint8Array(Math.max(at, least.length - size));
      shorter.set(least.subarray(0, at));
      shorter.set(least.subarray(at + size), at);
      if (!await attempt(shorter)) at += size;
    }
  }
  // What cannot go may mean nothing all the same.
  for (let size = 512; size >= 16; size /= 2) {
    for (let at = 0; at < least.length && Date.now() < end; at += size) {
      if (least.subarray(at, at + size).every((byte) => byte === 0)) continue;
      await attempt(least.slice().fill(0, at, at + size));
    }
  }
  return least;
}
