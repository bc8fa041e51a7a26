import { assertEquals, assertStringIncludes } from "@std/assert";
import { writeOciLayout } from "../support/images.ts";
import { postHeld } from "../serve/held.ts";
import { isRoot, needs } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";
import { assertComposed, IMAGE } from "./image.ts";
import { notCompiled, Program } from "./program.ts";

Deno.test({
  ...needs("serve: the compiled program composes for a client", notCompiled()),
  async fn() {
    using temp = new TempDir();
    await writeOciLayout(`${temp.path}/layout`, [IMAGE]);
    await using lamina = new Program(temp.path);
    const socket = `${temp.path}/socket`;
    const server = lamina.command(["serve", "--socket", socket]).spawn();
    const reader = server.stderr.getReader();
    assertStringIncludes(new TextDecoder().decode((await reader.read()).value), "listening at");
    reader.releaseLock();
    // It made the store; what comes later is seen.
    await lamina.json("pull", "oci:layout:app");
    using client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
    const ask = async (method: string, path: string, body?: unknown) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const response = await fetch(`http://lamina${path}`, { method, body: text, client });
      return { status: response.status, document: await response.json() };
    };
    const target = `${temp.path}/rootfs`;
    const order = { image: "app", target, strategy: "copy" };
    const made = await ask("POST", "/v1/compositions", order);
    assertEquals([made.status, made.document.target], [201, target]);
    assertComposed(target, isRoot);
    assertEquals((await lamina.json("ps"))[0].id, made.document.id);
    const gone = await ask("DELETE", `/v1/compositions/${made.document.id}`);
    assertEquals([gone.status, await lamina.json("ps")], [200, []]);
    // A request of which the body does not come is not waited for.
    const held = await postHeld(socket, "/v1/compositions", order);
    server.kill("SIGTERM");
    assertEquals((await held.answer).status, 503);
    await server.stderr.cancel();
    const { code } = await server.status;
    await server.stdout.cancel();
    assertEquals(code, 0);
  },
});
