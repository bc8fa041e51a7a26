/**
 * How much memory an input takes.
 *
 * @module
 */

const MIB = 1 << 20;
/** What an input may take whatever its length: buffers that are used again, and garbage that V8 has not collected yet. */
const FLOOR = 128 * MIB;
/** And for each of its bytes. */
const FACTOR = 64;

/** The memory of this process, of all threads: the largest resident set since {@link begin} (proc_pid_status(5), VmHWM). */
export class Memory {
  #before = 0;

  /** Starts anew. */
  begin(): void {
    // proc_pid_clear_refs(5): 5 resets the peak.
    Deno.writeTextFileSync("/proc/self/clear_refs", "5");
    this.#before = read("VmRSS");
  }

  /** Whether more was taken since {@link begin} than one input may. */
  get suspicious(): boolean {
    return read("VmHWM") - this.#before > FLOOR;
  }

  /** Bytes that something takes. */
  async grownBy(work: () => Promise<void>): Promise<number> {
    (globalThis as { gc?: () => void }).gc?.();
    this.begin();
    await work();
    return read("VmHWM") - this.#before;
  }

  /** Whether these are too many for an input of that length. */
  static isTooMuch(bytes: number, length: number): boolean {
    return bytes > FLOOR + FACTOR * length;
  }
}

function read(field: string): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)![1]);
}
