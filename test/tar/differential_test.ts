/**
 * What GNU tar and libarchive's bsdtar write of real directories, read here and listed by themselves.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { AT_FDCWD, check, mknodat, setxattrat } from "../../src/linux/mod.ts";
import { lacks, needs, notRoot } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";
import { type ReadEntry, readTar } from "./support.ts";

const FORMATS: [program: string, format: string, args: string[]][] = [
  ["tar", "v7", ["--format=v7"]],
  ["tar", "ustar", ["--format=ustar"]],
  ["tar", "oldgnu", ["--format=oldgnu"]],
  ["tar", "gnu", ["--format=gnu"]],
  ["tar", "pax", ["--format=pax", "--xattrs", "--xattrs-include=*"]],
  ["tar", "gnu sparse", ["--format=gnu", "--sparse"]],
  ["tar", "pax sparse 0.0", ["--format=pax", "--sparse", "--sparse-version=0.0"]],
  ["tar", "pax sparse 0.1", ["--format=pax", "--sparse", "--sparse-version=0.1"]],
  ["tar", "pax sparse 1.0", ["--format=pax", "--sparse", "--sparse-version=1.0"]],
  ["bsdtar", "ustar", ["--format=ustar"]],
  ["bsdtar", "pax", ["--format=pax"]],
  ["bsdtar", "gnutar", ["--format=gnutar"]],
];

/** A directory with what its writers differ in. `simple`: names that v7 and ustar can hold. */
function fill(directory: string, simple: boolean): void {
  const at = (name: string) => join(directory, name);
  Deno.mkdirSync(at("dir/sub"), { recursive: true });
  Deno.writeTextFileSync(at("dir/file"), "content\n");
  Deno.writeTextFileSync(at("dir/empty"), "");
  Deno.writeTextFileSync(at("dir/block"), "x".repeat(512));
  Deno.writeTextFileSync(at("dir/sub/large"), "0123456789".repeat(30_000));
  Deno.symlinkSync("../dir/file", at("dir/sub/link"));
  Deno.linkSync(at("dir/file"), at("hard"));
  Deno.chmodSync(at("dir/file"), 0o4751);
  Deno.utimeSync(at("dir/empty"), 5, 1_000_000_000);
  using hole = Deno.openSync(at("sparse"), { write: true, create: true });
  hole.truncateSync(5_000_000);
  for (const offset of [0, 1_000_000, 3_333_333]) {
    hole.seekSync(offset, Deno.SeekMode.Start);
    hole.writeSync(new TextEncoder().encode("data"));
  }
  if (Deno.uid() === 0) {
    Deno.chownSync(at("dir/empty"), 1000, 2000);
    check(mknodat(AT_FDCWD, at("fifo"), 0o010644, 0), "mknod", "fifo");
    check(mknodat(AT_FDCWD, at("null"), 0o020666, 0x103), "mknod", "null");
    if (!simple) Deno.chownSync(at("hard"), 3_000_000, 4_000_000);
  }
  if (simple) return;
  const deep = at(`${"deep directory with a long name/".repeat(8)}`);
  Deno.mkdirSync(deep, { recursive: true });
  Deno.writeTextFileSync(join(deep, "äöü\n\\x"), "unicode");
  Deno.symlinkSync("t".repeat(300), join(deep, "long link"));
  check(
    setxattrat(AT_FDCWD, at("dir/file"), "user.binary", Uint8Array.of(0, 10, 255, 61)),
    "setxattr",
    "user.binary",
  );
  check(setxattrat(AT_FDCWD, at("dir"), "user.a=b%c", new Uint8Array(0)), "setxattr", "user.a=b%c");
}

function run(program: string, args: string[]): Uint8Array {
  const { success, stdout, stderr } = new Deno.Command(program, { args, env: { TZ: "UTC" } })
    .outputSync();
  if (!success) {
    throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
  return stdout;
}

/** `tar -tv` in one line for each entry, built of what the reader says. */
function listing(entries: readonly ReadEntry[]): string[] {
  return entries.map((entry) => {
    const size = entry.type === "char" || entry.type === "block"
      ? `${entry.major},${entry.minor}`
      : String(entry.size);
    const fraction = entry.nsec === 0
      ? ""
      : `.${String(entry.nsec).padStart(9, "0").replace(/0+$/, "")}`;
    const time = new Date(entry.mtime * 1000).toISOString().slice(0, 19).replace("T", " ") +
      fraction;
    const arrow = entry.type === "symlink"
      ? ` -> ${entry.link}`
      : entry.type === "link"
      ? ` link to ${entry.link}`
      : "";
    return `${permissions(entry)} ${entry.uid}/${entry.gid} ${size} ${time} ${entry.name}${arrow}`;
  });
}

function permissions({ type, mode }: ReadEntry): string {
  const kinds = { file: "-", link: "h", symlink: "l", char: "c", block: "b", fifo: "p" };
  const kind = type === "directory" ? "d" : kinds[type];
  const text = [...(mode & 0o777).toString(2).padStart(9, "0")]
    .map((bit, index) => bit === "1" ? "rwx"[index % 3] : "-");
  const special = (bit: number, at: number, on: string, off: string) => {
    if ((mode & bit) !== 0) text[at] = text[at] === "x" ? on : off;
  };
  special(0o4000, 2, "s", "S");
  special(0o2000, 5, "s", "S");
  special(0o1000, 8, "t", "T");
  return kind + text.join("");
}

for (const [program, format, args] of FORMATS) {
  Deno.test({
    ...needs(
      `tar: ${program}'s ${format} is read as GNU tar lists it`,
      lacks("tar"),
      lacks(program),
    ),
    fn() {
      using temp = new TempDir();
      const source = join(temp.path, "source");
      const archive = join(temp.path, "archive.tar");
      Deno.mkdirSync(source);
      fill(source, format === "v7" || format === "ustar");
      // v7 knows neither devices nor fifos: tar warns, and says so in its exit code.
      const left = format === "v7" ? ["--exclude=./fifo", "--exclude=./null"] : [];
      run(program, [...args, ...left, "-cf", archive, "-C", source, "."]);

      const entries = readTar(Deno.readFileSync(archive), { pieces: [100_000] });
      const theirs = latin1(
        run("tar", [
          "-tvf",
          archive,
          "--numeric-owner",
          "--full-time",
          "--quoting-style=literal",
          "--show-transformed-names",
        ]),
      );
      // Names hold newlines: the whole text is compared, not its lines. Numbers are padded to columns.
      const squeeze = (text: string) => text.replace(/ +/g, " ");
      assertEquals(squeeze(listing(entries).join("\n") + "\n"), squeeze(theirs));

      for (const entry of entries) {
        if (entry.type !== "file") continue;
        // Megabytes: assertEquals would take its time to format them.
        const content = latin1(Deno.readFileSync(join(source, utf8(entry.name))));
        assert(wholeContent(entry) === content, entry.name);
      }
      const attributes = entries.find(({ name }) => name === "./dir/file")!.xattrs;
      if (args.includes("--xattrs") || (program === "bsdtar" && format === "pax")) {
        assertEquals(attributes?.["user.binary"], "\x00\n\xff=");
      }
      if (args.includes("--xattrs")) {
        const directory = entries.find(({ name }) => name === "./dir/")!;
        assertEquals(directory.xattrs, { "user.a=b%c": "" });
      }
      const sparse = entries.find(({ name }) => name === "./sparse")!;
      assertEquals(sparse.size, 5_000_000);
      if (args.includes("--sparse") || (program === "bsdtar" && format === "pax")) {
        assertEquals((sparse.sparse?.length ?? 0) >= 6, true, "the holes are kept");
      }
    },
  });
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) {
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  }
  return text;
}

function utf8(name: string): string {
  return new TextDecoder().decode(Uint8Array.from(name, (char) => char.charCodeAt(0)));
}

function wholeContent({ data, sparse, size }: ReadEntry): string {
  if (sparse === null) return data;
  let text = "";
  let at = 0;
  for (let i = 0; i < sparse.length; i += 2) {
    text = text.padEnd(sparse[i], "\0") + data.slice(at, at + sparse[i + 1]);
    at += sparse[i + 1];
  }
  return text.padEnd(size, "\0");
}

Deno.test({
  ...needs("tar: device numbers as GNU tar writes them", notRoot(), lacks("tar")),
  fn() {
    using temp = new TempDir();
    check(
      mknodat(AT_FDCWD, join(temp.path, "big"), 0o060600, 0xfff00000 + 0xfff00 + 0xff),
      "mknod",
      "big",
    );
    const archive = run("tar", ["-cf", "-", "-C", temp.path, "big"]);
    const [entry] = readTar(archive);
    assertEquals([entry.type, entry.major, entry.minor], ["block", 0xfff, 0xfffff]);
  },
});
