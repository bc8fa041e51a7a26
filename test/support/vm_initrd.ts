/**
 * The initial RAM disk of a virtual machine: busybox, kernel modules and the script that starts all, as a cpio archive.
 *
 * @module
 */

const encoder = new TextEncoder();

/** Loads the modules, mounts the disks and runs the guest's script; what the script writes goes to the second serial port. */
const INIT = `#!/bin/busybox sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
/bin/busybox mkdir -p /usr/bin /usr/sbin /sbin /proc /sys /dev /root
/bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "/modules/$module" || echo "vm: $module does not load"; done </modules/order
for word in $(cat /proc/cmdline); do case $word in vm.*) export "\${word#vm.}"; esac; done
stty -F /dev/ttyS1 raw -echo
mount -t ext4 /dev/vda /root && mount -t ext4 /dev/vdb /root/data &&
for place in proc sys dev; do mount --move /$place /root/$place; done && mount -t tmpfs tmp /root/tmp && cp /start /script /root/vm &&
exec switch_root /root /vm/start
echo "vm: the disks do not mount"
reboot -f
`;

/** The first process on the root disk. */
const START = `#!/bin/sh
# The host ends a guest that takes too long; this is for the case that the host's process is gone.
(sleep "$limit"; reboot -f) >/dev/null 2>&1 &
cd /
sh /vm/script </dev/null >/dev/ttyS1 2>/dev/console
printf '\\n%s %d\\n' "$token" $? >/dev/ttyS1
reboot -f
`;

/**
 * Makes the archive.
 *
 * @param busybox The static busybox.
 * @param modules Name and bytes of each kernel module, in the order to load them.
 * @param script The shell script that the guest is to run.
 */
export function initrd(
  busybox: Uint8Array,
  modules: Iterable<[string, Uint8Array]>,
  script: string,
): Uint8Array {
  const archive = new Cpio();
  for (const directory of ["bin", "dev", "modules"]) archive.add(directory, 0o040755);
  archive.add("dev/console", 0o020600, undefined, [5, 1]);
  archive.add("bin/busybox", 0o100755, busybox);
  archive.add("init", 0o100755, encoder.encode(INIT));
  archive.add("start", 0o100755, encoder.encode(START));
  archive.add("script", 0o100644, encoder.encode(script));
  let order = "";
  for (const [name, bytes] of modules) {
    archive.add(`modules/${name}`, 0o100644, bytes);
    order += `${name}\n`;
  }
  archive.add("modules/order", 0o100644, encoder.encode(order));
  return archive.end();
}

/** A writer of cpio archives in the "newc" form (Linux's Documentation/driver-api/early-userspace/buffer-format.rst). */
class Cpio {
  readonly #pieces: Uint8Array[] = [];
  #inode = 0;

  /** Adds an entry; `device` is major and minor. */
  add(
    name: string,
    mode: number,
    body: Uint8Array = new Uint8Array(0),
    device: [number, number] = [0, 0],
  ): void {
    const path = encoder.encode(`${name}\0`);
    const fields = [++this.#inode, mode, 0, 0, 1, 0, body.length, 0, 0, ...device, path.length, 0];
    const header = fields.map((field) => field.toString(16).padStart(8, "0")).join("");
    this.#put(encoder.encode(`070701${header}`), path);
    this.#put(body);
  }

  /** The whole archive. */
  end(): Uint8Array {
    this.add("TRAILER!!!", 0);
    const size = this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
    const archive = new Uint8Array(size);
    let at = 0;
    for (const piece of this.#pieces) {
      archive.set(piece, at);
      at += piece.length;
    }
    return archive;
  }

  /** Appends pieces and pads their sum to four bytes. */
  #put(...pieces: Uint8Array[]): void {
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#pieces.push(...pieces, new Uint8Array((4 - (size % 4)) % 4));
  }
}
