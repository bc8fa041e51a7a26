/**
 * The contract between lamina and a strategy: what a plugin exports, what it is given, what it must keep.
 *
 * A plugin is an ES module whose default export is a {@link Plugin}. It imports these types by `import type`, which
 * leaves nothing to resolve at run time, and reaches the system only through the {@link Host} that it is handed.
 *
 * @module
 */

/**
 * The version of this contract. A plugin that says another one is refused, with both numbers. The number changes when a plugin that was
 * right would no longer be; what is only added (an optional trait, a further method of {@link Host}) leaves it as it is.
 */
export const API_VERSION = 1;

/** The type of {@link API_VERSION}, for plugins, which import types alone. */
export type ApiVersion = typeof API_VERSION;

/** What a plugin module exports by default. */
export interface Plugin {
  /** The contract it was written for. */
  readonly apiVersion: ApiVersion;
  /** The name users choose it by (`--strategy NAME`): lower-case letters, digits, `-`. Unique. */
  readonly name: string;
  /** One line for `lamina probe` and `lamina plugin list`. */
  readonly summary: string;
  /** Version of the plugin itself. Built-in ones have the program's. */
  readonly version?: string;
  /** Makes the strategy. Called once in every thread that uses it; must be cheap and without side effects. */
  create(host: Host): Strategy;
}

/** `ro`: the caller promises not to write, or the composition prevents it. `rw`: the caller may write. */
export type Access = "ro" | "rw";

/**
 * `full`: nothing that is done in the composed tree can reach the store. `shared`: the composed tree may share inodes with
 * the store, so that a write in place would reach it.
 */
export type Isolation = "full" | "shared";

/** What a strategy is like, on every host. */
export interface Traits {
  /** A mount point, or a plain directory. */
  readonly result: "mount" | "directory";
  /** What the composed tree allows. */
  readonly access: readonly Access[];
  /** Whether the composed tree's inodes are the store's own. */
  readonly isolation: Isolation;
  /** Whether the composed tree is still there after a reboot. */
  readonly survivesReboot: boolean;
  /** `mount`: needs CAP_SYS_ADMIN over a mount namespace. */
  readonly privilege: "none" | "mount";
  /** Whether it can check content against the tree's digest while it is read (`--verity`). */
  readonly integrity: boolean;
  /** Whether writes go to an upper directory that the request can name (`--upper`). */
  readonly upper: boolean;
  /** Whether it can show other owners than the tree says, see {@link Job.idmap} (`--idmap`). */
  readonly idmap?: boolean;
  /** Whether it mounts the metadata images of {@link Job.images}, so that there can be several (`--layout`). */
  readonly layouts?: boolean;
  /** Most layers that one composition takes, those with {@link LayerDirectory.data} counted twice; undefined: any number. */
  readonly maxLayers?: number;
  /**
   * What it keeps of every tree that it composes, by {@link Host.keep}: a name of 1 to 32 lower-case letters, digits, `-` for the form
   * of that. Another form, say of a later version, takes another name. Undefined: nothing.
   */
  readonly keeps?: string;
}

/** One way to compose. */
export interface Strategy {
  /** What it is like on every host. */
  readonly traits: Traits;
  /**
   * Tries, on the site's own filesystems, the very operation that composing needs, and undoes it.
   * Must not throw for what merely does not work: that is a verdict.
   */
  probe(site: Site): Verdict | Promise<Verdict>;
  /**
   * Makes the composition at `job.target`, which is an empty directory. On failure it throws, and what it made is undone
   * by {@link Strategy.release}, which is then called with the same composition.
   */
  compose(job: Job): Made | Promise<Made>;
  /**
   * Undoes a composition: after it the target is an empty directory, or gone. Must accept one that is half made, half
   * undone, or not there at all (after a reboot or a crash). Lamina itself removes the target, if it made it, or makes it again as
   * it was, and removes the workspace. It does not call this while something that it did not mount is mounted below the target.
   */
  release(composition: Composition): void | Promise<void>;
  /**
   * Gives one regular file its content, by exactly one of the methods of `file`. Called by {@link Host.materialize}, in
   * several threads, once for every regular file (of a hard-link group: for its first name); metadata and hard-link groups
   * are not its concern. What it throws ends the composition.
   */
  place?(file: FileEntry): void;
}

/**
 * Where a composition would be, for a probe. The three scratch directories are the strategy's own and empty, and lamina removes
 * them, with what is left in them, after the probe.
 */
export interface Site {
  /** What the caller will want to do there. */
  readonly access: Access;
  /** A scratch directory on the store's filesystem. */
  readonly store: string;
  /** A scratch directory on the target's filesystem. */
  readonly target: string;
  /** A scratch directory where upper directories would be: on the store's filesystem, unless `--upper` says otherwise. */
  readonly upper: string;
  /** Whether a hard link from the store to the target works: one filesystem, one mount. */
  readonly sameFilesystem: boolean;
  /** See {@link Job.native}. */
  readonly native: boolean;
  /** See {@link Job.idmap}; asked only of strategies whose traits say `idmap`. */
  readonly idmap: number | undefined;
  /** Whether some of the layers have {@link LayerDirectory.data}. */
  readonly data: boolean;
}

/** What a probe found. */
export type Verdict =
  | {
    readonly works: true;
    /** What a composition costs. */
    readonly cost: Cost;
    /**
     * What it costs more where what the strategy keeps of the tree ({@link Traits.keeps}) is not there yet. The choice counts a third
     * of it: a strategy is taken where it pays at a tree's third composition at the latest.
     */
    readonly keepCost?: Cost;
    readonly notes?: readonly string[];
  }
  | { readonly works: false; readonly reason: string; readonly hint?: string };

/** A linear cost model, from a micro-measurement on the site. The estimate is the sum over the tree's counts. */
export interface Cost {
  /** Milliseconds, once per composition. */
  readonly fixedMs: number;
  /** Milliseconds per layer. */
  readonly msPerLayer: number;
  /** Microseconds per directory. */
  readonly usPerDirectory: number;
  /** Microseconds per entry that is not a directory. */
  readonly usPerFile: number;
  /** Microseconds more per file of more than a block (4,096 bytes); 0 by default. */
  readonly usPerLarge?: number;
  /** Microseconds per MiB (1,048,576 bytes) of content. */
  readonly usPerMiB: number;
  /**
   * What is left of all that grows with directories, files and bytes in a tree that is large enough for several threads; 1 by default. Set
   * by the host, for walks.
   */
  readonly shared?: number;
}

/** The merged tree of an image. */
export interface Tree {
  /** The tree as a composefs EROFS image; read from the file when it is first asked for. */
  readonly image: Uint8Array;
  /** The file that holds it. */
  readonly path: string;
  /** fs-verity SHA-256 digest of the image: 64 hex digits. */
  readonly digest: string;
  /** Counts: directories, other entries (every name of a hard link counts), bytes of content (once per inode). */
  readonly directories: number;
  /** Entries that are not directories; every name of a hard link counts. */
  readonly files: number;
  /** Bytes of content, once per inode. */
  readonly bytes: number;
}

/** An EROFS image that holds metadata: the tree, or a part of it. */
export interface MetadataImage {
  /** The file that holds it. */
  readonly path: string;
  /** fs-verity SHA-256 digest: 64 hex digits. */
  readonly digest: string;
}

/** One layer of the image, unpacked. */
export interface LayerDirectory {
  /** Digest of the layer's uncompressed archive; empty for a fixup layer. */
  readonly diffId: string;
  /** Absolute path of its directory: an overlay lower directory. */
  readonly path: string;
  /**
   * Absolute path of a directory with contents of its files; undefined: all files have their own. Where content cannot be shared otherwise, files
   * that have it in common with another layer are empty in {@link path}, with overlayfs' marks for a metacopy and a redirect: an overlay of the layer takes this
   * directory as a data-only one. {@link Host.materialize} knows of it.
   */
  readonly data: string | undefined;
}

/** What is to be composed. */
export interface Job {
  /** The composition's id. */
  readonly id: string;
  /** Absolute path of the mount point or directory. */
  readonly target: string;
  /** What the caller will do there. */
  readonly access: Access;
  /** Whether inodes may be the store's own. */
  readonly isolation: Isolation;
  /** Paths inside the tree (without leading `/`) that must be writable without reaching the store; each with all below it. */
  readonly writable: readonly string[];
  /** Where writes go, for strategies with an upper directory; undefined: a directory in {@link Job.workspace}. */
  readonly upper: Upper | undefined;
  /**
   * Whether content is to be checked against its digest while it is read: `require` is asked only of strategies whose traits say
   * `integrity`.
   */
  readonly verity: "off" | "try" | "require";
  /**
   * Descriptor of a user namespace whose map the owners of files go through: what the tree says is an id inside, what the composition shows the id
   * outside (mount_setattr(2), MOUNT_ATTR_IDMAP). Open until `compose` returns. Asked only of strategies whose traits say `idmap`.
   */
  readonly idmap: number | undefined;
  /** The tree that is to be there. */
  readonly tree: Tree;
  /**
   * The metadata images that show the tree as the lower directories of one overlay over {@link Job.objects}, lowest first: the tree's own, or
   * several where `--layout` asks for that.
   */
  readonly images: readonly MetadataImage[];
  /** The layers, lowest first. */
  readonly layers: readonly LayerDirectory[];
  /**
   * A layer to be put above {@link Job.layers} so that a plain stack of overlay lower directories shows the tree; undefined
   * where it does so by itself.
   */
  readonly fixup: LayerDirectory | undefined;
  /** The directory of content objects, `ab/cdef…` by fs-verity digest. */
  readonly objects: string;
  /** File that says of each inode of the tree which layer it comes from, and where it is there. For {@link Host.materialize}. */
  readonly origins: string;
  /**
   * Whether the layers are stored with their true owners, devices and `trusted.*` xattrs. In a store of a user without root's
   * rights they are the user's own files, and overlay's marks are `user.overlay.*` (mount with `userxattr`).
   */
  readonly native: boolean;
  /** A private directory of this composition in the store, which lives until release: upper and work directories. */
  readonly workspace: string;
  /** Aborted when the user wants it stopped: for what takes long and can be told, such as a program that is run. */
  readonly signal: AbortSignal | undefined;
}

/** `--upper`. */
export type Upper =
  | { readonly kind: "directory"; readonly path: string }
  | {
    readonly kind: "tmpfs"; /** Bytes; undefined: the kernel's default, half of memory. */
    readonly size: number | undefined;
  };

/** What `compose` made. */
export interface Made {
  /** Facts worth showing (`lamina compose --json`), such as how many files were cloned and how many copied. */
  readonly notes?: Readonly<Record<string, string | number>>;
}

/** A composition as its record has it. */
export interface Composition {
  /** The composition's id. */
  readonly id: string;
  /** Absolute path of the mount point or directory. */
  readonly target: string;
  /** See {@link Job.workspace}. */
  readonly workspace: string;
  /** What it was made for. */
  readonly access: Access;
  /** Where its writes went, if that was said. */
  readonly upper: Upper | undefined;
}

/**
 * One regular file that {@link Host.materialize} has come to. The object is reused for the next file: do not keep it.
 */
export interface FileEntry {
  /** File descriptor of the directory in the target that the file goes into. */
  readonly directory: number;
  /** The file's name, NUL-terminated. */
  readonly name: Uint8Array;
  /** Bytes of content. */
  readonly size: number;
  /** Whether the request lists the file as writable (see {@link Job.writable}). */
  readonly writable: boolean;
  /** Creates the file, empty, and returns its descriptor, open for writing; closed, and its metadata set, afterwards. */
  create(): number;
  /** Opens the content and returns its descriptor, open for reading; closed afterwards. */
  source(): number;
  /**
   * Creates the file and writes its content by the cheapest copy the kernel has. Of large files on a filesystem with shared
   * extents that is one that shares them, which costs no bytes and isolates as well as a copy.
   */
  copy(): void;
  /** Creates the file and makes it share the content's extents (FICLONE). Throws a SysError where that does not work. */
  clone(): void;
  /**
   * Makes the file a hard link to the layer's own inode, with the metadata that has. Returns false, with nothing made, where
   * that inode's link count is at the filesystem's limit (EMLINK), or where the store is one without root's rights and the
   * inode has another mode or other xattrs than the file should.
   */
  link(): boolean;
}

/** How {@link Host.materialize} makes what has no content. */
export interface MaterializeOptions {
  /**
   * Whether symbolic links, devices, fifos and sockets are hard links to the layers' own inodes too, where they are not listed
   * as writable; else they are made anew.
   */
  readonly linkOthers?: boolean;
}

/** What {@link Host.keep} gives. */
export interface Kept {
  /** The directory that was filled for the tree. Nothing in it may be changed. */
  readonly path: string;
  /** Whether it was made just now. */
  readonly made: boolean;
}

/** What lamina does for a plugin. */
export interface Host {
  /** The program's version. */
  readonly version: string;
  /**
   * Builds a directory from the job's tree: directories, links, devices, ownership, modes, xattrs, times, in the order that
   * keeps all of them, with as many threads as pay. Each regular file's content is given by the strategy's own
   * {@link Strategy.place}. Notes count what was made and how; without root's rights also what had to be left out
   * (`skippedOwners`, `skippedDevices`, `skippedXattrs`, `skippedModes`).
   */
  materialize(job: Job, options?: MaterializeOptions): Promise<Made>;
  /**
   * Gives the directory that this strategy keeps of the job's tree in the store ({@link Traits.keeps}), and has it made if it is not
   * there: `make` gets an empty directory on the store's filesystem, 0700, and fills it. It enters the store by one rename, durably, when
   * `make` is done; if that throws, or the process dies in it, nothing of it stays. Of several compositions that want the same, one
   * makes it and the others wait.
   *
   * It stays as long as the tree does. Lamina removes it without the plugin, by unlink(2) and rmdir(2) of all that is in it: so
   * nothing in it may be immutable, read-only or mounted. It can be lost at any time between two compositions, and a composition
   * that was made must not depend on its path any more.
   */
  keep(job: Job, make: (directory: string) => void | Promise<void>): Promise<Kept>;
  /**
   * Gives a directory the metadata that the tree's root has: owner, mode, xattrs, times. For an upper directory, which is what
   * shows as the root of an overlay.
   */
  applyRoot(job: Job, directory: string): void;
  /**
   * Removes all that a directory holds, not the directory itself; one that is not there is no error. Never follows a link, and
   * throws at a mount point rather than crossing it.
   */
  removeContents(directory: string): void;
  /**
   * Mounts an overlay at the job's target: read-only, or with the upper directory that the job asks for (in its workspace, a
   * directory of the caller's, or tmpfs). The upper directory gets the metadata of the tree's root.
   */
  mountStack(job: Job, stack: Stack): void;
  /** Undoes {@link mountStack}, whatever of it there is. */
  unmountStack(composition: Composition): void;
  /**
   * Gives fs-verity to the job's metadata images and to all objects of its tree, and compares their digests.
   *
   * @returns Why kernel or filesystem cannot have it; undefined when all have.
   * @throws {LaminaError} `invalid` for a file whose content is not what its name says.
   */
  seal(job: Job): string | undefined;
  /** Writes a tiny composefs image, and the object that it has, into a directory: something to try out in a probe. */
  sample(directory: string): Sample;
  /** The path of a program that is installed ($PATH); undefined where it is not. */
  findProgram(name: string): string | undefined;
  /**
   * The error for what this host cannot do, such as an image that a program here cannot hold: lamina ends with exit code 4, and
   * `lamina plugin check` counts such an image as skipped.
   */
  unsupported(message: string, options?: { readonly hint?: string }): Error;
  /** Mounts. */
  readonly mounts: Mounts;
  /** Files and directories. */
  readonly fs: Files;
  /** ioctl(2) with a buffer argument. Throws a SysError with `errno`. */
  ioctl(fd: number, request: number, argument: Uint8Array | null): number;
  /** Micro-measurements for {@link Strategy.probe}. */
  readonly measure: Measure;
}

/** A mount that is not attached anywhere yet (fsmount(2)); detached again, and so unmounted, if it is disposed before it is attached. */
export interface DetachedMount extends Disposable {
  /** Descriptor of its root, from fsmount(2). */
  readonly fd: number;
  /** A path that leads to its root, in this process, until it is disposed: `/proc/self/fd/N`. */
  readonly path: string;
  /** Whether a loop device is below it, as the kernel mounts no such file itself: that takes longer. */
  readonly byLoop: boolean;
  /** Attaches it at a directory (move_mount(2)). */
  attach(target: string): void;
}

/** An overlay to be mounted: overlayfs in the kernel's documentation. */
export interface OverlaySpec {
  /** Lower directories, **uppermost first**: paths, or descriptors of directories or detached mounts. */
  readonly lower: readonly (string | number)[];
  /** Data-only lower directories (`datadir+`). */
  readonly data?: readonly (string | number)[];
  /** Path of the upper directory; without one the mount is read-only. */
  readonly upper?: string;
  /** Path of the work directory, on the upper directory's filesystem. */
  readonly work?: string;
  /** Further options, such as `metacopy: "on"`; `true` is a flag. */
  readonly options?: Readonly<Record<string, string | true>>;
  /** Whether the mount refuses writes. */
  readonly readOnly: boolean;
}

/** The lower part of an overlay; see {@link OverlaySpec}. */
export type Stack = Pick<OverlaySpec, "lower" | "data" | "options">;

/** What {@link Host.sample} wrote. */
export interface Sample {
  /** Path of the image. */
  readonly image: string;
  /** Directory of objects. */
  readonly objects: string;
  /** The name of the one file in the image, and what it holds. */
  readonly file: string;
  /** The content of that file. */
  readonly content: Uint8Array;
}

/** Mounts, with every difference between kernels inside. All throw a SysError with what the kernel said. */
export interface Mounts {
  /** Whether this process may mount at all: it tries a detached tmpfs. */
  allowed(): boolean;
  /** Largest number of lower directories one overlay takes. */
  readonly maxLower: number;
  /** An overlay. */
  overlay(spec: OverlaySpec): DetachedMount;
  /**
   * An EROFS image, by its path or a descriptor of it: from the file itself, or by a loop device where the kernel needs one. `idmap`: see
   * {@link Job.idmap}.
   */
  erofs(
    image: string | number,
    options?: { readonly noacl?: boolean; readonly idmap?: number },
  ): DetachedMount;
  /** A directory as a mount of its own, with what is mounted below it left out. `idmap`: see {@link Job.idmap}. */
  directory(path: string, options?: { readonly idmap?: number }): DetachedMount;
  /** A tmpfs of at most `size` bytes (default: half of memory) whose root has `mode`. */
  tmpfs(options: { readonly size?: number; readonly mode?: number }): DetachedMount;
  /**
   * Unmounts what lamina mounted at a path (lazily if it is busy); nothing to do is no error. What others mounted there stays. Never
   * follows a link.
   */
  unmount(path: string): void;
}

/** Files and directories. Every method throws a SysError with `errno` on failure. */
export interface Files {
  /** Opens a directory; {@link close} it. */
  openDirectory(path: string): number;
  /** Closes a descriptor. */
  close(fd: number): void;
  /** FICLONE: makes `target`'s content share `source`'s extents. */
  clone(target: number, source: number): void;
  /** Copies all content by copy_file_range(2), else by reading and writing. */
  copy(target: number, source: number, size: number): void;
  /** Makes a directory; returns false if it is there already. */
  mkdir(path: string, mode?: number): boolean;
  /** Creates a file, or cuts it to nothing, and writes its content. */
  write(path: string, content: Uint8Array): void;
  /** Reads a whole file. */
  read(path: string): Uint8Array;
  /** Whether there is anything at a path, a dangling link included. */
  exists(path: string): boolean;
  /** Removes a file or a link. */
  unlink(path: string): void;
  /** Removes an empty directory. */
  rmdir(path: string): void;
  /** Removes a path with all below it, if it is there; never follows a link or crosses a mount. */
  removeTree(path: string): void;
}

/**
 * Micro-measurements in the scratch directories of a {@link Site}: microseconds per operation, the median of a few. Each does the
 * very operation, so that it also tells whether that works: it throws a SysError where it does not. Results are kept for the
 * probe that is going on, so that several strategies may ask for the same one.
 */
export interface Measure {
  /** A directory made, given its metadata, opened and closed. */
  directory(directory: string): number;
  /** A hard link in `to` to a file in `from`. */
  link(from: string, to: string): number;
  /** A file created in `to`, made to share the content (FICLONE) of one of `bytes` bytes in `from`, given its metadata. */
  clone(from: string, to: string, bytes: number): number;
  /** A file created in `to`, written with the content of one of `bytes` bytes in `from`, given its metadata. */
  copy(from: string, to: string, bytes: number): number;
  /** One call of a function, in microseconds. What it returns is handed to `settle`, which is not timed. */
  time<T>(work: () => T, settle?: (made: T) => void): number;
}
