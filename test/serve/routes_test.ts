import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { collect } from "../../src/store/gc/collect.ts";
import { compose } from "../../src/strategy/compose.ts";
import { release } from "../../src/strategy/release.ts";
import { FAST, TempDir } from "../support/temp.ts";
import { trustedFolder, writeFiles } from "../support/plugins.ts";
import { directory, file } from "../support/tar.ts";
import { Bed, builtInPlugins } from "../strategy/bed.ts";
import { begun, GATED, isThere, open, until } from "./gated.ts";
import { Server } from "./server.ts";

Deno.test("serve: what is asked for is done, beside commands, in turn", async (t) => {
  using temp = new TempDir(FAST);
  using folder = trustedFolder();
  writeFiles(folder.path, { "gated.ts": GATED });
  const bed = new Bed(temp.path);
  const { store } = bed;
  const small = await bed.image("small", [[directory("etc"), file("etc/name", "small\n")]]);
  await using server = await Server.start(store.root, `${temp.path}/s`, `${folder.path}/gated.ts`);
  const ask = server.ask.bind(server);
  const list = async () => (await ask("GET", "/v1/compositions")).document;

  await t.step("who answers", async () => {
    assertEquals(Deno.statSync(server.socket).mode! & 0o777, 0o600);
    assertEquals(server.greeting.includes(store.root), true);
    const { status, headers, document } = await ask("GET", "/v1/version");
    assertEquals([status, headers.get("content-type")], [200, "application/json"]);
    assertEquals([document.api, document.store], [1, store.root]);
    assertEquals(document.pid, server.process.pid);
  });

  await t.step("compose, list, show, release", async () => {
    const target = bed.target();
    const made = await ask("POST", "/v1/compositions", {
      image: "small",
      target,
      strategy: "copy",
      access: "ro",
      writable: ["etc"],
      explain: true,
      upper: null,
    });
    const { id, strategy, access, image, rows } = made.document;
    assertEquals([made.status, strategy, access, image], [201, "copy", "ro", small.digest]);
    assertEquals(rows.some((row: { name: string }) => row.name === "copy"), true);
    assertEquals(made.headers.get("location"), `/v1/compositions/${id}`);
    assertEquals(Deno.readTextFileSync(`${target}/etc/name`), "small\n");
    assertEquals(store.compositions.get(id)?.writable, ["etc"]);
    const [shown] = await list();
    assertEquals([shown.id, shown.ended], [id, null]);
    assertEquals((await ask("GET", `/v1/compositions/${id}`)).document, shown);
    const byTarget = `/v1/compositions/${encodeURIComponent(target)}`;
    assertEquals((await ask("GET", byTarget)).document, shown);
    const gone = await ask("DELETE", byTarget);
    assertEquals([gone.status, gone.document.released[0].id, gone.document.failed], [200, id, []]);
    assertEquals([isThere(target), await list()], [false, []]);
    assertEquals((await ask("DELETE", `/v1/compositions/${id}`)).status, 404);
  });

  await t.step("what is wrong is refused", async () => {
    const there = bed.target();
    Deno.mkdirSync(`${there}/child`, { recursive: true });
    const good = { image: "small", target: bed.target() };
    const big = JSON.stringify({ ...good, image: "x".repeat(2 ** 20) });
    const cases: [string, string, unknown, number, string, RegExp][] = [
      ["GET", "/", undefined, 404, "not-found", /no such path/],
      ["GET", "/v1/compositions/", undefined, 404, "not-found", /no such path/],
      ["GET", "/v1/compositions/%ff", undefined, 400, "usage", /UTF-8/],
      ["GET", "/v1/compositions?all=1", undefined, 400, "usage", /no query/],
      ["GET", "/v1/compositions/abcdef012345", undefined, 404, "not-found", /no such id/],
      ["PUT", "/v1/compositions", "{}", 405, "usage", /no such method/],
      ["DELETE", "/v1/compositions", undefined, 405, "usage", /no such method/],
      ["DELETE", "/v1/compositions/x", "{}", 400, "usage", /not wanted/],
      ["POST", "/v1/compositions", "", 400, "usage", /not JSON/],
      ["POST", "/v1/compositions", "[]", 400, "usage", /no JSON object/],
      ["POST", "/v1/compositions", big, 413, "usage", /more than/],
      ["POST", "/v1/compositions", {}, 400, "usage", /`image` is missing/],
      ["POST", "/v1/compositions", { image: "small" }, 400, "usage", /`target` is missing/],
      ["POST", "/v1/compositions", { ...good, taget: "/x" }, 400, "usage", /unknown field `taget`/],
      ["POST", "/v1/compositions", { ...good, root: "/x" }, 400, "usage", /unknown field `root`/],
      ["POST", "/v1/compositions", { ...good, pull: "always" }, 400, "usage", /field `pull`/],
      ["POST", "/v1/compositions", { ...good, target: "vm1" }, 400, "usage", /absolute/],
      ["POST", "/v1/compositions", { ...good, upper: "up" }, 400, "usage", /absolute/],
      ["POST", "/v1/compositions", { ...good, target: "/vm\0" }, 400, "usage", /without NUL/],
      ["POST", "/v1/compositions", { ...good, upper: "/\ud800" }, 400, "usage", /Unicode/],
      ["POST", "/v1/compositions", { ...good, access: "w" }, 400, "usage", /one of ro, rw/],
      ["POST", "/v1/compositions", { ...good, access: ["ro"] }, 400, "usage", /to be a text/],
      ["POST", "/v1/compositions", { ...good, writable: [1, {}] }, 400, "usage", /texts in/],
      ["POST", "/v1/compositions", { ...good, explain: "no" }, 400, "usage", /true or false/],
      ["POST", "/v1/compositions", { ...good, sharedBy: 3 }, 400, "usage", /hybrid/],
      ["POST", "/v1/compositions", { ...good, upper: "tmpfs:x" }, 400, "usage", /not a size/],
      ["POST", "/v1/compositions", { ...good, image: "no" }, 404, "not-found", /no such name/],
      ["POST", "/v1/compositions", { ...good, target: there }, 409, "exists", /not empty/],
    ];
    for (const [method, path, body, status, kind, message] of cases) {
      const answered = await ask(method, path, body);
      const { error } = answered.document;
      assertEquals([answered.status, error.kind], [status, kind], `${method} ${path}: ${message}`);
      assertMatch(error.message, message);
      assert(error.hint.length > 0, error.message);
      if (status === 405) assertMatch(answered.headers.get("allow")!, /GET/);
    }
    const none = await ask("POST", "/v1/compositions", { ...good, strategy: "nothing" });
    assert(none.status >= 400 && none.document.error.message.includes("nothing"));
    assertEquals(await list(), []);
    assertEquals(isThere(good.target), false);
    const broken: [string, RegExp][] = [
      ["GET /v1/version HTTP/1.1\r\nHost: [\r\n\r\n", /the header Host is no host/],
      ["POST /v1/compositions HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", /body broke off/],
    ];
    for (const [text, message] of broken) {
      using connection = await Deno.connect({ transport: "unix", path: server.socket });
      await connection.write(new TextEncoder().encode(text));
      await connection.closeWrite();
      const answered = await new Response(connection.readable).text();
      assertMatch(answered, /^HTTP\/1.1 400 /);
      assertMatch(answered, message);
    }
  });

  await t.step("what others do to the store is seen", async () => {
    const plugins = await builtInPlugins();
    const other = await compose(store, small, bed.target(), { plugins, strategy: "copy" });
    assertEquals((await list()).map(({ id }: { id: string }) => id), [other.id]);
    const late = await bed.image("late", [[file("late", "first\n")]]);
    const target = bed.target();
    const order = { image: "moving", target, strategy: "copy" };
    assertEquals((await ask("POST", "/v1/compositions", order)).status, 404);
    for (const [image, path, text] of [[late, "late", "first\n"], [small, "etc/name", "small\n"]]) {
      store.names.set("moving", (image as typeof late).digest);
      assertEquals((await ask("POST", "/v1/compositions", order)).status, 201);
      assertEquals(Deno.readTextFileSync(`${target}/${path}`), text);
      await release(store, target, { plugins });
    }
    assertEquals((await ask("DELETE", `/v1/compositions/${other.id}`)).status, 200);
    store.names.remove("moving");
    await collect(store);
    assertEquals((await ask("POST", "/v1/compositions", { ...order, image: "late" })).status, 201);
    assertEquals(
      (await ask("DELETE", `/v1/compositions/${encodeURIComponent(target)}`)).status,
      200,
    );
  });

  await t.step("nothing of the store is held; who has it alone is waited for", async () => {
    const target = bed.target();
    let composed: Promise<number>;
    {
      using alone = store.tryAlone();
      assert(alone !== undefined);
      composed = ask("POST", "/v1/compositions", { image: "small", target, strategy: "copy" })
        .then(({ status }) => status);
      // Both are answered meanwhile.
      for (let i = 0; i < 3; i++) assertEquals((await ask("GET", "/v1/version")).status, 200);
      assertEquals(await list(), []);
      assertEquals(isThere(target), false);
    }
    assertEquals(await composed, 201);
    assertEquals(
      (await ask("DELETE", `/v1/compositions/${encodeURIComponent(target)}`)).status,
      200,
    );
  });

  await t.step("many at once, and nothing is left of them", async () => {
    // But for connections, of which this client keeps as many as it likes.
    const descriptors = () => {
      const folder = `/proc/${server.process.pid}/fd`;
      return [...Deno.readDirSync(folder)].map(({ name }) => Deno.readLinkSync(`${folder}/${name}`))
        .filter((what) => !what.startsWith("socket:")).sort();
    };
    const memory = () => {
      const status = Deno.readTextFileSync(`/proc/${server.process.pid}/status`);
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
    };
    const round = async () => {
      const targets = Array.from({ length: 12 }, () => bed.target());
      const made = await Promise.all(
        targets.map((target) =>
          ask("POST", "/v1/compositions", { image: "small", target, strategy: "copy" })
        ),
      );
      assertEquals(made.map(({ status }) => status), targets.map(() => 201));
      assertEquals(new Set(made.map(({ document }) => document.id)).size, targets.length);
      const gone = await Promise.all(made.flatMap(({ headers }) => [
        ask("DELETE", headers.get("location")!),
        ask("GET", "/v1/compositions"),
      ]));
      assertEquals(gone.map(({ status }) => status), gone.map(() => 200));
      assertEquals(targets.some(isThere), false);
    };
    await round();
    const [before, used] = [descriptors(), memory()];
    for (let i = 0; i < 6; i++) await round();
    assertEquals(descriptors(), before);
    assert(memory() - used < 64 * 2 ** 20, `${used} bytes became ${memory()}`);
    assertEquals([...Deno.readDirSync(store.layout.tmp)], []);
  });

  await t.step("a client that goes away: what was begun is undone", async () => {
    const target = bed.target();
    const gone = new AbortController();
    const order = { image: "small", target, strategy: "gated" };
    const asked = ask("POST", "/v1/compositions", order, gone.signal);
    await begun(target);
    gone.abort();
    await assertRejects(() => asked);
    await until(() => !isThere(target));
    await until(async () => (await list()).length === 0);
    const again = ask("POST", "/v1/compositions", order);
    await begun(target);
    // Short requests are answered meanwhile.
    assertEquals((await list())[0].state, "making");
    open(target);
    assertEquals((await again).status, 201);
    assertEquals((await ask("DELETE", (await again).headers.get("location")!)).status, 200);
  });

  assertEquals(bed.leftovers().records, []);
  const ended = await server.end("SIGTERM");
  // What clients did wrong is theirs to know.
  assertEquals(ended.stderr, "");
  assertEquals([ended.code, isThere(server.socket), isThere(`${server.socket}.lock`)], [
    0,
    false,
    false,
  ]);
  assert(JSON.parse(ended.stdout).served > 100);
});
