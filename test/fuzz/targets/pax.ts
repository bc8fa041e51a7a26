/**
 * PAX records, against a plain reading of what POSIX says of them.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { DEFAULT_LIMITS } from "../../../src/limits.ts";
import { parsePax, PaxFields } from "../../../src/tar/pax.ts";
import { bytesOf, orRefused, Refused, type Target, textOf } from "../target.ts";
import { mendRecords, TAR_WORDS } from "./archives.ts";

const RECORDS = [
  "path=a/b",
  "linkpath=\xff/c",
  "size=12",
  "uid=7",
  "gid=4294967294",
  "mtime=1700000000.25",
  "mtime=-1.5",
  "SCHILY.xattr.user.a=\x00\x01=",
  "SCHILY.xattr.user.%3D=",
  "atime=5",
  "comment=anything at all",
  "GNU.sparse.major=1",
  "GNU.sparse.minor=0",
  "GNU.sparse.map=0,10,20,5",
  "GNU.sparse.offset=3",
  "GNU.sparse.numbytes=4",
];

/** The records, by position; undefined where they are not a whole number of records. */
function recordsOf(text: string): [string, string][] | undefined {
  const records: [string, string][] = [];
  for (let at = 0; at < text.length;) {
    const length = /^(\d{1,16}) /.exec(text.slice(at, at + 20))?.[1];
    const record = text.slice(at, at + Number(length));
    const equals = record.indexOf("=");
    const key = record.slice((length ?? "").length + 1, equals);
    const whole = length !== undefined && record.length === Number(length) &&
      record.endsWith("\n") && equals > 0 && key !== "" && equals < record.length;
    if (!whole) return undefined;
    records.push([key, record.slice(equals + 1, -1)]);
    at += record.length;
  }
  return records;
}

/** The whole second that a time is in. */
function secondsOf(time: string | undefined): number | undefined {
  if (time === undefined) return undefined;
  const [, sign, whole, fraction] = /^(-?)(\d+)\.?(\d*)$/.exec(time)!;
  return sign === "" ? Number(whole) : 0 - Number(whole) - (/[1-9]/.test(fraction) ? 1 : 0);
}

const target: Target = {
  name: "pax",
  starts: () => [
    ...RECORDS.map((record) => mendRecords(bytesOf(` ${record}`))),
    mendRecords(bytesOf(RECORDS.map((record) => ` ${record}`).join("\n"))),
  ],
  words: TAR_WORDS,
  mend: mendRecords,
  run(body) {
    const limits = { ...DEFAULT_LIMITS, sparseParts: 1000 };
    const records = recordsOf(textOf(body));
    for (const global of [false, true]) {
      const fields = orRefused(() => {
        const fields = new PaxFields();
        parsePax(body, fields, () => "reading", limits, global);
        return fields;
      });
      if (fields instanceof Refused) continue;
      if (records === undefined) throw new Error("accepted what are no records");
      const last = (key: string) => records.findLast(([name]) => name === key)?.[1] || undefined;
      assertEquals(fields.path, last("path"));
      assertEquals(fields.linkpath, last("linkpath"));
      const number = (key: string) => last(key) === undefined ? undefined : Number(last(key));
      assertEquals(fields.size, number("size"));
      assertEquals(fields.uid, number("uid"));
      assertEquals(fields.gid, number("gid"));
      assertEquals(fields.mtime, secondsOf(last("mtime")));
      const xattrs = new Map<string, string>();
      for (const [key, value] of records) {
        if (!key.startsWith("SCHILY.xattr.")) continue;
        const name = key.slice(13).replaceAll("%3D", "=").replaceAll("%25", "%");
        xattrs.set(name, value);
      }
      const found = [...fields.xattrs ?? []].map(([key, value]) => [key, textOf(value)]);
      assertEquals(found, [...xattrs]);
    }
  },
};

export default target;
