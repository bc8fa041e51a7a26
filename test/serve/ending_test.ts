import { assert, assertEquals, assertMatch } from "@std/assert";
import { findDead } from "../../src/strategy/dead.ts";
import { FAST, TempDir } from "../support/temp.ts";
import { trustedFolder, writeFiles } from "../support/plugins.ts";
import { file } from "../support/tar.ts";
import { Bed, NOTHING } from "../strategy/bed.ts";
import { begun, GATED, open } from "./gated.ts";
import { postHeld } from "./held.ts";
import { serveCommand, Server } from "./server.ts";

function entries(path: string): string[] {
  try {
    return [...Deno.readDirSync(path)].map(({ name }) => name);
  } catch {
    return [];
  }
}

Deno.test("serve: how it ends, and who comes next", async (t) => {
  using temp = new TempDir(FAST);
  using folder = trustedFolder();
  const plugin = `${folder.path}/gated.ts`;
  writeFiles(folder.path, { "gated.ts": GATED });
  const bed = new Bed(temp.path);
  const { store } = bed;
  await bed.image("small", [[file("name", "small\n")]]);
  const place = `${temp.path}/sockets`;
  Deno.mkdirSync(place);
  const socket = `${place}/s`;
  const [finished, waiting, killed] = [bed.target(), bed.target(), bed.target()];
  const order = (target: string) => ({ image: "small", target, strategy: "gated" });

  await t.step("SIGTERM: what is under way is finished, what waits is refused", async () => {
    await using server = await Server.start(store.root, socket, plugin);
    const first = server.ask("POST", "/v1/compositions", order(finished));
    await begun(finished);
    const second = await postHeld(socket, "/v1/compositions", order(waiting));
    const third = await postHeld(socket, "/v1/compositions", order(waiting));
    second.send();
    // It waits in line once a later request is answered.
    await server.ask("GET", "/v1/version");
    const ended = server.end("SIGTERM");
    // The body is not waited for, nor is what is under way.
    const refused = await third.answer;
    // It does not listen any more.
    while (entries(place).includes("s")) await new Promise((resolve) => setTimeout(resolve, 5));
    open(finished);
    assertEquals((await first).status, 201);
    for (const { status, document } of [refused, await second.answer]) {
      assertEquals([status, document.error.kind], [503, "busy"]);
    }
    assertEquals((await ended).code, 0);
    assertEquals([entries(place), entries(waiting), entries(finished)], [[], [], ["begun"]]);
  });

  await t.step(
    "SIGTERM: what waits for the store is refused, and no client keeps it from ending",
    async () => {
      await using server = await Server.start(store.root, socket, plugin);
      using alone = store.tryAlone();
      assert(alone !== undefined);
      const asked = server.ask("POST", "/v1/compositions", order(waiting));
      using connection = await Deno.connect({ transport: "unix", path: socket });
      const half = "POST /v1/compositions HTTP/1.1\r\nHost: lamina\r\nContent-Length: 9\r\n\r\n{";
      await connection.write(new TextEncoder().encode(half));
      // They have been read once later ones are answered.
      for (let i = 0; i < 3; i++) await server.ask("GET", "/v1/version");
      const ended = server.end("SIGTERM");
      assertEquals((await asked).status, 503);
      // To its end, which is the server's: the rest of this request never comes.
      assertMatch(await new Response(connection.readable).text(), /^HTTP\/1.1 503 /);
      const { code, stderr } = await ended;
      assertEquals([code, stderr, entries(waiting)], [0, "", []]);
    },
  );

  await t.step("kill -9: the next one takes the socket, and clears up", async () => {
    await using server = await Server.start(store.root, socket, plugin);
    // What the one before made is there still.
    const { document } = await server.ask("GET", "/v1/compositions");
    assertEquals(document.map(({ target }: { target: string }) => target), [finished]);
    const lost = server.ask("POST", "/v1/compositions", order(killed)).catch(() => undefined);
    await begun(killed);
    assertEquals((await server.end("SIGKILL")).signal, "SIGKILL");
    assertEquals(await lost, undefined);
    assertEquals(entries(place).includes("s"), true);
    assertEquals(findDead(store).dead.map(({ record }) => record.target), [killed]);

    await using next = await Server.start(store.root, socket, plugin);
    const [, dead] = (await next.ask("GET", "/v1/compositions")).document;
    assertMatch(dead.ended, /died while making/);
    const made = next.ask("POST", "/v1/compositions", order(waiting));
    await begun(waiting);
    open(waiting);
    assertEquals((await made).status, 201);
    assertEquals([entries(killed), findDead(store).dead], [[], []]);
    for (const target of [finished, waiting]) {
      const path = `/v1/compositions/${encodeURIComponent(target)}`;
      assertEquals((await next.ask("DELETE", path)).status, 200);
    }
    assertEquals(bed.leftovers(), NOTHING);
  });

  await t.step("a socket that is no place to listen", async () => {
    Deno.writeTextFileSync(`${place}/file`, "");
    const listener = Deno.listen({ transport: "unix", path: `${place}/foreign` });
    await using _server = await Server.start(store.root, `${place}/taken`);
    const cases: [string, number, string, RegExp][] = [
      [`${place}/taken`, 1, "busy", /another server/],
      [`${place}/foreign`, 1, "busy", /another server/],
      [`${place}/file`, 1, "exists", /no socket/],
      [`${place}/nowhere/s`, 3, "not-found", /nowhere does not exist/],
      [`${place}/${"long".repeat(30)}`, 2, "usage", /107 bytes/],
    ];
    const refused = async ([path, code, kind, message]: typeof cases[number]) => {
      const ended = await serveCommand(store.root, path).output();
      const { error } = JSON.parse(new TextDecoder().decode(ended.stdout));
      assertEquals([ended.code, error.kind], [code, kind], path);
      assertMatch(error.message, message);
    };
    await Promise.all(cases.map(refused));
    // Its server is there, though nobody can connect to it any more.
    Deno.removeSync(`${place}/taken`);
    await refused(cases[0]);
    listener.close();
    assertEquals(entries(place).includes("file"), true);
  });
});
