/**
 * References to images outside the store, as containers-transports(5) writes them.
 *
 * @module
 */

import { resolve } from "@std/path";
import { LaminaError } from "../error.ts";
import { formatStorage, parseStorage, type StorageReference } from "./storage_reference.ts";

/** An image in a directory of the OCI image layout, in a tar archive of one, or in containerd's store. */
export interface LayoutReference {
  /** Directory, archive, or containerd's root. */
  readonly transport: "oci" | "oci-archive" | "containerd";
  /** As written: absolute, or relative to the working directory. */
  readonly path: string;
  /** Value of the annotation `org.opencontainers.image.ref.name`; in containerd the image's name. */
  readonly tag?: string;
  /** Digest of the manifest, or of the index that leads to it. */
  readonly digest?: string;
  /** Position in index.json, from 0. */
  readonly index?: number;
}

/** An image in a docker-save(1) archive. */
export interface DockerArchiveReference {
  /** Tells the kinds of references apart. */
  readonly transport: "docker-archive";
  /** As written: absolute, or relative to the working directory. */
  readonly path: string;
  /** One of the image's RepoTags, or a short form of it (`alpine` for `docker.io/library/alpine:latest`). */
  readonly name?: string;
  /** Position in manifest.json, from 0. */
  readonly index?: number;
}

/** An image in a registry. */
export interface RegistryReference {
  /** Tells the kinds of references apart. */
  readonly transport: "docker";
  /** Host with its port if it has one. */
  readonly host: string;
  /** Without the host. */
  readonly repository: string;
  /** `latest` where neither a tag nor a digest is said. */
  readonly tag?: string;
  /** Digest of the manifest or index. */
  readonly digest?: string;
}

/** Where an image comes from. */
export type Reference =
  | LayoutReference
  | DockerArchiveReference
  | RegistryReference
  | StorageReference;

/** Transports of containers-transports(5) that lamina does not read, with what to do instead. */
const OTHER_TRANSPORTS: ReadonlySet<string> = new Set([
  "dir",
  "docker-daemon",
  "ostree",
  "sif",
  "tarball",
]);

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
/** A tag as the distribution specification has it. */
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
/** `org.opencontainers.image.ref.name` as the image specification's annotations.md has it. */
const REF_NAME = /^[A-Za-z0-9]+(?:(?:[-._:@+/]|--)[A-Za-z0-9]+)*$/;
/** A component of a repository's name in the distribution specification. */
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const HOST =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/;

const FORMS =
  "Write oci:DIR[:TAG|@DIGEST], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG], containers-storage:NAME, containerd:ROOT:NAME or docker://HOST/REPOSITORY[:TAG|@DIGEST].";

function fail(text: string, why: string, hint = FORMS): never {
  throw new LaminaError("usage", `reference ${JSON.stringify(text.slice(0, 500))}: ${why}`, {
    hint,
  });
}

/** Whether a path names something; a question of {@link parseReference} about paths that hold colons. */
function existsOnDisk(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Splits `PATH[:REST]`. containers-transports(5) ends the path at the first colon. A path that holds colons itself is found by looking:
 * the shortest beginning that exists, ending before a colon or at the end, is the path, so that what podman understands means the same.
 */
function splitPath(text: string, exists: (path: string) => boolean): [string, string | undefined] {
  const first = text.indexOf(":");
  if (first === -1) return [text, undefined];
  for (let colon = first; colon !== -1; colon = text.indexOf(":", colon + 1)) {
    if (exists(text.slice(0, colon))) return [text.slice(0, colon), text.slice(colon + 1)];
  }
  return exists(text) ? [text, undefined] : [text.slice(0, first), text.slice(first + 1)];
}

/** Parses the digits after `:@`. */
function parseIndex(digits: string): number | undefined {
  return /^(?:0|[1-9][0-9]{0,8})$/.test(digits) ? Number(digits) : undefined;
}

function parseLayout(
  transport: LayoutReference["transport"],
  text: string,
  details: string,
  exists: (path: string) => boolean,
): LayoutReference {
  const at = details.lastIndexOf("@");
  const digest = at === -1 ? undefined : details.slice(at + 1);
  if (digest !== undefined && DIGEST.test(digest)) {
    const before = details.slice(0, at);
    // Both DIR@DIGEST and DIR:@DIGEST; with a tag too, both must lead to the same image.
    const [path, rest] = splitPath(before, exists);
    if (path === "") fail(text, "the path is empty");
    if (rest !== undefined && rest !== "" && !REF_NAME.test(rest)) {
      fail(text, `${rest} is not a tag`);
    }
    return { transport, path, digest, ...(rest ? { tag: rest } : {}) };
  }
  const [path, rest] = splitPath(details, exists);
  if (path === "") fail(text, "the path is empty");
  if (/@sha(?:256|512)$/i.test(path) && !exists(path)) {
    badDigest(text, details.slice(path.lastIndexOf("@") + 1));
  }
  if (rest === undefined) return { transport, path };
  if (rest.startsWith("@")) {
    const index = parseIndex(rest.slice(1));
    if (index === undefined) badDigest(text, rest.slice(1));
    return { transport, path, index };
  }
  if (rest === "") fail(text, "nothing stands behind the last colon");
  const inner = /@(sha(?:256|512):.*)$/i.exec(rest);
  if (inner !== null) badDigest(text, inner[1]);
  if (!REF_NAME.test(rest)) fail(text, `${JSON.stringify(rest)} is not a tag`);
  return { transport, path, tag: rest };
}

function badDigest(text: string, digest: string): never {
  fail(
    text,
    `${JSON.stringify(digest)} is not a digest`,
    "A digest is sha256: and 64 lower-case hex digits, or sha512: and 128.",
  );
}

function parseDockerArchive(
  text: string,
  details: string,
  exists: (path: string) => boolean,
): DockerArchiveReference {
  const transport = "docker-archive";
  const [path, rest] = splitPath(details, exists);
  if (path === "") fail(text, "the path is empty");
  if (rest === undefined) return { transport, path };
  if (rest.startsWith("@")) {
    const index = parseIndex(rest.slice(1));
    if (index === undefined) fail(text, `${rest.slice(1)} is not a position in the archive`);
    return { transport, path, index };
  }
  if (rest.includes("@")) {
    fail(
      text,
      "the images of a docker archive cannot be told by digest",
      "Name the image by its tag, or by its position as docker-archive:FILE:@0.",
    );
  }
  normalizeName(text, rest);
  return { transport, path, name: rest };
}

/** A name's parts with docker.io's defaults filled in, as docker-reference of containers-transports(5). */
function normalizeName(
  text: string,
  name: string,
): { host: string; repository: string; tag?: string } {
  const slash = name.indexOf("/");
  const first = slash === -1 ? "" : name.slice(0, slash);
  const hasHost = /[.:]/.test(first) || first === "localhost" || /[A-Z]/.test(first);
  let host = hasHost ? first : "docker.io";
  let rest = hasHost ? name.slice(slash + 1) : name;
  const colon = rest.lastIndexOf(":");
  const tag = colon === -1 ? undefined : rest.slice(colon + 1);
  if (colon !== -1) rest = rest.slice(0, colon);
  if (host === "index.docker.io") host = "docker.io";
  if (host === "docker.io" && rest !== "" && !rest.includes("/")) rest = `library/${rest}`;
  if (!HOST.test(host)) fail(text, `${JSON.stringify(host)} is not a host`);
  if (rest.length > 255 || !rest.split("/").every((part) => COMPONENT.test(part))) {
    fail(
      text,
      `${JSON.stringify(rest)} is not a repository's name`,
      "Repositories are named by lower-case letters, digits and single separators . _ - between them.",
    );
  }
  if (tag !== undefined && !TAG.test(tag)) fail(text, `${JSON.stringify(tag)} is not a tag`);
  return { host, repository: rest, ...(tag === undefined ? {} : { tag }) };
}

/** A name in a storage may have a digest behind it, or instead of its tag. */
function checkImageName(text: string, name: string): void {
  const at = name.indexOf("@");
  if (at !== -1 && !DIGEST.test(name.slice(at + 1))) badDigest(text, name.slice(at + 1));
  normalizeName(text, at === -1 ? name : name.slice(0, at));
}

/**
 * An image's name in full: `HOST/REPOSITORY:TAG`, with docker.io, library/ and latest filled in. Two names of one image are
 * equal in this form.
 *
 * @throws {LaminaError} `usage` when it is not a name.
 */
export function fullName(name: string): string {
  const { host, repository, tag } = normalizeName(name, name);
  return `${host}/${repository}:${tag ?? "latest"}`;
}

function parseRegistry(text: string, details: string): RegistryReference {
  if (!details.startsWith("//")) fail(text, "docker: is followed by //");
  let name = details.slice(2);
  const at = name.indexOf("@");
  const digest = at === -1 ? undefined : name.slice(at + 1);
  if (at !== -1) name = name.slice(0, at);
  if (name === "") fail(text, "the repository is empty");
  if (digest !== undefined && !DIGEST.test(digest)) badDigest(text, digest);
  const { host, repository, tag } = normalizeName(text, name);
  if (digest !== undefined) {
    return { transport: "docker", host, repository, digest, ...(tag === undefined ? {} : { tag }) };
  }
  return { transport: "docker", host, repository, tag: tag ?? "latest" };
}

/**
 * Parses a reference.
 *
 * @param exists Tells which paths exist; asked only about paths with colons.
 * @throws {LaminaError} `usage` when it is not one, `unsupported` for a transport that lamina does not read.
 */
export function parseReference(
  text: string,
  exists: (path: string) => boolean = existsOnDisk,
): Reference {
  const colon = text.indexOf(":");
  const transport = colon === -1 ? "" : text.slice(0, colon);
  const details = text.slice(colon + 1);
  if (text.includes("\0")) fail(text, "it holds a NUL byte");
  switch (transport) {
    case "oci":
    case "oci-archive":
    case "containerd":
      return parseLayout(transport, text, details, exists);
    case "docker-archive":
      return parseDockerArchive(text, details, exists);
    case "docker":
      return parseRegistry(text, details);
    case "containers-storage": {
      const parsed = parseStorage(details);
      if (typeof parsed === "string") fail(text, parsed);
      if (parsed.name !== undefined) checkImageName(text, parsed.name);
      return parsed;
    }
  }
  if (OTHER_TRANSPORTS.has(transport)) {
    throw new LaminaError(
      "unsupported",
      `reference ${JSON.stringify(text)}: ${transport}: is not read`,
      {
        hint: `Copy the image into a layout first: skopeo copy ${text} oci:DIR:TAG`,
      },
    );
  }
  return fail(
    text,
    transport === "" ? "no transport is named" : `there is no transport ${transport}:`,
  );
}

/** Whether a text begins as a reference that lamina reads, rather than as a name in a store. */
export function isReference(text: string): boolean {
  return /^(?:(?:oci|oci-archive|docker-archive|containerd):.|containers-storage:|docker:\/\/)/s
    .test(text);
}

/** The reference with an absolute path, as text: what a store remembers of where an image is from. */
export function sourceOf(reference: Reference): string {
  return formatReference(
    "path" in reference ? { ...reference, path: resolve(reference.path) } : reference,
  );
}

/** The reference as text; {@link parseReference} of it gives the same again, unless its path holds colons and is not there. */
export function formatReference(reference: Reference): string {
  switch (reference.transport) {
    case "docker": {
      const { host, repository, tag, digest } = reference;
      return `docker://${host}/${repository}${tag === undefined ? "" : `:${tag}`}${
        digest === undefined ? "" : `@${digest}`
      }`;
    }
    case "docker-archive": {
      const { path, name, index } = reference;
      return `docker-archive:${path}${name === undefined ? "" : `:${name}`}${
        index === undefined ? "" : `:@${index}`
      }`;
    }
    case "containers-storage":
      return formatStorage(reference);
    default: {
      const { transport, path, tag, digest, index } = reference;
      return `${transport}:${path}${tag === undefined ? "" : `:${tag}`}${
        digest === undefined ? "" : `@${digest}`
      }${index === undefined ? "" : `:@${index}`}`;
    }
  }
}
