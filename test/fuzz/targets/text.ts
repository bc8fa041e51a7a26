/**
 * What people write: references, names, platforms, digests, maps of ids, sizes, times.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  parseExpiry,
  parseIdMap,
  parseSize,
  parseSpan,
  parseUpper,
} from "../../../src/cli/values.ts";
import { usableNames } from "../../../src/oci/image.ts";
import { formatPlatform, parsePlatform } from "../../../src/oci/platform.ts";
import {
  formatReference,
  fullName,
  isReference,
  parseReference,
} from "../../../src/oci/reference.ts";
import { splitDigest } from "../../../src/store/digest.ts";
import { checkName } from "../../../src/store/names.ts";
import { bytesOf, orRefused, Refused, type Target } from "../target.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

const TEXTS = [
  "oci:/dir:tag",
  `oci:dir@${DIGEST}`,
  `oci:dir:tag@${DIGEST}`,
  "oci:dir:@0",
  "oci-archive:a.tar:x/y:1",
  "docker-archive:a.tar:docker.io/library/alpine:3",
  "docker-archive:a.tar:@1",
  `docker://localhost:5000/a/b:1@${DIGEST}`,
  "docker://alpine",
  "containers-storage:[overlay@/var/lib/x+/run/x:a=b]docker.io/library/a:1",
  `containers-storage:@${"b".repeat(64)}`,
  `containers-storage:a@${DIGEST}`,
  "containerd:/var/lib/containerd:docker.io/library/a:1",
  "linux/arm/v7",
  "Linux/x86_64",
  `sha512:${"0".repeat(128)}`,
  "0:100000:65536,65536:0:1",
  "/proc/1/ns/user",
  "512m",
  "1h30m",
  "forever",
  "tmpfs:2G",
];

const KINDS = ["usage", "invalid", "unsupported"] as const;

/** Nothing exists. */
const nowhere = () => false;

const target: Target = {
  name: "text",
  starts: () => TEXTS.map(bytesOf),
  words: [...":@/[]+.,-_0", "::", "--", "//", DIGEST, "oci:", "docker://", "sha256:", "library/"],
  short: 1500,
  run(input) {
    const text = new TextDecoder().decode(input.subarray(0, 8192));
    const allowed = <T>(parse: () => T) => orRefused(parse, KINDS);
    const reference = allowed(() => parseReference(text, nowhere));
    if (!(reference instanceof Refused)) {
      assertEquals(isReference(text), true);
      const again = allowed(() => parseReference(formatReference(reference), nowhere));
      assertEquals(again, reference);
    }
    const platform = allowed(() => parsePlatform(text));
    if (!(platform instanceof Refused)) {
      assertEquals(parsePlatform(formatPlatform(platform)), platform);
    }
    const name = allowed(() => fullName(text));
    if (typeof name === "string") assertEquals(fullName(name), name);
    allowed(() => checkName(text));
    assertEquals(usableNames([text, text]).length <= 1, true);
    const digest = allowed(() => splitDigest(text));
    if (!(digest instanceof Refused)) assertEquals(`${digest.algorithm}:${digest.hex}`, text);
    const map = allowed(() => parseIdMap(text, "lamina"));
    if (Array.isArray(map)) {
      for (const { inside, outside, count } of map) {
        const fits = count > 0 && inside + count < 2 ** 32 && outside + count < 2 ** 32;
        if (!fits) throw new Error(`a map of ${inside}:${outside}:${count}`);
      }
    }
    const size = allowed(() => parseSize(text, "--x", "lamina"));
    if (typeof size === "number") assertEquals(Number.isSafeInteger(size) && size > 0, true);
    const span = allowed(() => parseSpan(text, "--x", "lamina"));
    if (typeof span === "number") assertEquals(span > 0 && Number.isFinite(span), true);
    allowed(() => parseExpiry(text, new Date(0), "lamina"));
    allowed(() => parseUpper(text, "lamina"));
  },
};

export default target;
