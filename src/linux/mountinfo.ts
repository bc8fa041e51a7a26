/**
 * The mounts that a process sees.
 *
 * @module
 */

/** One line of /proc/self/mountinfo: proc_pid_mountinfo(5). */
export interface MountInfo {
  readonly id: number;
  /** Absolute path of the mount point. */
  readonly path: string;
  /** Options of the mount. */
  readonly options: string;
  readonly type: string;
  readonly source: string;
  /** Options of the filesystem. */
  readonly superOptions: string;
}

/** All mounts that this process sees, in order: of two at one path the later one is on top. */
export function readMounts(): MountInfo[] {
  return readMountTable().split("\n").filter((line) => line !== "").map(parse);
}

/** The table of {@link readMounts} as the kernel writes it, for {@link findMount}. */
export function readMountTable(): string {
  return Deno.readTextFileSync("/proc/self/mountinfo");
}

/** A mount by its id; the other lines, of which a host with containers has hundreds, are not looked at. */
export function findMount(table: string, id: number): MountInfo | undefined {
  const start = `\n${table}`.indexOf(`\n${id} `);
  return start < 0 ? undefined : parse(table.slice(start, table.indexOf("\n", start)));
}

function parse(line: string): MountInfo {
  const [mount, filesystem] = line.split(" - ").map((half) => half.split(" "));
  return {
    id: Number(mount[0]),
    path: unescape(mount[4]),
    options: mount[5],
    type: filesystem[0],
    source: unescape(filesystem[1]),
    superOptions: unescape(filesystem[2]),
  };
}

function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8)));
}
