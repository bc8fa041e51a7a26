/**
 * The table of commands. A command's module is loaded when it is used: what `lamina images` needs is not paid by
 * `lamina --version`.
 *
 * @module
 */

import type { Command } from "./spec.ts";

/** One command, or a group of commands under one name. */
export interface Entry {
  readonly name: string;
  /** One line for lists of commands. */
  readonly summary: string;
  /** The command's module; a group has none. */
  readonly load?: () => Promise<{ readonly default: Command }>;
  /** The commands of a group. */
  readonly group?: readonly Entry[];
}

/** A titled part of the list. */
export interface Section {
  readonly title: string;
  readonly entries: readonly Entry[];
}

/** All commands, as `lamina help` lists them. */
export const SECTIONS: readonly Section[] = [
  {
    title: "images",
    entries: [
      {
        name: "pull",
        summary: "bring an image into the store",
        load: () => import("./commands/pull.ts"),
      },
      {
        name: "import",
        summary: "bring images that podman or another store on this host has",
        load: () => import("./commands/import.ts"),
      },
      {
        name: "images",
        summary: "list the images in the store",
        load: () => import("./commands/images.ts"),
      },
      {
        name: "inspect",
        summary: "show an image: layers, config, sizes",
        load: () => import("./commands/inspect.ts"),
      },
      {
        name: "tag",
        summary: "give an image a further name",
        load: () => import("./commands/tag.ts"),
      },
      {
        name: "rm",
        summary: "remove names of images, and images",
        load: () => import("./commands/rm.ts"),
      },
      {
        name: "lease",
        summary: "keep images from being removed and collected",
        group: [
          {
            name: "add",
            summary: "keep an image for a time, or until the lease is removed",
            load: () => import("./commands/lease_add.ts"),
          },
          {
            name: "ls",
            summary: "list leases",
            load: () => import("./commands/lease_ls.ts"),
          },
          {
            name: "renew",
            summary: "let a lease last from now on",
            load: () => import("./commands/lease_renew.ts"),
          },
          {
            name: "rm",
            summary: "remove leases",
            load: () => import("./commands/lease_rm.ts"),
          },
        ],
      },
    ],
  },
  {
    title: "root filesystems",
    entries: [
      {
        name: "compose",
        summary: "compose an image's root filesystem at a directory",
        load: () => import("./commands/compose.ts"),
      },
      {
        name: "run",
        summary: "run a command in an image",
        load: () => import("./commands/run.ts"),
      },
      {
        name: "release",
        summary: "undo compositions",
        load: () => import("./commands/release.ts"),
      },
      {
        name: "ps",
        summary: "list compositions",
        load: () => import("./commands/ps.ts"),
      },
      {
        name: "serve",
        summary: "compose and release for others, over a unix socket",
        load: () => import("./commands/serve.ts"),
      },
      {
        name: "probe",
        summary: "try which strategies work here, and what they cost",
        load: () => import("./commands/probe.ts"),
      },
      {
        name: "bench",
        summary: "measure which strategy is the fastest here",
        load: () => import("./commands/bench.ts"),
      },
    ],
  },
  {
    title: "disk space",
    entries: [
      {
        name: "gc",
        summary: "free what nothing needs any more",
        load: () => import("./commands/gc.ts"),
      },
      {
        name: "df",
        summary: "show what the store takes and saves, by image and in all",
        load: () => import("./commands/df.ts"),
      },
      {
        name: "fsck",
        summary: "check that all in the store is what it was",
        load: () => import("./commands/fsck.ts"),
      },
    ],
  },
  {
    title: "tools",
    entries: [
      {
        name: "composefs",
        summary: "build, read, compare and digest composefs images",
        group: [
          {
            name: "build",
            summary: "make an EROFS image from a dump",
            load: () => import("./commands/composefs_build.ts"),
          },
          {
            name: "digest",
            summary: "print the fs-verity digest of an image's tree",
            load: () => import("./commands/composefs_digest.ts"),
          },
          {
            name: "dump",
            summary: "print a tree in composefs-dump(5) format",
            load: () => import("./commands/composefs_dump.ts"),
          },
          {
            name: "ls",
            summary: "list the entries of a tree, or its objects",
            load: () => import("./commands/composefs_ls.ts"),
          },
          {
            name: "diff",
            summary: "compare two trees, entry by entry",
            load: () => import("./commands/composefs_diff.ts"),
          },
        ],
      },
      {
        name: "plugin",
        summary: "strategies of one's own: list, begin, check",
        group: [
          {
            name: "list",
            summary: "list the built-in strategies and the outside ones",
            load: () => import("./commands/plugin_list.ts"),
          },
          {
            name: "new",
            summary: "make a folder with a strategy to begin with",
            load: () => import("./commands/plugin_new.ts"),
          },
          {
            name: "check",
            summary: "run the conformance suite on a strategy",
            load: () => import("./commands/plugin_check.ts"),
          },
        ],
      },
      {
        name: "completions",
        summary: "print a completion script for a shell",
        load: () => import("./commands/completions.ts"),
      },
      {
        name: "help",
        summary: "show what a command does and takes",
        load: () => import("./commands/help.ts"),
      },
    ],
  },
];

/** All entries of the top level. */
export function entries(): readonly Entry[] {
  return SECTIONS.flatMap((section) => section.entries);
}
