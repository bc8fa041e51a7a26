/**
 * Ways to bring an image to a host, each into an empty directory of a fresh filesystem.
 *
 * @module
 */

import { freshFilesystem } from "./filesystem.ts";
import type { Case } from "./interleave.ts";

/** A contestant: brings the image into a directory. */
export interface Unpacker {
  readonly name: string;
  /** As a {@link Case} has it. */
  readonly skip?: string;
  /** Untimed: starts what has to be there first, and is ended afterwards. */
  readonly start?: (on: string) => Promise<AsyncDisposable>;
  /** The timed work; a number returned replaces the milliseconds that it took. */
  readonly run: (on: string) => number | void;
}

interface Place {
  readonly path: string;
  readonly all: AsyncDisposableStack;
}

/** An unpacker on filesystems of a kind that can be made here. */
export function onFresh(kind: string, { name, skip, start, run }: Unpacker): Case {
  return {
    name,
    ...skip === undefined ? {} : { skip },
    prepare: async (): Promise<Place> => {
      await using making = new AsyncDisposableStack();
      const { path } = making.use(await freshFilesystem(kind));
      if (start !== undefined) making.use(await start(path));
      return { path, all: making.move() };
    },
    run: (place) => run((place as Place).path),
    settle: (place) => (place as Place).all.disposeAsync(),
  };
}
