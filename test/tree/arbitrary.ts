/**
 * Random trees for property tests.
 *
 * @module
 */

import fc from "fast-check";
import { type ByteString, Inode, S_IFDIR, S_IFMT } from "../../src/tree/inode.ts";
import { countLinks } from "../../src/tree/count.ts";
import { objectPath } from "../../src/tree/digest.ts";

const bytes = (min: number, max: number): fc.Arbitrary<ByteString> =>
  fc.array(fc.integer({ min: 1, max: 255 }), { minLength: min, maxLength: max })
    .map((list) => String.fromCharCode(...list));

/** Names: ordinary ones that collide often, stubs' names, names that sort around `.` and `..`, any bytes, the longest. */
export const anyName: fc.Arbitrary<ByteString> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("a", "b", "c", "lib", "usr") },
  { weight: 1, arbitrary: fc.constantFrom("00", "7f", "ff", "!x", "-x", "...", ".a", "..b", ".!") },
  { weight: 1, arbitrary: bytes(1, 8).map((s) => s.replaceAll("/", "_")) },
  { weight: 1, arbitrary: fc.integer({ min: 200, max: 255 }).map((n) => "n".repeat(n)) },
).filter((s) => s !== "." && s !== "..");

const anyXattrs = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  {
    weight: 1,
    arbitrary: fc.uniqueArray(
      fc.tuple(
        fc.constantFrom(
          "user.a",
          "user.bb",
          "security.selinux",
          "security.capability",
          "trusted.x",
          "trusted.overlay.x",
          "trusted.overlay.overlay.y",
          "trusted.overlay.whiteout",
          "user.overlay.whiteout",
          "user.overlay.whiteouts",
          "system.posix_acl_access",
          "system.posix_acl_default2",
          "lustre.lov",
          "odd",
        ),
        fc.oneof(fc.constantFrom("", "1", "same"), bytes(0, 20)),
      ),
      { minLength: 1, maxLength: 5, selector: ([key]) => key },
    ).map((pairs) =>
      new Map(pairs.map(([k, v]) => [k, Uint8Array.from(v, (c) => c.charCodeAt(0))]))
    ),
  },
);

const anyMeta = fc.record({
  permissions: fc.constantFrom(0o644, 0o755, 0o4755, 0o1777),
  uid: fc.constantFrom(0, 0, 1000, 65535, 65536, 0xffffffff),
  gid: fc.constantFrom(0, 0, 1000, 65536),
  mtime: fc.constantFrom(0, 0, 10, -5, 5_000_000_000),
  nsec: fc.constantFrom(0, 0, 7, 999_999_999),
  xattrs: anyXattrs,
});

type Meta = typeof anyMeta extends fc.Arbitrary<infer T> ? T : never;

function apply(inode: Inode, meta: Meta): Inode {
  inode.mode = inode.mode & S_IFMT | meta.permissions;
  inode.uid = meta.uid;
  inode.gid = meta.gid;
  inode.mtime = meta.mtime;
  inode.nsec = meta.nsec;
  inode.xattrs = meta.xattrs === null ? null : new Map(meta.xattrs);
  return inode;
}

function make(mode: number, fields: Partial<Inode> = {}): Inode {
  return Object.assign(new Inode(mode), fields);
}

/** Makes an inode of every kind but directories. */
export const anyLeaf: fc.Arbitrary<() => Inode> = fc.oneof(
  fc.constant(() => make(0o100644)),
  fc.tuple(fc.constantFrom(1, 10, 2048, 2049, 4096, 5000), fc.nat(255)).map(([size, byte]) => () =>
    make(0o100644, { size, content: new Uint8Array(size).fill(byte) })
  ),
  fc.tuple(fc.constantFrom(65, 4097, 2 ** 32, 2 ** 33 + 1, 2 ** 50), fc.nat(3), fc.nat(3)).map((
    [size, byte, kind],
  ) =>
  () => {
    const digest = new Uint8Array(32).fill(byte);
    const payload = kind === 1 ? "" : kind === 2 ? "/abs" : objectPath(digest);
    return make(0o100644, { size, digest: kind === 3 ? null : digest, payload });
  }),
  fc.oneof(bytes(1, 30), fc.constantFrom(4030, 4064, 4095).map((n) => "t".repeat(n)))
    .map((target) => () => make(0o120777, { target })),
  fc.tuple(fc.constantFrom(0o020000, 0o060000), fc.constantFrom(1, 259, 0xffffffff))
    .map(([type, rdev]) => () => make(type, { rdev })),
  fc.constantFrom(0o010000, 0o140000).map((type) => () => make(type)),
);

/** Makes whiteouts. */
export const whiteout: fc.Arbitrary<() => Inode> = fc.constant(() => make(0o020000));

/**
 * A tree with everything that the format can hold: hard links, whiteouts, directories of several blocks.
 *
 * @param leaf What its leaves are.
 */
export function anyTree(
  leaf: fc.Arbitrary<() => Inode> = fc.oneof(
    { weight: 8, arbitrary: anyLeaf },
    { weight: 1, arbitrary: whiteout },
  ),
  maxLength = 30,
): fc.Arbitrary<Inode> {
  const entry = fc.record({
    parent: fc.nat(),
    name: anyName,
    meta: anyMeta,
    what: fc.oneof(
      { weight: 3, arbitrary: leaf },
      { weight: 2, arbitrary: fc.constant("directory" as const) },
      { weight: 1, arbitrary: fc.nat().map((link) => ({ link })) },
    ),
  });
  return fc.tuple(anyMeta, fc.array(entry, { maxLength }), fc.nat(20)).map(
    ([rootMeta, entries, crowd]) => {
      const root = apply(new Inode(S_IFDIR), rootMeta);
      const directories = [root];
      const leaves: Inode[] = [];
      for (const { parent, name, meta, what } of entries) {
        const children = directories[parent % directories.length].children!;
        if (children.has(name)) continue;
        if (typeof what === "object") {
          if (leaves.length > 0) children.set(name, leaves[what.link % leaves.length]);
        } else if (what === "directory") {
          const directory = apply(new Inode(S_IFDIR), meta);
          directories.push(directory);
          children.set(name, directory);
        } else {
          const inode = apply(what(), meta);
          leaves.push(inode);
          children.set(name, inode);
        }
      }
      if (crowd === 20) {
        const crowded = directories[directories.length - 1].children!;
        for (let i = 0; i < 300; i++) crowded.set(`crowd-${i}`, new Inode(0o100600));
      }
      countLinks(root);
      return root;
    },
  );
}

/** A tree as plain values, for comparisons: every field, and which names are one inode. */
export function describeTree(root: Inode): Map<string, unknown> {
  const all = new Map<string, unknown>();
  const first = new Map<Inode, string>();
  const visit = (path: string, inode: Inode) => {
    const { children, origin: _, xattrs, ...fields } = inode;
    const known = first.get(inode);
    first.set(inode, known ?? path);
    const attributes = xattrs === null || xattrs.size === 0 ? [] : [...xattrs].sort();
    all.set(path, known ?? { ...fields, digest: inode.digest, payload: inode.payload, attributes });
    for (const name of [...children?.keys() ?? []].sort()) {
      visit(`${path}/${name}`, children!.get(name)!);
    }
  };
  visit("", root);
  return all;
}
