/**
 * Users and groups as an image's `User` names them (config.md of the image specification), looked up in the root's /etc/passwd and /etc/group.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";

/** Who a command runs as. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  /** Home directory; `/` where passwd(5) does not know the user. */
  readonly home: string;
}

/**
 * Resolves `USER[:GROUP]`, each a name or a number.
 *
 * @param user Empty for root.
 * @param passwd Content of passwd(5).
 * @param group Content of group(5).
 * @throws {LaminaError} `not-found` for a name that is not there.
 */
export function resolveIdentity(user: string, passwd: string, group: string): Identity {
  const [name, groupName] = splitOnce(user === "" ? "0" : user);
  const entry = rows(passwd, 7).find((row) => row[0] === name) ??
    rows(passwd, 7).find((row) => isNumber(name) && row[2] === name);
  const uid = entry === undefined ? numberOf(name, "user", "/etc/passwd") : Number(entry[2]);
  const groups = rows(group, 4);
  // As container engines do: a group that was named replaces all that the files say.
  if (groupName !== undefined) {
    const found = groups.find((row) => row[0] === groupName);
    const gid = found === undefined ? numberOf(groupName, "group", "/etc/group") : Number(found[2]);
    return { uid, gid, groups: [gid], home: entry?.[5] || "/" };
  }
  const gid = entry === undefined ? 0 : Number(entry[3]);
  const member = entry?.[0];
  const supplementary = groups.filter((row) =>
    member !== undefined && row[3].split(",").includes(member)
  ).map((row) => Number(row[2]));
  return { uid, gid, groups: [...new Set([gid, ...supplementary])], home: entry?.[5] || "/" };
}

function splitOnce(user: string): [string, string | undefined] {
  const colon = user.indexOf(":");
  return colon < 0 ? [user, undefined] : [user.slice(0, colon), user.slice(colon + 1) || undefined];
}

/** The lines that have enough fields and numbers for ids. */
function rows(file: string, fields: number): string[][] {
  return file.split("\n").map((line) => line.split(":")).filter((row) =>
    row.length >= fields && isNumber(row[2]) && (fields < 7 || isNumber(row[3]))
  );
}

/** Below 2^32 - 1, which means "no change" to the kernel. */
function isNumber(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) < 0xffffffff;
}

function numberOf(name: string, what: string, file: string): number {
  if (isNumber(name)) return Number(name);
  throw new LaminaError(
    "not-found",
    `running as ${what} ${JSON.stringify(name)}: the image's ${file} has none`,
    { hint: "Name one that it has, or a number: --user 1000" },
  );
}
