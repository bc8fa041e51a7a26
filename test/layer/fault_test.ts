/**
 * Faults in the middle: cancelled, killed, out of space, a thread that dies.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { LaminaError } from "../../src/error.ts";
import { available, LoopFs } from "../support/loopfs.ts";
import { needs, notRoot } from "../support/root.ts";
import { file, makeTar } from "../support/tar.ts";
import { FAST } from "../support/temp.ts";
import { describe, Workshop } from "./support.ts";

const pieces = (count: number, size = 5000) =>
  Array.from({ length: count }, (_, i) => file(`d/f${i}`, `${i} `.padEnd(size, "x")));

Deno.test({
  ...needs("layer: disposing of the pipeline cancels what is under way", notRoot()),
  async fn() {
    const workshop = new Workshop({ where: FAST, parallel: 1 });
    try {
      const target = () => ({ staging: workshop.staging(), objects: workshop.objects });
      const source = workshop.source(makeTar(pieces(20_000)), { compression: "gzip" });
      const running = assertRejects(
        () => workshop.pipeline.ingest(source, target()),
        LaminaError,
        "cancelled",
      );
      const waiting = assertRejects(
        () => workshop.pipeline.ingest(source, target()),
        LaminaError,
        "cancelled",
      );
      await new Promise((resolve) => setTimeout(resolve, 100));
      await workshop.pipeline[Symbol.asyncDispose]();
      await running;
      await waiting;
      assertEquals(workshop.objectNames(), []);
      await assertRejects(
        () => workshop.pipeline.ingest(source, target()),
        LaminaError,
        "cancelled",
      );
    } finally {
      await workshop[Symbol.asyncDispose]();
    }
  },
});

Deno.test({
  ...needs("layer: a thread that dies fails its layer, not the pipeline", notRoot()),
  async fn() {
    await using workshop = new Workshop({ where: FAST, parallel: 1 });
    for (const which of ["inflate_worker", "unpack_worker"]) {
      const { Worker: real } = globalThis;
      globalThis.Worker = class extends real {
        constructor(url: string | URL, options?: WorkerOptions) {
          const dead = `data:text/javascript,onmessage = () => { throw new Error("struck down") }`;
          super(String(url).includes(which) ? dead : url, options);
        }
      };
      try {
        const error = await assertRejects(() => workshop.ingest(pieces(3000)), LaminaError);
        assertStringIncludes(error.message, "a thread of the ingest died");
        assertStringIncludes(error.message, "struck down");
        assertEquals(workshop.objectNames(), []);
      } finally {
        globalThis.Worker = real;
      }
    }
    assertEquals((await workshop.ingest(pieces(3))).result.entries, 5);
  },
});

Deno.test({
  ...needs(
    "layer: a full filesystem is told by entry, and leaves no objects",
    notRoot(),
    available("ext4"),
  ),
  async fn() {
    await using fs = await LoopFs.make("ext4", 16);
    await using workshop = new Workshop({ where: fs.path });
    const error = await workshop.refuse(pieces(400, 100_000), ["entry d/f"]);
    assertStringIncludes(error.message, "No space left on device (ENOSPC)");
    assertStringIncludes(error.hint!, "lamina gc");
    assertEquals(workshop.objectNames(), []);
  },
});

Deno.test({
  ...needs("layer: a staging directory that is missing or not empty", notRoot()),
  async fn() {
    await using workshop = new Workshop({ where: FAST });
    const source = workshop.source(makeTar(pieces(3)));
    const { objects } = workshop;
    await assertRejects(
      () => workshop.pipeline.ingest(source, { staging: `${workshop.path}/missing`, objects }),
      LaminaError,
      "ENOENT",
    );
    const staging = workshop.staging();
    Deno.symlinkSync("/tmp", `${staging}/fs`);
    await assertRejects(
      () => workshop.pipeline.ingest(source, { staging, objects }),
      LaminaError,
      "EEXIST",
    );
    assertEquals(workshop.objectNames(), []);
    assertEquals(describe(await workshop.ingest(pieces(1))).length, 3);
  },
});

Deno.test({
  ...needs("layer: more layers at once than the pipeline has threads for", notRoot()),
  async fn() {
    await using workshop = new Workshop({ where: FAST, parallel: 2 });
    const layers = await Promise.all(
      Array.from(
        { length: 9 },
        (_, n) =>
          n % 3 === 2
            ? workshop.refuse([file(`../${n}`, "x")], [`../${n}`])
            : workshop.ingest(pieces(10 + n), { compression: n % 2 ? "gzip" : "zstd" }),
      ),
    );
    layers.forEach((layer, n) => {
      if (!(layer instanceof Error)) assertEquals(layer.result.entries, 12 + n);
    });
  },
});

Deno.test({
  ...needs("layer: progress goes up to the end", notRoot()),
  async fn() {
    await using workshop = new Workshop({ where: FAST });
    const archive = makeTar(pieces(5000));
    const source = workshop.source(archive, { compression: "gzip" });
    const seen: { read: number; unpacked: number; entries: number }[] = [];
    await workshop.pipeline.ingest(
      source,
      { staging: workshop.staging(), objects: workshop.objects },
      { onProgress: (progress) => seen.push(progress) },
    );
    assertEquals(seen.at(-1), { read: source.length, unpacked: archive.length, entries: 5000 });
    for (let i = 1; i < seen.length; i++) {
      assert(seen[i].read >= seen[i - 1].read && seen[i].unpacked >= seen[i - 1].unpacked);
    }
  },
});

Deno.test({
  ...needs("layer: kill -9 in the middle leaves the staging directory and no objects", notRoot()),
  async fn() {
    await using workshop = new Workshop({ where: FAST });
    const staging = workshop.staging();
    const { objects } = workshop;
    const source = workshop.source(makeTar(pieces(8000, 700)), { compression: "gzip" });
    const module = fromFileUrl(new URL("../../src/layer/mod.ts", import.meta.url));
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        "--quiet",
        "--ext=ts",
        `
        import { LayerPipeline } from ${JSON.stringify(module)};
        await using pipeline = new LayerPipeline({ native: true });
        await pipeline.ingest(
          ${JSON.stringify(source)},
          ${JSON.stringify({ staging, objects })},
          { onProgress: ({ entries }) => entries > 300 && Deno.kill(Deno.pid, "SIGKILL") },
        );
        `,
      ],
    });
    assertEquals((await child.output()).signal, "SIGKILL");
    assertEquals(workshop.objectNames(), []);
    assert([...Deno.readDirSync(`${staging}/fs/d`)].length > 200);
    // The same layer, into a new place.
    const result = await workshop.pipeline.ingest(source, { staging: workshop.staging(), objects });
    assertEquals(result.entries, 8002);
    assertEquals(workshop.objectNames().length, 8000);
  },
});
