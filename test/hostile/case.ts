/**
 * A hostile image, and what has to come of it.
 *
 * @module
 */

import type { ErrorKind } from "../../src/error.ts";
import type { Limits } from "../../src/limits.ts";
import { type Descriptor, LayoutBuilder, makeConfig, sha256 } from "../support/images.ts";
import { makeTar, type TarPiece } from "../support/tar.ts";

/** What cases aim at. */
export interface Aim {
  /** Absolute path of a directory beside the store that has to stay as it is. */
  readonly outside: string;
}

/** A layer that is more than an archive of pieces, uncompressed. */
export interface OddLayer {
  /** The archive that its DiffID is of. */
  readonly archive: Uint8Array;
  /** The blob; default: the archive. */
  readonly blob?: Uint8Array;
  /** Default: that of an uncompressed layer. */
  readonly mediaType?: string;
}

/** Lowest first. */
export type Layers = readonly (readonly TarPiece[] | OddLayer)[];

/** What cases of all kinds have. */
interface Common {
  /** What is odd, in words. */
  readonly title: string;
  /** Public reports of the same kind in other tools. */
  readonly history?: string;
  readonly limits?: Partial<Limits>;
}

/** An image that is stored and composed. */
export interface TreeCase extends Common {
  readonly layers: Layers | ((aim: Aim) => Layers);
  /**
   * The merged tree in the order of paths, a line for each entry, in the form of `treeLines`.
   */
  readonly tree: readonly string[] | ((aim: Aim) => readonly string[]);
}

/** An image that is refused. */
export interface RefusedCase extends Common {
  /** Its layers, or all of its documents. */
  readonly layers?: Layers | ((aim: Aim) => Layers);
  readonly image?: (layout: LayoutBuilder, aim: Aim) => Descriptor;
  /** Pieces of the message; where the error is a layer's it also has to say which one. */
  readonly refused: readonly string[];
  /** Whether layers of it are right by themselves: what was brought of them may stay until it is collected. */
  readonly partlyRight?: boolean;
  /** Default: `invalid`. */
  readonly kind?: ErrorKind;
}

/** See the module. */
export type HostileCase = TreeCase | RefusedCase;

/** Cases of one kind. */
export interface HostileClass {
  readonly name: string;
  readonly cases: readonly HostileCase[];
  /** What else is tested of this kind, and where. */
  readonly elsewhere: readonly (readonly [item: string, file: string])[];
}

const OCI = "application/vnd.oci.image";

/** Media type of a layer by its suffix: `gzip`, `zstd` or nothing. */
export function layerType(suffix = ""): string {
  return `${OCI}.layer.v1.tar${suffix === "" ? "" : `+${suffix}`}`;
}

/** Adds layers to a layout. */
export function addLayers(
  layout: LayoutBuilder,
  layers: Layers,
): { readonly descriptors: Descriptor[]; readonly diffIds: string[] } {
  const odd = layers.map((layer): OddLayer =>
    "archive" in layer ? layer : { archive: makeTar(layer) }
  );
  return {
    diffIds: odd.map(({ archive }) => sha256(archive)),
    descriptors: odd.map(({ archive, blob = archive, mediaType = layerType() }) =>
      layout.blob(blob, mediaType)
    ),
  };
}

/** Adds a manifest of layers to a layout, with a config that says what is given. */
export function addManifest(
  layout: LayoutBuilder,
  layers: readonly Descriptor[],
  diffIds: readonly string[],
  settings: Readonly<Record<string, unknown>> = {},
): Descriptor {
  const spec = { layers: [], config: settings };
  const config = layout.blob(makeConfig(spec, diffIds), `${OCI}.config.v1+json`);
  const mediaType = `${OCI}.manifest.v1+json`;
  return layout.document({ schemaVersion: 2, mediaType, config, layers }, mediaType);
}
