/**
 * The smallest composefs tree with an object, for strategies to try out in a probe.
 *
 * @module
 */

import { fsVerityDigest, Inode, S_IFDIR, S_IFREG, writeErofs } from "../tree/mod.ts";
import type { Sample } from "./plugin.ts";

/** Writes a sample into a directory; see {@link plugin!Host.sample}. */
export function writeSample(directory: string): Sample {
  const content = new Uint8Array(4097).fill(0x6c);
  const file = new Inode(S_IFREG | 0o644);
  file.size = content.length;
  file.setObject(fsVerityDigest(content));
  const root = new Inode(S_IFDIR | 0o755);
  root.children!.set("file", file);
  const [image, objects] = [`${directory}/sample.erofs`, `${directory}/objects`];
  Deno.mkdirSync(`${objects}/${file.payload.slice(0, 2)}`, { recursive: true });
  Deno.writeFileSync(`${objects}/${file.payload}`, content);
  Deno.writeFileSync(image, writeErofs(root, { format: "v1" }));
  return { image, objects, file: "file", content };
}
