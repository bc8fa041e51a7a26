import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { deflateRawSync } from "node:zlib";
import { hasIsal, ISAL_LAYOUT, IsalInflate, LIBISAL } from "../../src/linux/mod.ts";
import { lacks, needs } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";

/** Asked before any test: a library that is opened stays open. */
const works = hasIsal();

/** Why ISA-L cannot be tested; undefined where its file is there: then it must work. */
function lacksIsal(): string | undefined {
  try {
    Deno.dlopen(LIBISAL, {}).close();
    return undefined;
  } catch {
    return `${LIBISAL} is not installed`;
  }
}

function lacksHeader(): string | undefined {
  try {
    Deno.statSync("/usr/include/isa-l/igzip_lib.h");
    return undefined;
  } catch {
    return "igzip_lib.h is not installed";
  }
}

Deno.test({
  ...needs("ISA-L's state is laid out as its header says", lacks("cc"), lacksHeader()),
  fn() {
    using temp = new TempDir();
    const lines = Object.keys(ISAL_LAYOUT).map((name) => {
      const value = name === "sizeof"
        ? "sizeof(struct inflate_state)"
        : name.startsWith("ISAL_")
        ? name
        : `offsetof(struct inflate_state, ${name})`;
      return `printf("%zu\\n", (size_t)${value});`;
    });
    const heads = ["isa-l/igzip_lib.h", "stddef.h", "stdio.h"].map((head) => `#include <${head}>`);
    const source = `${temp.path}/layout.c`;
    Deno.writeTextFileSync(source, [...heads, "int main(void) {", ...lines, "}", ""].join("\n"));
    const run = (program: string, ...args: string[]) => {
      const { success, stdout, stderr } = new Deno.Command(program, { args }).outputSync();
      assert(success, new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout).trim().split("\n").map(Number);
    };
    run("cc", "-o", `${temp.path}/layout`, source);
    assertEquals(run(`${temp.path}/layout`), Object.values(ISAL_LAYOUT));
  },
});

Deno.test({
  ...needs("ISA-L inflates in any pieces, and touches nothing beside them", lacksIsal()),
  fn() {
    assert(works);
    const size = fc.integer({ min: 1, max: 400 });
    const content = fc.array(fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 3000 })), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(content, fc.nat(9), size, size, (runs, level, inputs, outputs) => {
        const text = new Uint8Array(
          runs.flatMap(([byte, times]) =>
            Array.from({ length: times }, (_, i) => byte ^ (i % (1 + byte)))
          ),
        );
        const inflate = new IsalInflate();
        // Twice, the second time after a reset, with seven bytes behind the stream.
        for (let again = 0; again < 2; again++) {
          inflate.reset();
          const deflated = new Uint8Array(deflateRawSync(text, { level }));
          const stream = new Uint8Array(new SharedArrayBuffer(deflated.length + 7));
          stream.set(deflated);
          const out: number[] = [];
          const memory = new Uint8Array(outputs + 64);
          let at = 0;
          while (!inflate.ended) {
            const piece = stream.subarray(at, at + inputs);
            let done = 0;
            do {
              memory.fill(0xa5);
              inflate.write(piece, done, memory.subarray(32, 32 + outputs), 0);
              done = piece.length - inflate.inputLeft;
              const written = outputs - inflate.outputLeft;
              for (const byte of memory.subarray(32, 32 + written)) {
                out.push(byte);
              }
              assert(memory.subarray(0, 32).every((byte) => byte === 0xa5), "before the output");
              assert(memory.subarray(32 + written).every((byte) => byte === 0xa5), "behind it");
            } while (inflate.outputLeft === 0 && !inflate.ended);
            at += done;
          }
          assertEquals(at, deflated.length, "the end of the stream");
          assertEquals(new Uint8Array(out), text);
        }
      }),
      { numRuns: 30 },
    );
  },
});
