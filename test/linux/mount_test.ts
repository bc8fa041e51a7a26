import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  attachLoop,
  check,
  E2BIG,
  EBADF,
  EINVAL,
  ENODEV,
  EROFS,
  EROFS_SUPER_MAGIC,
  Fd,
  fromCString,
  fsconfigCreate,
  fsconfigFd,
  fsconfigFlag,
  fsconfigString,
  fsMessage,
  fsmount,
  fsopen,
  fstatfs,
  MNT_DETACH,
  mount,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_RDONLY,
  mountSetattr,
  MOVE_MOUNT_F_EMPTY_PATH,
  moveMount,
  MS_BIND,
  MS_RDONLY,
  O_CREAT,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  OPEN_TREE_CLONE,
  openat,
  openTree,
  OVERLAYFS_SUPER_MAGIC,
  readDirectory,
  umount2,
  UMOUNT_NOFOLLOW,
} from "../../src/linux/mod.ts";
import { cannotMount, lacks, needs } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";

/** The names in a mount: its own descriptor is a mere handle (O_PATH), which cannot be read from. */
function names(mount: number): string[] {
  using fd = Fd.openat(mount, ".", O_RDONLY | O_DIRECTORY);
  return readDirectory(fd.n).map(({ name }) => fromCString(name)).sort();
}

function begin(type: string): Fd {
  return Fd.adopt(check(fsopen(type), "fsopen", type));
}

/** The lines of mountinfo for a mount point. */
function mounted(path: string): string[] {
  return Deno.readTextFileSync("/proc/self/mountinfo").split("\n")
    .filter((line) => line.split(" ")[4] === path);
}

/** Lower directories `a` (file x) and `b` (file y), and upper, work and m. */
class Site implements Disposable {
  readonly #tmp = new TempDir();
  readonly path = this.#tmp.path;

  constructor() {
    for (const name of ["a", "b", "upper", "work", "m"]) Deno.mkdirSync(`${this.path}/${name}`);
    Deno.writeTextFileSync(`${this.path}/a/x`, "of a");
    Deno.writeTextFileSync(`${this.path}/b/x`, "of b");
    Deno.writeTextFileSync(`${this.path}/b/y`, "of b");
  }

  [Symbol.dispose](): void {
    while (umount2(`${this.path}/m`, MNT_DETACH) === 0);
    this.#tmp[Symbol.dispose]();
  }
}

Deno.test({
  ...needs("overlay: detached, usable, attached, read-only, gone", cannotMount("overlay")),
  fn() {
    using site = new Site();
    const target = `${site.path}/m`;
    using fs = begin("overlay");
    assertEquals(fsconfigString(fs.n, "source", "a test"), 0);
    assertEquals(fsconfigString(fs.n, "lowerdir+", `${site.path}/a`), 0);
    assertEquals(fsconfigString(fs.n, "lowerdir+", `${site.path}/b`), 0);
    assertEquals(fsconfigString(fs.n, "upperdir", `${site.path}/upper`), 0);
    assertEquals(fsconfigString(fs.n, "workdir", `${site.path}/work`), 0);
    assertEquals(fsconfigCreate(fs.n), 0, fsMessage(fs.n));
    using root = Fd.adopt(check(fsmount(fs.n, 0, MOUNT_ATTR_NOEXEC), "fsmount", "overlay"));

    assertEquals(names(root.n), ["x", "y"]);
    assertEquals(fstatfs(root.n).type, OVERLAYFS_SUPER_MAGIC);
    {
      using _ = Fd.openat(root.n, "new", O_RDWR | O_CREAT, 0o644);
    }
    assertEquals(Deno.statSync(`${site.path}/upper/new`).size, 0);
    assertEquals(mounted(target), []);

    assertEquals(moveMount(root.n, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH), 0);
    assertEquals(mounted(target).length, 1);
    assertStringIncludes(mounted(target)[0], "noexec");
    assertEquals(Deno.readTextFileSync(`${target}/x`), "of a");

    assertEquals(mountSetattr(AT_FDCWD, target, 0, { set: MOUNT_ATTR_RDONLY }), 0);
    assertEquals(openat(AT_FDCWD, `${target}/more`, O_RDWR | O_CREAT, 0o644), -EROFS);
    assertEquals(mountSetattr(root.n, "", AT_EMPTY_PATH, { clear: MOUNT_ATTR_RDONLY }), 0);
    {
      using _ = Fd.open(`${target}/more`, O_RDWR | O_CREAT, 0o644);
    }
    assertEquals(umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW), 0);
    assertEquals(mounted(target), []);
    assertEquals(umount2(target, MNT_DETACH), -EINVAL);
  },
});

Deno.test({
  ...needs("overlay: layers by descriptor, among them a detached mount", cannotMount("overlay")),
  fn() {
    using site = new Site();
    using inner = begin("tmpfs");
    assertEquals(fsconfigCreate(inner.n), 0);
    using memory = Fd.adopt(check(fsmount(inner.n, 0, 0), "fsmount", "tmpfs"));
    {
      using _ = Fd.openat(memory.n, "z", O_RDWR | O_CREAT, 0o644);
    }
    using a = Fd.open(`${site.path}/a`, O_PATH | O_DIRECTORY);
    using fs = begin("overlay");
    const first = fsconfigFd(fs.n, "lowerdir+", a.n);
    // Descriptors of layers are Linux 6.13, these two kinds 6.15.
    if (first === -EINVAL) return;
    assertEquals(first, 0);
    assertEquals(fsconfigFd(fs.n, "lowerdir+", memory.n), 0, fsMessage(fs.n));
    assertEquals(fsconfigCreate(fs.n), 0, fsMessage(fs.n));
    using root = Fd.adopt(check(fsmount(fs.n, 0, 0), "fsmount", "overlay"));
    memory[Symbol.dispose]();
    a[Symbol.dispose]();
    assertEquals(names(root.n), ["x", "z"]);
  },
});

Deno.test({
  ...needs("the kernel's message, and values that are too long", cannotMount("overlay")),
  fn() {
    using site = new Site();
    using fs = begin("overlay");
    assertEquals(fsMessage(fs.n), "");
    assertEquals(fsconfigFlag(fs.n, "no_such_option"), -EINVAL);
    const message = fsMessage(fs.n);
    assertStringIncludes(message, "no_such_option");
    assert(!/^[ewi] /.test(message) && !message.includes("\n"), message);
    assertEquals(fsMessage(fs.n), "", "it is given once");
    assertEquals(fsconfigString(fs.n, "lowerdir+", `/${"x".repeat(255)}`), -EINVAL);
    fsMessage(fs.n);
    assertEquals(fsconfigString(fs.n, "upperdir", `${site.path}/absent`) < 0, true);
    assert(fsmount(fs.n, 0, 0) < 0, "nothing was created");
    assertEquals(fsopen("nosuchfilesystem"), -ENODEV);
    assertEquals(fsconfigCreate(-1), -EINVAL);
    assertEquals(moveMount(-1, "", AT_FDCWD, site.path, MOVE_MOUNT_F_EMPTY_PATH), -EBADF);
    assertEquals(mountSetattr(-1, "", AT_EMPTY_PATH, { set: MOUNT_ATTR_RDONLY }), -EBADF);
  },
});

Deno.test({
  ...needs("a detached copy of a tree, and a tmpfs of a given size", cannotMount()),
  fn() {
    using site = new Site();
    const target = `${site.path}/m`;
    using tree = Fd.adopt(
      check(openTree(AT_FDCWD, `${site.path}/a`, OPEN_TREE_CLONE), "open_tree", "a"),
    );
    assertEquals(names(tree.n), ["x"]);
    assertEquals(moveMount(tree.n, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH), 0);
    assertEquals(Deno.readTextFileSync(`${target}/x`), "of a");

    using fs = begin("tmpfs");
    assertEquals(fsconfigString(fs.n, "size", "1048576"), 0);
    assertEquals(fsconfigCreate(fs.n), 0);
    using root = Fd.adopt(check(fsmount(fs.n, 0, 0), "fsmount", "tmpfs"));
    assertEquals(fstatfs(root.n).blocks * fstatfs(root.n).blockSize, 1048576);
  },
});

Deno.test({
  ...needs("mount(2): bind, overlay by an option string, options that are too long", cannotMount()),
  fn() {
    using site = new Site();
    const target = `${site.path}/m`;
    assertEquals(mount(`${site.path}/a`, target, null, MS_BIND), 0);
    assertEquals(Deno.readTextFileSync(`${target}/x`), "of a");
    assertEquals(umount2(target, 0), 0);
    const options = `lowerdir=${site.path}/b:${site.path}/a`;
    assertEquals(mount("overlay", target, "overlay", MS_RDONLY, options), 0);
    assertEquals(Deno.readTextFileSync(`${target}/x`), "of b");
    assertEquals(umount2(target, 0), 0);
    assertEquals(mount("overlay", target, "overlay", 0, `lowerdir=${"x".repeat(5000)}`), -E2BIG);
    assertEquals(mount("none", target, "nosuchfilesystem", 0), -ENODEV);
  },
});

/** An EROFS image with one file. */
async function makeErofs(path: string): Promise<string> {
  Deno.mkdirSync(`${path}/tree`);
  Deno.writeTextFileSync(`${path}/tree/hello`, "from an image");
  const { success, stderr } = await new Deno.Command("mkfs.erofs", {
    args: [`${path}/image`, `${path}/tree`],
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return `${path}/image`;
}

for (const by of ["file", "loop device"]) {
  Deno.test({
    ...needs(`EROFS by ${by}, never attached`, lacks("mkfs.erofs"), cannotMount("erofs")),
    async fn() {
      using tmp = new TempDir();
      using image = Fd.open(await makeErofs(tmp.path), O_RDONLY);
      using loop = by === "file" ? undefined : attachLoop(image.n, {
        readOnly: true,
        directIo: true,
        autoclear: true,
        blockSize: 4096,
      });
      using fs = begin("erofs");
      const source = loop?.path ?? `/proc/self/fd/${image.n}`;
      assertEquals(fsconfigString(fs.n, "source", source), 0);
      assertEquals(fsconfigFlag(fs.n, "ro"), 0);
      assertEquals(fsconfigCreate(fs.n), 0, fsMessage(fs.n));
      using root = Fd.adopt(check(fsmount(fs.n, 0, MOUNT_ATTR_RDONLY), "fsmount", "erofs"));
      loop?.[Symbol.dispose]();
      assertEquals(names(root.n), ["hello"]);
      assertEquals(fstatfs(root.n).type, EROFS_SUPER_MAGIC);
    },
  });
}
