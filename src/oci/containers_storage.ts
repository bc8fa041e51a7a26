/**
 * Images of a containers/storage store, where podman, buildah, skopeo and CRI-O keep theirs: unpacked.
 *
 * The layers' blobs are not there any more. Their archives are put together again from what the store keeps, and must have the DiffIDs that
 * the image's config says; the digests of the blobs are taken from its manifest.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import type { Limits } from "../limits.ts";
import type { SplitSource } from "../layer/mod.ts";
import { userDirectory } from "../user_directory.ts";
import {
  type Config,
  excerpt,
  type Manifest,
  parseConfig,
  parseManifest,
  parseObject,
} from "./documents.ts";
import { digestOf, readDocument, readVerified, statIfThere } from "./files.ts";
import {
  type AvailableImage,
  checkLayerCount,
  checkManifest,
  checkPlatform,
  enumerate,
  type ImageSource,
  type ResolvedImage,
  usableNames,
} from "./image.ts";
import { kindOf, OCI_MANIFEST } from "./media_types.ts";
import { type Platform } from "./platform.ts";
import { fullName } from "./reference.ts";
import { formatStorage, type StorageReference } from "./storage_reference.ts";
import { StorageTables, type StoredImage } from "./storage_tables.ts";

/**
 * Where the storage is when nobody says: as containers-storage.conf(5) has it when it is not configured.
 *
 * @throws {LaminaError} `usage` where the user has no home.
 */
function defaultStorage(): string {
  if (Deno.uid() === 0) return "/var/lib/containers/storage";
  const data = userDirectory("XDG_DATA_HOME");
  if (data === undefined) {
    throw new LaminaError("usage", "finding the storage: neither HOME nor XDG_DATA_HOME is set", {
      hint: "Name it: containers-storage:[/DIRECTORY]NAME",
    });
  }
  return `${data}/containers/storage`;
}

/** A containers/storage store. */
export class ContainersStorageSource implements ImageSource {
  readonly #tables: StorageTables;
  readonly #reference: StorageReference;
  readonly #limits: Limits;

  private constructor(tables: StorageTables, reference: StorageReference, limits: Limits) {
    this.#tables = tables;
    this.#reference = reference;
    this.#limits = limits;
  }

  /** Opens the store, see {@link StorageTables.open}. */
  static async open(
    reference: StorageReference,
    limits: Limits,
  ): Promise<ContainersStorageSource> {
    const { root = defaultStorage(), driver } = reference;
    const tables = await StorageTables.open(root, driver);
    return new ContainersStorageSource(tables, { ...reference, root }, limits);
  }

  /** See {@link ImageSource.list}. */
  list(): Promise<AvailableImage[]> {
    return Promise.resolve().then(() =>
      this.#tables.images().flatMap(({ names, id, digest }) =>
        (names.length > 0 ? names : [undefined]).map((name) => {
          const reference = formatStorage(this.#named(name === undefined ? { id } : { name }));
          return { name, digest, platform: undefined, reference };
        })
      )
    );
  }

  /** See {@link ImageSource.resolve}. */
  resolve(platform?: Platform): Promise<ResolvedImage> {
    return Promise.resolve().then(() => this.#load(this.#choose(), platform));
  }

  /** Lets others change the store again. */
  [Symbol.dispose](): void {
    this.#tables[Symbol.dispose]();
  }

  #named(image: { readonly name?: string; readonly id?: string }): StorageReference {
    const { transport, root } = this.#reference;
    return { transport, root, driver: this.#tables.driver, ...image };
  }

  #choose(): StoredImage {
    const { name, id } = this.#reference;
    const images = this.#tables.images();
    const found = images.filter((image) =>
      id !== undefined ? image.id.startsWith(id) : name === undefined || isCalled(image, name)
    );
    if (found.length === 1) return found[0];
    const there = images.length === 0
      ? "nothing"
      : enumerate(images.map((image) => image.names[0] ?? image.id.slice(0, 12)));
    const what = `finding the image in ${this.#tables.subject}`;
    const hint = `Name one of these, as ${formatStorage(this.#named({ name: "NAME:TAG" }))}.`;
    if (found.length > 1) {
      throw new LaminaError("usage", `${what}: several are meant; it has ${there}`, { hint });
    }
    const why = id !== undefined
      ? `none has the id ${id}`
      : name !== undefined
      ? `none is called ${name}`
      : "there is none";
    throw new LaminaError("not-found", `${what}: ${why}; it has ${there}`, { hint });
  }

  #load(image: StoredImage, wanted: Platform | undefined): ResolvedImage {
    const name = excerpt(image.names[0] ?? image.id.slice(0, 12));
    const subject = `image ${name} of ${this.#tables.subject}`;
    const { bytes, digest, manifest } = this.#manifest(image, subject);
    const config = this.#config(image, manifest, subject);
    checkLayerCount(manifest.layers.length, config.config, subject, this.#limits);
    const { platform, diffIds } = config.config;
    checkPlatform(wanted, platform, subject);
    const stored = this.#tables.layersOf(image);
    if (stored.length !== diffIds.length) {
      throw new LaminaError(
        "invalid",
        `${subject}: it has ${stored.length} layers, its config has ${diffIds.length} diff_ids`,
        { hint: "Pull it again into that storage." },
      );
    }
    const layers = manifest.layers.map((layer, index): SplitSource => {
      const place = this.#tables.placeOf(stored[index]);
      if (statIfThere(place.tarSplit) === undefined) {
        throw new LaminaError(
          "unsupported",
          `${subject}: layer ${index + 1} cannot be made again: ${place.tarSplit} is missing`,
          { hint: "Pull the image into that storage again, or take it from where it came from." },
        );
      }
      const { digest, size: length, mediaType } = layer;
      const diffId = diffIds[index];
      return { ...place, unpacked: stored[index].size, digest, length, mediaType, diffId };
    });
    return {
      digest,
      manifest: bytes,
      config: config.bytes,
      platform,
      layers,
      names: this.#names(image),
    };
  }

  /** The image's own manifest: beside it there may be that of an index it was chosen from. */
  #manifest(image: StoredImage, subject: string) {
    const names = [...image.digest === undefined ? [] : [`manifest-${image.digest}`], "manifest"];
    const extent = names.map((name) => this.#tables.document(image, name))
      .find((found) => found !== undefined);
    if (extent === undefined) {
      throw new LaminaError("invalid", `${subject}: its manifest is missing`, {
        hint: "Pull it again into that storage.",
      });
    }
    const bytes = readDocument(extent, `the manifest of ${subject}`, this.#limits.documentBytes);
    const digest = digestOf(bytes);
    if (image.digest?.startsWith("sha256:") && image.digest !== digest) {
      throw new LaminaError("invalid", `${subject}: its manifest has the digest ${digest}`, {
        hint: "The storage is damaged: pull the image into it again.",
      });
    }
    const { mediaType } = parseObject(bytes, subject);
    const type = typeof mediaType === "string" ? mediaType : OCI_MANIFEST;
    if (kindOf(type) !== "manifest") {
      throw new LaminaError(
        "unsupported",
        `${subject}: its manifest is of the type ${excerpt(type)}`,
        {
          hint: "Convert it: skopeo copy --format oci containers-storage:NAME oci:DIR:TAG",
        },
      );
    }
    const manifest = parseManifest(bytes, type, subject);
    checkManifest(manifest, subject);
    return { bytes, digest, manifest };
  }

  #config(
    image: StoredImage,
    { config }: Manifest,
    subject: string,
  ): { bytes: Uint8Array; config: Config } {
    const extent = this.#tables.document(image, config.digest);
    if (extent === undefined) {
      throw new LaminaError("invalid", `${subject}: its config ${config.digest} is missing`, {
        hint: "Pull it again into that storage.",
      });
    }
    const what = `the config of ${subject}`;
    const bytes = readVerified(extent, config, what, this.#limits.documentBytes);
    return { bytes, config: parseConfig(bytes, what) };
  }

  /** The name that was asked for first. */
  #names(image: StoredImage): string[] {
    const { name } = this.#reference;
    const asked = name === undefined ? [] : image.names.filter((one) => sameName(one, name));
    return usableNames([...asked, ...image.names]);
  }
}

/** Whether an image is meant by a name, which may have a digest instead of the tag or behind it. */
function isCalled(image: StoredImage, name: string): boolean {
  const at = name.indexOf("@");
  if (at === -1) return image.names.some((one) => sameName(one, name));
  const digest = name.slice(at + 1);
  return image.digest === digest || image.documents.includes(`manifest-${digest}`);
}

function sameName(stored: string, asked: string): boolean {
  if (stored === asked) return true;
  try {
    const name = fullName(stored);
    // A name without a host may be a local one, as podman has it.
    return name === fullName(asked) || name === fullName(`localhost/${asked}`);
  } catch {
    return false;
  }
}
