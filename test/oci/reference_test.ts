import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LaminaError } from "../../src/error.ts";
import {
  formatReference,
  fullName,
  parseReference,
  type Reference,
} from "../../src/oci/reference.ts";

const SHA256 = `sha256:${"0123456789abcdef".repeat(4)}`;
const SHA512 = `sha512:${"0123456789abcdef".repeat(8)}`;
const nothingExists = () => false;

Deno.test("references are read as containers-transports(5) writes them", () => {
  const table: [string, Reference][] = [
    ["oci:dir", { transport: "oci", path: "dir" }],
    ["oci:/a/dir", { transport: "oci", path: "/a/dir" }],
    ["oci:/a/dir:tag", { transport: "oci", path: "/a/dir", tag: "tag" }],
    ["oci:.", { transport: "oci", path: "." }],
    ["oci:dir:docker.io/library/x:1.0", {
      transport: "oci",
      path: "dir",
      tag: "docker.io/library/x:1.0",
    }],
    [`oci:dir@${SHA256}`, { transport: "oci", path: "dir", digest: SHA256 }],
    [`oci:dir:@${SHA256}`, { transport: "oci", path: "dir", digest: SHA256 }],
    [`oci:dir:tag@${SHA256}`, { transport: "oci", path: "dir", tag: "tag", digest: SHA256 }],
    [`oci:dir@${SHA512}`, { transport: "oci", path: "dir", digest: SHA512 }],
    ["oci:a@b:tag", { transport: "oci", path: "a@b", tag: "tag" }],
    ["oci:dir:@0", { transport: "oci", path: "dir", index: 0 }],
    ["oci-archive:f.tar", { transport: "oci-archive", path: "f.tar" }],
    ["oci-archive:f.tar:tag", { transport: "oci-archive", path: "f.tar", tag: "tag" }],
    ["docker-archive:f.tar", { transport: "docker-archive", path: "f.tar" }],
    ["docker-archive:f.tar:alpine", { transport: "docker-archive", path: "f.tar", name: "alpine" }],
    ["docker-archive:f.tar:a.b/c/d:1", {
      transport: "docker-archive",
      path: "f.tar",
      name: "a.b/c/d:1",
    }],
    ["docker-archive:f.tar:@12", { transport: "docker-archive", path: "f.tar", index: 12 }],
    ["docker://alpine", {
      transport: "docker",
      host: "docker.io",
      repository: "library/alpine",
      tag: "latest",
    }],
    ["docker://u/alpine:3", {
      transport: "docker",
      host: "docker.io",
      repository: "u/alpine",
      tag: "3",
    }],
    ["docker://localhost/x", {
      transport: "docker",
      host: "localhost",
      repository: "x",
      tag: "latest",
    }],
    ["docker://h:5000/a/b:t", { transport: "docker", host: "h:5000", repository: "a/b", tag: "t" }],
    ["docker://[::1]:5000/a", {
      transport: "docker",
      host: "[::1]:5000",
      repository: "a",
      tag: "latest",
    }],
    [`docker://q.io/a@${SHA256}`, {
      transport: "docker",
      host: "q.io",
      repository: "a",
      digest: SHA256,
    }],
    [`docker://q.io/a:t@${SHA256}`, {
      transport: "docker",
      host: "q.io",
      repository: "a",
      tag: "t",
      digest: SHA256,
    }],
    ["containers-storage:", { transport: "containers-storage" }],
    ["containers-storage:a:1", { transport: "containers-storage", name: "a:1" }],
    ["containers-storage:@0123abc", { transport: "containers-storage", id: "0123abc" }],
    ["containers-storage:[/r]localhost/a", {
      transport: "containers-storage",
      root: "/r",
      name: "localhost/a",
    }],
    [`containers-storage:[vfs@/r]a@${SHA256}`, {
      transport: "containers-storage",
      root: "/r",
      driver: "vfs",
      name: `a@${SHA256}`,
    }],
    [`containers-storage:[/r]@${SHA256.slice(7)}`, {
      transport: "containers-storage",
      root: "/r",
      id: SHA256.slice(7),
    }],
  ];
  for (const [text, expected] of table) {
    const reference = parseReference(text, nothingExists);
    assertEquals(reference, expected, text);
    assertEquals(parseReference(formatReference(reference), nothingExists), reference, text);
  }
});

Deno.test("of a storage's specification only driver and root matter", () => {
  const root = { transport: "containers-storage", root: "/r", name: "a" } as const;
  for (
    const [store, expected] of [
      ["[/r]", root],
      ["[overlay@/r]", { ...root, driver: "overlay" }],
      ["[overlay@/r+/run]", { ...root, driver: "overlay" }],
      ["[overlay@/r+/run:overlay.mountopt=nodev,x=y]", { ...root, driver: "overlay" }],
      ["[/r+/run]", root],
      ["[vfs@]", { transport: "containers-storage", driver: "vfs", name: "a" }],
    ] as const
  ) assertEquals(parseReference(`containers-storage:${store}a`), expected, store);
  // The image's id behind its name is what counts.
  const id = SHA256.slice(7);
  assertEquals(parseReference(`containers-storage:a@${id}`), {
    transport: "containers-storage",
    id,
  });
});

Deno.test("a path may hold colons where it exists", () => {
  const table: [string, string[], { path: string; tag?: string }][] = [
    ["/a:b", ["/a:b"], { path: "/a:b" }],
    ["/a:b:tag", ["/a:b"], { path: "/a:b", tag: "tag" }],
    ["/a:b:c:tag", ["/a:b:c"], { path: "/a:b:c", tag: "tag" }],
    // What podman reads is read the same, whatever else is there.
    ["/a:b", ["/a", "/a:b"], { path: "/a", tag: "b" }],
    ["/a:b", [], { path: "/a", tag: "b" }],
  ];
  for (const [details, there, expected] of table) {
    assertEquals(
      parseReference(`oci:${details}`, (path) => there.includes(path)),
      { transport: "oci", ...expected },
      details,
    );
  }
});

Deno.test("what is not a reference is refused, with the reason", () => {
  const table: [string, string, LaminaError["kind"]?][] = [
    ["", "no transport"],
    ["dir", "no transport"],
    ["/a/dir", "no transport"],
    [":dir", "no transport"],
    ["ocii:dir", "no transport ocii:"],
    ["OCI:dir", "no transport OCI:"],
    ["oci:", "path is empty"],
    ["oci::tag", "path is empty"],
    ["oci:dir:", "nothing stands behind"],
    ["oci:dir:a b", "not a tag"],
    ["oci:dir:../x", "not a tag"],
    ["oci:dir\0x", "NUL"],
    ["oci:dir:@x", "not a digest"],
    ["oci:dir:@01", "not a digest"],
    [`oci:dir@${SHA256.toUpperCase()}`, "not a digest"],
    [`oci:dir@${SHA256.slice(0, -1)}`, "not a digest"],
    [`oci:dir@${SHA256}0`, "not a digest"],
    [`oci:dir@${SHA256.replace("a", "A")}`, "not a digest"],
    [`oci:dir@sha256:${"/".repeat(64)}`, "not a digest"],
    [`oci:dir:tag@sha256:123`, "not a digest"],
    [`oci:dir@${SHA512.slice(0, 71)}`, "not a digest"],
    ["docker-archive:f:UPPER", "repository"],
    [`docker-archive:f:a@${SHA256}`, "cannot be told by digest"],
    ["docker-archive:f:@-1", "not a position"],
    ["docker:alpine", "followed by //"],
    ["docker://", "repository is empty"],
    ["docker://a//b", "repository"],
    ["docker://a/../b", "repository"],
    ["docker://Alpine", "repository"],
    ["docker://x.y/", "repository"],
    ["docker://a:b:c", "repository"],
    ["docker://a:tag/b:", "host"],
    ["docker://a:-x", "not a tag"],
    [`docker://a:${"x".repeat(129)}`, "not a tag"],
    ["docker://a@sha256:123", "not a digest"],
    ["containers-storage:[/x", "not closed"],
    ["containers-storage:[x]a", "no absolute path"],
    ["containers-storage:@xyz", "no image id"],
    ["containers-storage:UPPER/", "repository"],
    ["containers-storage:a@sha256:123", "not a digest"],
    ["dir:/x", "is not read", "unsupported"],
  ];
  for (const [text, message, kind] of table) {
    const error = assertThrows(
      () => parseReference(text, nothingExists),
      LaminaError,
      message,
      text,
    );
    assertEquals(error.kind, kind ?? "usage", text);
    assert(error.hint, text);
  }
});

Deno.test("no text makes the parser fail in another way, and digests that pass are safe as paths", () => {
  const piece = fc.constantFrom(
    "oci:",
    "oci-archive:",
    "docker-archive:",
    "docker://",
    ":",
    "@",
    "/",
    "..",
    SHA256,
    "a",
    "x.tar",
    "@0",
    "\0",
    "%",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 8 }).map((parts) =>
      parts.join("")
    ),
  );
  fc.assert(
    fc.property(text, (input) => {
      let reference: Reference;
      try {
        reference = parseReference(input, nothingExists);
      } catch (error) {
        assert(error instanceof LaminaError, `${error}`);
        return;
      }
      if ("digest" in reference && reference.digest !== undefined) {
        assert(/^sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$/.test(reference.digest));
      }
      assertEquals(parseReference(formatReference(reference), nothingExists), reference);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("names of images are compared in full", () => {
  const table: [string, string][] = [
    ["alpine", "docker.io/library/alpine:latest"],
    ["alpine:3", "docker.io/library/alpine:3"],
    ["docker.io/alpine", "docker.io/library/alpine:latest"],
    ["index.docker.io/library/alpine", "docker.io/library/alpine:latest"],
    ["u/x", "docker.io/u/x:latest"],
    ["localhost/x:1", "localhost/x:1"],
    ["q.io/a/b/c", "q.io/a/b/c:latest"],
  ];
  for (const [name, expected] of table) assertEquals(fullName(name), expected);
});
