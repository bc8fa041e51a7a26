import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { fstat, readMounts, Stat, SysError } from "../../src/linux/mod.ts";
import { mounts, overlay } from "../../src/strategy/mounts.ts";
import { writeSample } from "../../src/strategy/sample.ts";
import { cannotMount, needs, notRoot } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";

const FORMS = ["descriptors", "paths", "options"] as const;

/** Paths that option strings give a meaning to. */
const SPECIAL = ["plain", "a:b", "c,d", "e\\f", "g h", 'i"j', "k=l", "x".repeat(250)];

const reasons = [notRoot(), cannotMount("overlay")];

function names(path: string): string[] {
  return Array.from(Deno.readDirSync(path), (entry) => entry.name).sort();
}

for (const form of FORMS) {
  Deno.test({
    ...needs(
      `mounts: an overlay by ${form}: paths of all kinds, read-only and writable`,
      ...reasons,
    ),
    fn() {
      using temp = new TempDir();
      const lower = SPECIAL.map((name, index) => {
        Deno.mkdirSync(`${temp.path}/${name}`);
        Deno.writeTextFileSync(`${temp.path}/${name}/file-${index}`, name);
        Deno.writeTextFileSync(`${temp.path}/${name}/top`, `${index}`);
        return `${temp.path}/${name}`;
      });
      const expected = [...SPECIAL.map((_, index) => `file-${index}`), "top"];
      {
        using mount = overlay({ lower, readOnly: true }, form);
        assertEquals(names(mount.path), expected);
        assertEquals(Deno.readTextFileSync(`${mount.path}/top`), "0");
        assertThrows(() => Deno.writeTextFileSync(`${mount.path}/new`, ""));
      }
      const [upper, work, target] = ["up:per,\\ ", "wo,r:k\\", "tar get"].map((name) => {
        Deno.mkdirSync(`${temp.path}/${name}`);
        return `${temp.path}/${name}`;
      });
      {
        using mount = overlay({ lower, upper, work, readOnly: false }, form);
        mount.attach(target);
        Deno.writeTextFileSync(`${target}/new`, "written");
      }
      try {
        assertEquals(Deno.readTextFileSync(`${upper}/new`), "written");
        assertEquals(readMounts().filter(({ path }) => path === target).length, 1);
        mounts.unmount(target);
        assertEquals(readMounts().filter(({ path }) => path === target).length, 0);
        mounts.unmount(target);
        assertEquals(names(target), []);
      } finally {
        mounts.unmount(target);
      }
    },
  });

  Deno.test({
    ...needs(`mounts: an overlay by ${form}: over a mount that is attached nowhere`, ...reasons),
    fn() {
      using temp = new TempDir();
      using memory = mounts.tmpfs({ size: 1 << 20 });
      Deno.writeTextFileSync(`${memory.path}/in-memory`, "");
      using mount = overlay({ lower: [memory.fd, temp.path], readOnly: true }, form);
      assertEquals(names(mount.path), ["in-memory"]);
    },
  });
}

Deno.test({
  ...needs("mounts: 499 lower directories; 501 are refused with what to do", ...reasons),
  fn() {
    using temp = new TempDir();
    const lower = Array.from({ length: 501 }, (_, index) => {
      Deno.mkdirSync(`${temp.path}/${index}`);
      Deno.writeTextFileSync(`${temp.path}/${index}/file-${index}`, "");
      return `${temp.path}/${index}`;
    });
    using mount = mounts.overlay({ lower: lower.slice(0, 499), readOnly: true });
    assertEquals(names(mount.path).length, 499);
    const error = assertThrows(
      () => mounts.overlay({ lower, readOnly: true }),
      LaminaError,
      "501 layers",
    );
    assertEquals(error.kind, "unsupported");
  },
});

Deno.test({
  ...needs("mounts: a refusal says what the kernel said", ...reasons),
  fn() {
    using temp = new TempDir();
    const error = assertThrows(
      () => mounts.overlay({ lower: [temp.path], options: { bogus: "1" }, readOnly: true }),
      SysError,
      "bogus=1",
    );
    assertEquals(error.code, "EINVAL");
    assertStringIncludes(error.message, "Unknown parameter");
    const single = assertThrows(
      () => mounts.overlay({ lower: [temp.path], readOnly: true }),
      SysError,
    );
    // From the kernel's log, which not every host lets one read.
    assert(/at least 2 lowerdir|dmesg/.test(single.message), single.message);
    assertThrows(() => mounts.erofs("/proc/self/exe"), SysError, "mount erofs /proc/self/exe");
  },
});

Deno.test({
  ...needs("mounts: whether a loop device is below an image is said", ...reasons),
  fn() {
    // The major number of loop devices; what comes of a file has none of a device.
    const LOOP = 7;
    using disk = new TempDir();
    using memory = mounts.tmpfs({});
    // Of a file in memory the kernel mounts no image itself.
    const places: [string, boolean | undefined][] = [[disk.path, undefined], [memory.path, true]];
    for (const [place, expected] of places) {
      using mount = mounts.erofs(writeSample(place).image);
      const stat = new Stat();
      assertEquals(fstat(mount.fd, stat), 0);
      assertEquals(mount.byLoop, stat.devMajor === LOOP);
      if (expected !== undefined) assertEquals(mount.byLoop, expected);
    }
  },
});

Deno.test({
  ...needs("mounts: what others mounted is left alone", ...reasons),
  fn() {
    using temp = new TempDir();
    const mount = (...args: string[]) => {
      const { success } = new Deno.Command(args[0], { args: args.slice(1) }).outputSync();
      assert(success, args.join(" "));
    };
    mount("mount", "-t", "tmpfs", "somebody", temp.path);
    try {
      mounts.unmount(temp.path);
      assertEquals(readMounts().filter(({ path }) => path === temp.path).length, 1);
      {
        using ours = mounts.tmpfs({ size: 1 << 20, mode: 0o700 });
        ours.attach(temp.path);
      }
      mounts.unmount(temp.path);
      const left = readMounts().filter(({ path }) => path === temp.path);
      assertEquals(left.map(({ source }) => source), ["somebody"]);
    } finally {
      mount("umount", temp.path);
    }
  },
});
