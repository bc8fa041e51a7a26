import { assertEquals, assertThrows } from "@std/assert";
import { resolveIdentity } from "../../src/cli/run/identity.ts";
import { processOf } from "../../src/cli/run/process.ts";
import { LaminaError } from "../../src/error.ts";

const PASSWD = `root:x:0:0:root:/root:/bin/sh
# a comment
broken:x
app:x:1000:1001:App:/srv/app:/bin/false
1234:x:77:78::/odd:
nohome:x:1001:1001:::
`;
const GROUP = `root:x:0:
web:x:500:other,app
app:x:1001:
db:x:501:app
55:x:600:
`;

Deno.test("run: users and groups, by the image's own files", async (t) => {
  const cases: [string, number, number, number[], string][] = [
    ["", 0, 0, [0], "/root"],
    ["root", 0, 0, [0], "/root"],
    ["0", 0, 0, [0], "/root"],
    ["app", 1000, 1001, [1001, 500, 501], "/srv/app"],
    ["1000", 1000, 1001, [1001, 500, 501], "/srv/app"],
    ["1234", 77, 78, [78], "/odd"],
    ["nohome", 1001, 1001, [1001], "/"],
    ["4321", 4321, 0, [0], "/"],
    ["app:db", 1000, 501, [501], "/srv/app"],
    ["app:7", 1000, 7, [7], "/srv/app"],
    ["app:55", 1000, 600, [600], "/srv/app"],
    ["app:", 1000, 1001, [1001, 500, 501], "/srv/app"],
    ["4321:web", 4321, 500, [500], "/"],
  ];
  for (const [user, uid, gid, groups, home] of cases) {
    await t.step(user || "none", () => {
      assertEquals(resolveIdentity(user, PASSWD, GROUP), { uid, gid, groups, home });
    });
  }
  assertEquals(resolveIdentity("", "", ""), { uid: 0, gid: 0, groups: [0], home: "/" });
  for (const user of ["nobody", "broken", "app:nogroup", "-1", "4294967295", "1.5", "0x10"]) {
    await t.step(`no ${user}`, () => {
      assertThrows(() => resolveIdentity(user, PASSWD, GROUP), LaminaError, "has none");
    });
  }
});

Deno.test("run: what runs, where, with what", () => {
  const image = {
    config: {
      Entrypoint: ["/init", "-x"],
      Cmd: ["serve"],
      Env: ["A=1", "B=2"],
      WorkingDir: "srv",
      User: "app",
    },
  };
  const own = (name: string) => ({ TERM: "vt100", MINE: "here" })[name];
  const none = { command: [], environment: [] };
  assertEquals(processOf(image, none, own), {
    argv: ["/init", "-x", "serve"],
    environment: ["TERM=vt100", "A=1", "B=2"],
    directory: "/srv",
    user: "app",
  });
  const argv = (request: object) => processOf(image, { ...none, ...request }, own).argv;
  assertEquals(argv({ command: ["check", ""] }), ["/init", "-x", "check", ""]);
  assertEquals(argv({ entrypoint: "sh" }), ["sh"]);
  assertEquals(argv({ entrypoint: "sh", command: ["-c", "x"] }), ["sh", "-c", "x"]);
  const asked = { environment: ["A=", "MINE", "GONE"], directory: "/x", user: "0" };
  assertEquals(processOf(image, { command: [], ...asked }, () => undefined), {
    argv: ["/init", "-x", "serve"],
    environment: ["A=1", "B=2", "A="],
    directory: "/x",
    user: "0",
  });
  assertEquals(processOf(image, { command: [], ...asked }, own).environment.slice(-2), [
    "A=",
    "MINE=here",
  ]);
  assertEquals(processOf({}, { ...none, command: ["x"] }, () => undefined), {
    argv: ["x"],
    environment: [],
    directory: "/",
    user: "",
  });
  const refused = (request: object, message: string) =>
    assertThrows(() => processOf({}, { ...none, ...request }, own), LaminaError, message);
  assertEquals(refused({}, "names no command").kind, "usage");
  assertEquals(refused({ command: ["x"], directory: "srv" }, "not an absolute path").kind, "usage");
});
