/**
 * Opens what a reference names.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { DEFAULT_LIMITS, type Limits } from "../limits.ts";
import { ArchiveFiles } from "./archive.ts";
import { ContainerdFiles, containerdImages } from "./containerd.ts";
import { ContainersStorageSource } from "./containers_storage.ts";
import { DockerArchiveSource } from "./docker_archive.ts";
import { DirectoryFiles, statIfThere } from "./files.ts";
import type { ImageSource } from "./image.ts";
import { LayoutSource } from "./layout.ts";
import { formatReference, type Reference } from "./reference.ts";
import { SharedBlobFiles } from "./shared_blobs.ts";

/** How a source is opened. */
export interface SourceOptions {
  /** Bounds that differ from the defaults. */
  readonly limits?: Partial<Limits>;
  /** For a layout: a directory that has its blobs, or some of them, as `<algorithm>/<hex>`. */
  readonly sharedBlobs?: string;
}

/**
 * Opens the source of a reference.
 *
 * @throws {LaminaError} `not-found`, `usage`, `invalid` or `unsupported`, with what to do.
 */
export function openSource(
  reference: Reference,
  options: SourceOptions = {},
): Promise<ImageSource> {
  return Promise.resolve().then(() => open(reference, options));
}

function open(reference: Reference, options: SourceOptions): ImageSource | Promise<ImageSource> {
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { sharedBlobs } = options;
  if (sharedBlobs !== undefined && reference.transport !== "oci") {
    throw new LaminaError("usage", `opening ${formatReference(reference)}: it shares no blobs`, {
      hint: "Only a layout (oci:DIR) can have its blobs in another directory.",
    });
  }
  switch (reference.transport) {
    case "oci": {
      const files = openDirectory(reference.path);
      const all = sharedBlobs === undefined
        ? files
        : new SharedBlobFiles(files, openDirectory(sharedBlobs).subject);
      return new LayoutSource(all, reference, limits);
    }
    case "containerd": {
      const files = new ContainerdFiles(reference.path);
      const images = () => containerdImages(files, reference, limits);
      return new LayoutSource(files, reference, limits, images);
    }
    case "oci-archive":
      return new LayoutSource(new ArchiveFiles(reference.path, limits), reference, limits);
    case "docker-archive":
      return new DockerArchiveSource(new ArchiveFiles(reference.path, limits), reference, limits);
    case "containers-storage":
      return ContainersStorageSource.open(reference, limits);
    case "docker": {
      const { tag, repository } = reference;
      const name = tag ?? repository.split("/").pop();
      throw new LaminaError(
        "unsupported",
        `opening ${formatReference(reference)}: registries are not supported yet`,
        {
          hint: `Copy the image first: skopeo copy ${
            formatReference(reference)
          } oci:DIR:${name}, then use oci:DIR:${name}`,
        },
      );
    }
  }
}

function openDirectory(path: string): DirectoryFiles {
  const info = statIfThere(path);
  if (info === undefined) {
    throw new LaminaError("not-found", `opening the layout ${path}: there is no such directory`, {
      hint: "Check the path.",
    });
  }
  if (!info.isDirectory) {
    throw new LaminaError("usage", `opening the layout ${path}: it is not a directory`, {
      hint: `An archive is named by oci-archive:${path} or docker-archive:${path}.`,
    });
  }
  return new DirectoryFiles(path);
}
