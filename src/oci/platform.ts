/**
 * Platforms: what an image runs on, as `OS/ARCH[/VARIANT]`, with Go's names as the OCI image specification has them.
 *
 * @module
 */

import { LaminaError } from "../error.ts";

/** A platform with normalised names (see {@link normalizePlatform}). */
export interface Platform {
  /** GOOS, such as `linux`. */
  readonly os: string;
  /** GOARCH, such as `amd64`. */
  readonly architecture: string;
  /** CPU variant such as `v7` of arm; undefined for the architecture's baseline. */
  readonly variant?: string;
}

/** Other names of operating systems that people and tools use. */
const OS_ALIASES: Readonly<Record<string, string>> = { macos: "darwin" };

/** Other names of architectures: those of uname(2), Debian and LLVM. */
const ARCHITECTURE_ALIASES: Readonly<Record<string, readonly [string, string?]>> = {
  "x86_64": ["amd64"],
  "x86-64": ["amd64"],
  "x64": ["amd64"],
  "aarch64": ["arm64"],
  "armhf": ["arm", "v7"],
  "armv7l": ["arm", "v7"],
  "armv7": ["arm", "v7"],
  "armel": ["arm", "v6"],
  "armv6l": ["arm", "v6"],
  "i386": ["386"],
  "i486": ["386"],
  "i586": ["386"],
  "i686": ["386"],
  "ppc64el": ["ppc64le"],
  "mips64el": ["mips64le"],
  "mipsel": ["mipsle"],
  "loongarch64": ["loong64"],
};

/** The variant that an architecture has when none is said. */
const BASELINE: Readonly<Record<string, string>> = { amd64: "v1", arm64: "v8", arm: "v7" };

/** One component of a platform. */
const COMPONENT = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** `value` of an own key, so that `constructor` and the like are no aliases. */
function lookup<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/**
 * Gives a platform the names that images use: lower case, aliases replaced, the baseline variant left out (amd64/v1 is amd64,
 * arm64/v8 is arm64), arm without a variant made arm/v7, as containerd does.
 */
export function normalizePlatform(os: string, architecture: string, variant?: string): Platform {
  const lowerOs = os.toLowerCase();
  const lowerArchitecture = architecture.toLowerCase();
  const [name, implied] = lookup(ARCHITECTURE_ALIASES, lowerArchitecture) ?? [lowerArchitecture];
  let level = (variant === undefined || variant === "" ? implied : variant.toLowerCase()) ?? "";
  if (/^[0-9]/.test(level)) level = `v${level}`;
  if (level === "" && name === "arm") level = "v7";
  const baseline = name !== "arm" && level === lookup(BASELINE, name);
  return {
    os: lookup(OS_ALIASES, lowerOs) ?? lowerOs,
    architecture: name,
    ...(level === "" || baseline ? {} : { variant: level }),
  };
}

/**
 * Parses `OS/ARCH[/VARIANT]`.
 *
 * @throws {LaminaError} `usage` when it is not one.
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  if (parts.length < 2 || parts.length > 3 || !parts.every((part) => COMPONENT.test(part))) {
    throw new LaminaError("usage", `not a platform: ${JSON.stringify(text.slice(0, 200))}`, {
      hint: "Write OS/ARCH or OS/ARCH/VARIANT, such as linux/amd64 or linux/arm/v7.",
    });
  }
  return normalizePlatform(parts[0], parts[1], parts[2]);
}

/** The platform as `OS/ARCH[/VARIANT]`. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform;
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** The platform of this process. */
export function hostPlatform(): Platform {
  return normalizePlatform(Deno.build.os, Deno.build.arch);
}

/** A variant as a number, so that levels can be compared: v7 is 7, v8.2 is 8.2, a missing one the architecture's baseline. */
function variantLevel(platform: Platform): number | undefined {
  const variant = platform.variant ?? lookup(BASELINE, platform.architecture);
  if (variant === undefined) return 0;
  const match = /^v([0-9]+)(?:\.([0-9]+))?$/.exec(variant);
  return match === null ? undefined : Number(match[1]) + Number(match[2] ?? 0) / 1000;
}

/**
 * How well an image of one platform serves where another is wanted: 0 is exactly that, larger numbers are worse, undefined is
 * not at all. A CPU runs what is built for a lower variant of its own architecture; the nearest is best.
 */
export function platformDistance(wanted: Platform, offered: Platform): number | undefined {
  if (wanted.os !== offered.os || wanted.architecture !== offered.architecture) return undefined;
  if (wanted.variant === offered.variant) return 0;
  const want = variantLevel(wanted);
  const offer = variantLevel(offered);
  if (want === undefined || offer === undefined || offer > want) return undefined;
  return want - offer;
}
