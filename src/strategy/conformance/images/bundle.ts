/**
 * Several images as one, each in a directory of its own: what is composed once answers for all of them.
 *
 * @module
 */

import { concat, type TarPiece, type Text, toBytes } from "../tar.ts";
import type { Claim, TreeImage } from "./image.ts";

/** Puts images together, layer by layer. Their claims keep their ids, with the image's before them. */
export function bundle(id: string, says: string, images: readonly TreeImage[]): TreeImage {
  return {
    id,
    says,
    layers() {
      const all = images.map((image) => image.layers().map((layer) => moved(layer, image.id)));
      const height = Math.max(...all.map((layers) => layers.length));
      return Array.from({ length: height }, (_, i) => all.flatMap((layers) => layers[i] ?? []));
    },
    claims: images.flatMap((image) =>
      image.claims.map((claim): Claim => ({
        id: `${image.id}/${claim.id}`,
        says: `${image.says}: ${claim.says}`,
        shows: Object.fromEntries(
          Object.entries(claim.shows).map((
            [path, fields],
          ) => [`${image.id}/${path}`, movedLink(fields, image.id)]),
        ),
      }))
    ),
  };
}

function moved(layer: readonly TarPiece[], to: string): TarPiece[] {
  return layer.map((piece) => {
    if (piece instanceof Uint8Array) throw new Error("only members can be moved");
    const { name, link, type, pax } = piece;
    return {
      ...piece,
      name: below(to, name),
      ...type === "link" ? { link: below(to, link!) } : {},
      ...pax === undefined ? {} : { pax: movedSparse(pax, to) },
    };
  });
}

function below(directory: string, name: Text): Uint8Array {
  return concat(toBytes(`${directory}/`), toBytes(name));
}

/** The name of a sparse file stands in its records. */
function movedSparse(pax: Readonly<Record<string, Text>>, to: string): Record<string, Text> {
  const name = pax["GNU.sparse.name"];
  return name === undefined ? { ...pax } : { ...pax, "GNU.sparse.name": below(to, name) };
}

/** The field of a link group names its first path. */
function movedLink(fields: string | null, to: string): string | null {
  return fields === null ? null : fields.replace(/(^| )link=/, `$1link=${to}/`);
}
