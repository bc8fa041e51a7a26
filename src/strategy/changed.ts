/**
 * Files of the store that were written to through a composition that shares them.
 *
 * @module
 */

import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  displayPath,
  Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
  Stat,
  statx,
  toCString,
} from "../linux/mod.ts";
import type { CompositionRecord, Store } from "../store/mod.ts";
import { byteString } from "../tree/latin1.ts";
import { ErofsView, S_IFDIR, S_IFREG } from "../tree/mod.ts";

/**
 * The files of a directory that are the store's own and are not any more what their tree says: by size, time, mode and owner, so that nothing
 * is read. Whoever writes and sets the time back is found by `lamina fsck` alone. Empty where the tree is gone.
 *
 * @returns Absolute paths, printable.
 */
export function changedFiles(store: Store, record: CompositionRecord): string[] {
  const image = store.images.get(record.image);
  if (image === undefined) return [];
  const view = new ErofsView(store.trees.load(image).image);
  const layers = image.layers.map(({ diffId }) => store.layers.directory(diffId));
  const changed: string[] = [];
  const stat = new Stat();
  const differs = (nid: number): boolean =>
    stat.size !== view.size(nid) ||
    // Some filesystems keep whole seconds, and none beyond its range.
    stat.mtime !== view.mtime(nid) && Math.abs(view.mtime(nid)) < 2 ** 31 ||
    stat.nsec !== view.nsec(nid) && stat.nsec !== 0 ||
    store.native && (stat.mode & 0o7777 | S_IFREG) !== (view.mode(nid) & 0o7777 | S_IFREG) ||
    store.native && (stat.uid !== view.uid(nid) || stat.gid !== view.gid(nid));
  const isStores = (object: Uint8Array, path: string): boolean => {
    const { ino } = stat;
    const payload = displayPath(object);
    const names = [`${store.layout.objects}/${payload}`, ...layers.map((fs) => `${fs}/${path}`)];
    return names.some((name) =>
      statx(AT_FDCWD, toCString(name), AT_SYMLINK_NOFOLLOW, stat) === 0 && stat.ino === ino
    );
  };
  const visit = (nid: number, fd: number, prefix: string): void => {
    const below: { nid: number; name: string }[] = [];
    view.entries(nid, (child, type, name, length) => {
      if (type === S_IFDIR) below.push({ nid: child, name: byteString(name, 0, length) });
      if (type !== S_IFREG || statx(fd, name, AT_SYMLINK_NOFOLLOW, stat) < 0) return;
      // What has one name only was made for the composition, or put in the place of what was there.
      if (stat.nlink < 2 || !differs(child)) return;
      const path = prefix + byteString(name, 0, length);
      const object = view.object(child);
      if (object !== null && isStores(object, path)) {
        changed.push(`${record.target}/${displayPath(toCString(path))}`);
      }
    });
    for (const { nid, name } of below) {
      const n = openat(fd, toCString(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (n < 0) continue;
      using directory = Fd.adopt(n);
      visit(nid, directory.n, `${prefix}${name}/`);
    }
  };
  const n = openat(AT_FDCWD, record.target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (n < 0) return [];
  using target = Fd.adopt(n);
  visit(view.rootNid, target.n, "");
  return changed;
}
