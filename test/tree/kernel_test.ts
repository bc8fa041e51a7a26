// Others' opinion of our images: erofs-utils accept them, and the kernel mounts them and shows the tree.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  attachLoop,
  check,
  ENOTBLK,
  Fd,
  fsconfigCreate,
  fsconfigFlag,
  fsconfigString,
  fsmount,
  fsopen,
  MOUNT_ATTR_RDONLY,
  O_RDONLY,
} from "../../src/linux/mod.ts";
import {
  type Inode,
  major,
  minor,
  parseDump,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  STUB_NAMES,
  writeErofs,
} from "../../src/tree/mod.ts";
import { cannotMount, lacks, needs } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { TempDir } from "../support/temp.ts";
import { anyLeaf, anyTree } from "./arbitrary.ts";

const TYPES: Record<number, string> = {
  [S_IFIFO]: "fifo",
  [S_IFCHR]: "char",
  [S_IFDIR]: "directory",
  [S_IFBLK]: "block",
  [S_IFREG]: "file",
  [S_IFLNK]: "symlink",
  [S_IFSOCK]: "socket",
};

/** Xattrs that every kernel shows as they are: not ACLs, nor what EROFS has no prefix for, nor what composefs escapes. */
const isShown = (key: string) =>
  /^(user|trusted|security)\./.test(key) && !key.startsWith("trusted.overlay.");

const escape = (bytes: string) =>
  bytes.replace(
    /[^\x21-\x5b\x5d-\x7e]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );

/** What a snapshot of a mount of the tree's image must be. */
function expected(root: Inode): Map<string, string> {
  const lines = new Map<string, string>();
  const groups = new Map<Inode, string[]>();
  const visit = (path: string, inode: Inode) => {
    const type = TYPES[inode.mode & S_IFMT];
    const line = [type];
    if (type !== "symlink") line.push(`mode=${(inode.mode & 0o7777).toString(8)}`);
    line.push(`owner=${inode.uid}:${inode.gid}`);
    if (type === "char" || type === "block") {
      line.push(`rdev=${major(inode.rdev)}:${minor(inode.rdev)}`);
    }
    line.push(`mtime=${inode.mtime}.${String(inode.nsec).padStart(9, "0")}`);
    for (const [key, value] of [...inode.xattrs ?? []].sort(([a], [b]) => a < b ? -1 : 1)) {
      if (isShown(key)) line.push(`xattr:${escape(key)}=${escape(String.fromCharCode(...value))}`);
    }
    if (type === "symlink") line.push(`target=${escape(inode.target)}`);
    lines.set(path, line.join(" "));
    if (inode.children === null) groups.set(inode, [...groups.get(inode) ?? [], path]);
    for (const [name, child] of inode.children ?? []) {
      visit(path === "." ? name : `${path}/${name}`, child);
    }
  };
  visit(".", root);
  for (const paths of groups.values()) {
    if (paths.length < 2) continue;
    const first = escape(paths.reduce((a, b) => a < b ? a : b));
    for (const path of paths) lines.set(path, `${lines.get(path)} link=${first}`);
  }
  return lines;
}

/** Mounts an image, without attaching the mount anywhere. */
function mountErofs(source: string): Fd {
  using fs = Fd.adopt(check(fsopen("erofs"), "fsopen", "erofs"));
  check(fsconfigString(fs.n, "source", source), "fsconfig", source);
  check(fsconfigFlag(fs.n, "ro"), "fsconfig", "ro");
  check(fsconfigCreate(fs.n), "fsconfig", source);
  return Fd.adopt(check(fsmount(fs.n, 0, MOUNT_ATTR_RDONLY), "fsmount", source));
}

/** What a mount shows, without the stubs that composefs adds. */
function shown(mount: Fd, root: Inode): Map<string, string> {
  const lines = snapshot(`/proc/self/fd/${mount.n}/.`, { content: false, xattrs: isShown });
  for (const name of STUB_NAMES) if (!root.children!.has(name)) lines.delete(name);
  return lines;
}

/** Why images cannot be mounted from files; undefined if they can. */
function cannotMountFiles(): string | undefined {
  const reason = cannotMount("erofs");
  if (reason !== undefined) return reason;
  using dir = new TempDir();
  Deno.writeFileSync(`${dir.path}/image`, writeErofs(sample()));
  try {
    mountErofs(`${dir.path}/image`)[Symbol.dispose]();
  } catch (error) {
    if ((error as { errno?: number }).errno === ENOTBLK) {
      return "EROFS mounts no files before Linux 6.12";
    }
    throw error;
  }
}

/** cap_net_raw, permitted and effective, as the kernel has it (VFS_CAP_REVISION_2); it shows no other values. */
const CAPABILITY = "\\x01\\x00\\x00\\x02\\x00\\x20" + "\\x00".repeat(14);

/** Takes out of a tree what the kernel does not show as it is: malformed ACLs and capabilities, user xattrs of devices, the owner -1. */
function makePresentable(inode: Inode): void {
  const type = inode.mode & S_IFMT;
  const hidden = type === S_IFREG || type === S_IFDIR
    ? "security.capability"
    : /^(user\.|security\.capability$)/;
  for (const key of [...inode.xattrs?.keys() ?? []]) {
    if (!isShown(key) || key.match(hidden)) inode.xattrs!.delete(key);
  }
  if (inode.uid === 0xffffffff) inode.uid = 0xfffffffe;
  for (const child of inode.children?.values() ?? []) makePresentable(child);
}

/** A tree with every kind of thing, in blocks and in tails. */
function sample(): Inode {
  const crowd = Array.from(
    { length: 300 },
    (_, i) => `/crowd/${i}-${"n".repeat(i % 50)} 0 100644 1 0 0 0 0.0 - - -`,
  );
  const lines = [
    "/ 4096 40755 2 0 0 0 10.5 - - - security.selinux=root user.x=y",
    "/- 0 100600 1 0 0 0 0.0 - - -",
    "/00 0 40700 2 1 2 0 -1.5 - - - user.x=y",
    "/00/hard 0 @100644 1 0 0 0 0.0 /inline - -",
    "/char 0 20666 1 0 0 1288 0.0 - - -",
    "/crowd 0 41777 2 0 0 0 3.4 - - -",
    ...crowd,
    "/fifo 0 10644 1 0 0 0 0.0 - - -",
    `/inline 6 104755 2 70000 3 0 20.000000007 - hello\\n - user.x=y trusted.t=1 security.capability=${CAPABILITY}`,
    `/large ${"3000"} 100644 1 0 0 0 0.0 - ${"c".repeat(3000)} -`,
    `/larger ${"5000"} 100644 1 0 0 0 0.0 - ${"d".repeat(5000)} -`,
    "/sock 0 140755 1 0 0 0 0.0 - - -",
    "/sym 0 120777 1 4 5 0 6.7 inline - -",
    `/symlong 0 120777 1 0 0 0 0.0 ${"t".repeat(4095)} - -`,
    "",
  ].join("\n");
  return parseDump(Uint8Array.from(lines, (c) => c.charCodeAt(0)));
}

async function run(program: string, ...args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    stdout: "piped",
    stderr: "piped",
  }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test({
  ...needs("the kernel mounts an image from its file and shows the tree", cannotMountFiles()),
  fn() {
    using dir = new TempDir();
    const root = sample();
    Deno.writeFileSync(`${dir.path}/image`, writeErofs(root));
    using mount = mountErofs(`${dir.path}/image`);
    assertEquals(diffSnapshots(expected(root), shown(mount, root)), []);
    const at = `/proc/self/fd/${mount.n}`;
    assertEquals(Deno.readTextFileSync(`${at}/00/hard`), "hello\n");
    assertEquals(Deno.readTextFileSync(`${at}/large`), "c".repeat(3000));
    assertEquals(Deno.readTextFileSync(`${at}/larger`), "d".repeat(5000));
  },
});

Deno.test({
  ...needs("property: the kernel shows any tree from its image", cannotMountFiles()),
  fn() {
    using dir = new TempDir();
    fc.assert(
      fc.property(anyTree(anyLeaf), (root) => {
        makePresentable(root);
        Deno.writeFileSync(`${dir.path}/image`, writeErofs(root));
        using mount = mountErofs(`${dir.path}/image`);
        assertEquals(diffSnapshots(expected(root), shown(mount, root)), []);
      }),
      { numRuns: 40 },
    );
  },
});

Deno.test({
  ...needs(
    "the kernel mounts an image from a loop device and shows the tree",
    cannotMount("erofs"),
  ),
  fn() {
    using dir = new TempDir();
    const root = sample();
    Deno.writeFileSync(`${dir.path}/image`, writeErofs(root, { format: "v1" }));
    using file = Fd.open(`${dir.path}/image`, O_RDONLY);
    using loop = attachLoop(file.n, { readOnly: true, autoclear: true });
    using mount = mountErofs(loop.path);
    assertEquals(diffSnapshots(expected(root), shown(mount, root)), []);
  },
});

Deno.test({
  ...needs("property: fsck.erofs accepts every image", lacks("fsck.erofs")),
  async fn() {
    using dir = new TempDir();
    const check = async (root: Inode) => {
      Deno.writeFileSync(`${dir.path}/image`, writeErofs(root));
      const { code, text } = await run("fsck.erofs", `${dir.path}/image`);
      assertEquals(code, 0, text);
    };
    await check(sample());
    await fc.assert(fc.asyncProperty(anyTree(), check), { numRuns: 20 });
  },
});

Deno.test({
  ...needs("dump.erofs shows the superblock and files of an image", lacks("dump.erofs")),
  async fn() {
    using dir = new TempDir();
    Deno.writeFileSync(`${dir.path}/image`, writeErofs(sample()));
    const { code, text } = await run("dump.erofs", "-s", `${dir.path}/image`);
    assertEquals(code, 0, text);
    // The root, 255 stubs (it has a 00 of its own), 11 more entries and 300 in the crowd.
    assert(/inode count:\s+567\b/.test(text), text);
    const file = await run("dump.erofs", "--path=/inline", `${dir.path}/image`);
    assert(/Size:\s+6\b.*Links:\s+2\b/s.test(file.text), file.text);
    assert(/Uid:\s+70000\b.*Access:\s+0755/s.test(file.text), file.text);
  },
});
