import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fsVerityDigest, objectPath, toHex } from "../../src/tree/mod.ts";
import { sha256, writeOciLayout } from "../support/images.ts";
import { needs } from "../support/root.ts";
import { directory, file, makeTar, symlink, whiteout } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import {
  debianKernel,
  type GuestRun,
  type Kernel as DebianKernel,
  Machine,
  missingForMachine,
} from "../support/vm.ts";

const root = new URL("../../", import.meta.url).pathname;

/** At, and around, the sizes where the hash tree gets another block or another level. */
const SIZES = [0, 1, 11, 4095, 4096, 4097, 128 * 4096, 128 * 4096 + 1, 5_000_000];

/** What the kernels can do: overlay's `verity=` came with 6.6, EROFS without a loop device with 6.12. */
const KERNELS = [
  { suite: "bookworm", version: "6.1", mode: "try", fileBacked: false },
  { suite: "trixie", version: "6.12", mode: "require", fileBacked: true },
] as const;

/** The files of the image, by the path that find(1) prints. */
const FILES = new Map<string, Uint8Array>([
  ["./etc/copy", fill(5000, "A")],
  ["./etc/new", fill(4097, "n")],
  ["./usr/big", fill(5000, "A")],
  ["./usr/huge", fill(300_000, "B")],
  ["./usr/small", new TextEncoder().encode("small\n")],
]);

function fill(size: number, letter: string): Uint8Array {
  return new Uint8Array(size).fill(letter.charCodeAt(0));
}

/** Bytes that repeat in no block. */
function sample(size: number): Uint8Array {
  let state = size + 1;
  return Uint8Array.from({ length: size }, () => (state = Math.imul(state, 48271) >>> 1) >>> 8);
}

const missing = missingForMachine({ fsverity: "fsverity", debugfs: "e2fsprogs" });
const withoutLamina = lacksComposefs();

/** Why lamina's own checks cannot run. */
function lacksComposefs(): string | undefined {
  const names = (path: string) => [...Deno.readDirSync(path)].map((entry) => entry.name);
  if (!names(`${root}plugins`).some((name) => name.startsWith("composefs"))) {
    return "there is no composefs strategy";
  }
  return names(root).includes("dist") && names(`${root}dist`).includes("lamina")
    ? undefined
    : "dist/lamina is not compiled";
}

async function makeMachine(work: string): Promise<Machine> {
  const layout = `${work}/image`;
  const base = makeTar([
    directory("usr"),
    file("usr/big", FILES.get("./usr/big")),
    file("usr/gone", fill(100, "x")),
    file("usr/huge", FILES.get("./usr/huge")),
    file("usr/small", FILES.get("./usr/small")),
  ]);
  const top = makeTar([
    directory("etc"),
    // What the layer below has, with another owner: without reflinks overlayfs completes it from Linux 6.5 on.
    file("etc/copy", FILES.get("./etc/copy"), { uid: 7 }),
    file("etc/new", FILES.get("./etc/new")),
    symlink("link", "usr/big"),
    directory("usr"),
    whiteout("usr/gone"),
  ]);
  await writeOciLayout(layout, [{ name: "v1", layers: [base, top] }]);
  const lamina = `${root}dist/lamina`;
  return await Machine.make({
    programs: ["fsverity", "debugfs", ...(withoutLamina === undefined ? [lamina] : [])],
    files: {
      ...Object.fromEntries(SIZES.map((size) => [`samples/${size}`, sample(size)])),
      "image": { copy: layout },
    },
  });
}

/** The composefs strategy, on a kernel that can hold `mode`. */
async function checkComposefs(
  t: Deno.TestContext,
  { checks }: GuestRun,
  { mode, fileBacked }: typeof KERNELS[number],
): Promise<void> {
  const ended = (name: string, ok = true) => {
    const { status, output } = checks.get(name) ?? { status: -1, output: "was not run" };
    assertEquals(status === 0, ok, `${name}: status ${status}\n${output}`);
    return output;
  };
  const expected = [...FILES].map(([path, bytes]) => `${sha256(bytes).slice(7)}  ${path}\n`).join(
    "",
  );
  const mounts = (name: string) =>
    ended(`${name}-mounts`).split("\n").filter((line) => line !== "");
  const isWhole = (name: string) => {
    ended(`${name}-compose`);
    assertEquals(ended(`${name}-read`), expected);
  };
  /** Either compose refuses, with a reason and nothing left behind, or else the kernel does when the content is read. */
  const isRefused = (name: string) => {
    const { status, output } = checks.get(`${name}-compose`)!;
    if (status === 0) return assertMatch(ended(`${name}-read`, false), /Input\/output error/);
    assertMatch(output, /^lamina: .{20,}/);
    assertEquals(checks.get(`${name}-read`)!.output.replace(/^.*can't cd.*\n/, ""), "");
    assertEquals(mounts(name), []);
  };

  if (mode !== "require") {
    await t.step("what the kernel cannot check is not promised", () => {
      assertEquals(checks.get("require")!.status, 4, ended("require", false));
      assertMatch(checks.get("require")!.output, /verity/);
      assertEquals(mounts("require"), []);
    });
  }
  await t.step("an image is composed and read", () => {
    ended("pull");
    isWhole("intact");
  });
  await t.step(
    fileBacked ? "EROFS is mounted without a loop device" : "EROFS is on a loop device",
    () => {
      const [overlay, ...loops] = mounts("intact");
      assertMatch(overlay!, / \/target overlay ro,/);
      assertEquals(overlay!.includes("verity=require"), mode === "require");
      assertEquals(
        loops.map((file) => file.replace(/[^/]+\.erofs$/, "*.erofs")),
        fileBacked ? [] : [
          "/data/store/trees/*.erofs",
        ],
      );
    },
  );
  await t.step("release leaves no mount and no loop device", () => {
    assertEquals(ended("released"), "");
  });
  await t.step("a flipped bit of an object is refused", () => {
    ended("object-flip");
    isRefused("object");
  });
  await t.step("a flipped bit of the image is refused", () => {
    ended("object-back");
    ended("image-flip");
    isRefused("image");
  });
  await t.step("with both put back, the image is whole again", () => {
    ended("image-back");
    isWhole("again");
  });
  await t.step("overlay shows layers that have a content once", () => {
    const metacopies = ended("layers").match(/"metacopies":\d+/g)!.sort();
    assertEquals(metacopies, ['"metacopies":0', `"metacopies":${mode === "require" ? 1 : 0}`]);
    isWhole("overlay");
  });
  // Data-only layers came with 6.5, before `verity=`.
  await t.step("one metadata image a layer: the same, or refused", () => {
    if (mode === "require") return isWhole("layered");
    assertEquals(checks.get("layered-compose")!.status, 4, ended("layered-compose", false));
    assertMatch(checks.get("layered-compose")!.output, /no data-only layers/);
  });
  if (mode === "require") {
    await t.step("another object of the same size is refused", () => isRefused("replaced-object"));
    await t.step("another image is refused", () => isRefused("replaced-image"));
  }
}

type Kernel = typeof KERNELS[number];

async function boot(machine: Machine, kernel: Kernel, found: DebianKernel): Promise<GuestRun> {
  assertStringIncludes(found.release, `${kernel.version}.`);
  const object = objectPath(fsVerityDigest(FILES.get("./usr/huge")!));
  const settings = `MODE=${kernel.mode} OBJECT=/data/store/objects/${object} ` +
    `WITH_LAMINA=${withoutLamina === undefined ? "yes" : "no"}\n`;
  const script = Deno.readTextFileSync(new URL("guest.sh", import.meta.url));
  // Far more than it takes, also beside other tests.
  return await machine.run(found, settings + script, { limit: 600_000 });
}

async function check(t: Deno.TestContext, kernel: Kernel, run: GuestRun): Promise<void> {
  await t.step("the kernel measures the digests that we compute", () => {
    for (const size of SIZES) {
      const digest = toHex(fsVerityDigest(sample(size)));
      const { status, output } = run.checks.get(`digest-${size}`)!;
      assertEquals([status, output], [0, `sha256:${digest} /samples/${size}\n`]);
    }
  });
  await t.step("the kernel refuses a block with a flipped bit", () => {
    assertEquals(run.checks.get("rig-measure")!.status, 0);
    assertEquals(run.checks.get("rig-flip")!.status, 0, run.checks.get("rig-flip")!.output);
    assertMatch(run.checks.get("rig-read")!.output, /Input\/output error/);
  });
  await t.step({
    ...needs("the composefs strategy", withoutLamina),
    fn: (step) => checkComposefs(step, run, kernel),
  });
}

Deno.test({
  ...needs("fs-verity and composefs on Debian's kernels", missing),
  async fn(t) {
    using work = new TempDir();
    await using machine = await makeMachine(work.path);
    // All at once: an emulated machine keeps one core busy.
    const runs = await Promise.all(KERNELS.map(async (kernel) => {
      const found = await debianKernel(kernel.suite);
      const run = "missing" in found ? undefined : boot(machine, kernel, found);
      // What goes wrong is told by the step that waits for it.
      await run?.catch(() => {});
      return { kernel, run, reason: "missing" in found ? found.missing : undefined };
    }));
    for (const { kernel, run, reason } of runs) {
      await t.step({
        ...needs(`Linux ${kernel.version}`, reason),
        fn: async (step) => await check(step, kernel, (await run)!),
      });
    }
  },
});
