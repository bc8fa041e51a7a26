import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { writeOciLayout } from "../support/images.ts";
import { cannotMount, lacks, needs, notRoot } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";
import { directory, file, makeTar, symlink } from "../support/tar.ts";
import { BINARY, cannotDropRights, notCompiled, Program, type Run } from "./program.ts";

const BUSYBOX = "/usr/bin/busybox";
const reasons = [notCompiled(), notRoot(), cannotMount("overlay"), lacks("busybox"), dynamic()];

/** Why busybox cannot run alone in a root filesystem; undefined if it can. */
function dynamic(): string | undefined {
  try {
    const start = new TextDecoder("latin1").decode(Deno.readFileSync(BUSYBOX).subarray(0, 4096));
    return start.includes("/ld-linux") ? "busybox is not static" : undefined;
  } catch {
    return `no ${BUSYBOX}`;
  }
}

/** Two images of busybox: one for people, and one whose paths lead out of it as far as they can. */
async function writeImages(path: string): Promise<void> {
  const programs = ["sh", "cat", "id", "sleep", "ls", "pwd", "env", "touch", "printf", "mount"];
  const busybox = [
    file("bin/busybox", Deno.readFileSync(BUSYBOX), { mode: 0o755 }),
    ...programs.map((name) => symlink(`bin/${name}`, "busybox")),
  ];
  const people = [
    file("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/srv:/bin/sh\n"),
    file("etc/group", "root:x:0:\nweb:x:500:app\n"),
    file("etc/text", "text\n"),
    directory("tmp", { mode: 0o1777 }),
  ];
  const traps = [
    symlink("proc", "../../../../tmp/trap"),
    symlink("dev", "/tmp/trap"),
    directory("etc"),
    symlink("etc/resolv.conf", "/tmp/trap/resolv.conf"),
    directory("tmp/trap"),
  ];
  await writeOciLayout(`${path}/layout`, [
    {
      name: "app",
      layers: [makeTar([...busybox, ...people])],
      config: {
        Entrypoint: ["sh", "-c"],
        Cmd: ["id -u; pwd; echo $GREETING"],
        Env: ["GREETING=hello", "PATH=/bin"],
        WorkingDir: "/srv/data",
        User: "app",
      },
    },
    { name: "traps", layers: [makeTar([...busybox, ...traps])] },
  ]);
}

/** A program with both images in its store. */
async function prepare(path: string): Promise<Program> {
  await writeImages(path);
  const lamina = new Program(path);
  for (const name of ["app", "traps"]) await lamina.json("pull", `oci:layout:${name}`);
  return lamina;
}

function assertNothingLeft(lamina: Program): void {
  for (const place of ["compositions", "run", "tmp"]) {
    assertEquals([...Deno.readDirSync(`${lamina.store}/${place}`)], [], place);
  }
}

/** What the image says, and what the line says. */
async function commands(lamina: Program): Promise<void> {
  // Those that any program gets here, and none beside.
  const cases: [string[], Partial<Run>][] = [
    [["app"], { code: 0, stdout: "1000\n/srv/data\nhello\n", stderr: "" }],
    [["app", "--", "sh -c 'kill -9 $$'; exit $?"], { code: 137 }],
    [["-u", "0", "--entrypoint", "cat", "app", "/etc/text"], { stdout: "text\n" }],
    [["-e", "GREETING=hi", "-w", "/new", "app"], { stdout: "1000\n/new\nhi\n" }],
    [["--entrypoint", "printf", "app", "%s|", "", "--json", "--"], { stdout: "|--json|--|" }],
    [["--entrypoint", "nothing", "app"], { code: 127 }],
    [["--entrypoint", "/bin/nothing", "app"], { code: 127 }],
    [["--entrypoint", "/etc/text", "app"], { code: 126 }],
    [["-u", "nobody", "app"], { code: 125 }],
    [["nothing", "id"], { code: 125 }],
    [["--read-only", "-w", "/", "-u", "0", "app", "touch /tmp/x && touch /x || echo no"], {
      code: 0,
      stdout: "no\n",
    }],
    [
      [
        "--access=ro",
        "--strategy=hardlink",
        "-w",
        "/",
        "-u",
        "0",
        "app",
        "echo >> /etc/text || echo no",
      ],
      { code: 0, stdout: "no\n" },
    ],
    [["--strategy=copy", "-u", "0", "app", "touch /x && ls /proc/self/fd"], {
      stdout: "0\n1\n2\n3\n",
    }],
  ];
  for (const [line, expected] of cases) {
    const ran = await lamina.run("run", ...line);
    assertEquals({ ...ran, ...expected }, ran, `${line.join(" ")}: ${ran.stderr}`);
    if (expected.code === 125 || expected.code === 127) assertStringIncludes(ran.stderr, "hint:");
  }
  // Of lamina's descriptors it gets three.
  const given = await new Deno.Command("sh", {
    args: ["-c", 'exec "$0" "$@" 9< /', BINARY, "--root", lamina.store, "run"]
      .concat("app", "ls /proc/self/fd"),
    stdin: "null",
  }).output();
  assertEquals(new TextDecoder().decode(given.stdout), "0\n1\n2\n3\n");
  // Nothing of the engine that it came by: no signal ignored or blocked, no rights of root.
  const status = ["--entrypoint", "cat", "app", "/proc/self/status"];
  const { stdout } = await lamina.run("run", ...status);
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(stdout)![1];
  assertEquals(parseInt(field("SigIgn"), 16) & 0x7fffffff, 0);
  assertEquals(field("SigBlk"), "0000000000000000");
  assertEquals(field("CapEff"), "0000000000000000");
  assertEquals(field("Groups").trim(), "500 1000");
  const json = await lamina.run("--json", "run", "app");
  assertEquals([json.code, JSON.parse(json.stdout).error.kind], [2, "usage"]);
  assertNothingLeft(lamina);
}

/** Mounts are the command's own, and stay inside. */
async function mounts(lamina: Program, path: string): Promise<void> {
  const script = "mount; ls /dev; echo x > /dev/null && cat /dev/null; cat /etc/resolv.conf; " +
    "echo y >> /etc/resolv.conf || touch /sys/x || echo read-only";
  const { code, stdout } = await lamina.run("run", "-u", "0", "app", script);
  assertEquals(code, 0);
  for (const place of ["/proc", "/sys", "/dev", "/dev/pts", "/dev/shm"]) {
    assertStringIncludes(stdout, ` on ${place} type `);
  }
  assertStringIncludes(stdout, "full\nnull\nptmx\npts\nrandom\nshm\n");
  assertStringIncludes(stdout, "read-only");
  // Links of the image lead where they lead inside it.
  const trapped = await lamina.run("run", "traps", "ls", "/tmp/trap");
  assertEquals(trapped.code, 0, trapped.stderr);
  assertStringIncludes(trapped.stdout, "null");
  assert(!Array.from(Deno.readDirSync("/tmp")).some(({ name }) => name === "trap"));
  // Other tests mount as well, but nothing there.
  assert(!Deno.readTextFileSync("/proc/self/mountinfo").includes(path));
  assertNothingLeft(lamina);
}

/** Reads until a line is there. */
async function line(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("\n")) break;
  }
  return text;
}

/** Input, signals, and what SIGKILL leaves. */
async function ends(lamina: Program): Promise<void> {
  const start = (script: string) =>
    new Deno.Command(BINARY, {
      args: ["--root", lamina.store, "run", "app", script],
      stdin: "piped",
      stdout: "piped",
    }).spawn();

  const copied = start("cat");
  const writer = copied.stdin.getWriter();
  await writer.write(new TextEncoder().encode("through\n"));
  await writer.close();
  const { stdout } = await copied.output();
  assertEquals(new TextDecoder().decode(stdout), "through\n");

  // What it catches it gets; what it does not catch ends it, as it would outside a PID namespace.
  for (const [name, code] of [["SIGTERM", 9], ["SIGUSR1", 10], ["SIGINT", 130]] as const) {
    const trapping = start(
      "trap 'exit 9' TERM; trap 'exit 10' USR1; echo up; while :; do sleep 0.05; done",
    );
    await trapping.stdin.close();
    assertEquals(await line(trapping.stdout), "up\n");
    trapping.kill(name);
    assertEquals((await trapping.status).code, code, name);
  }
  assertNothingLeft(lamina);

  // Nothing that the command left running has its root filesystem any more.
  const stray = await lamina.run("run", "app", "sleep 7777 & echo $$");
  assertEquals([stray.code, stray.stdout], [0, "1\n"]);
  assertNothingLeft(lamina);

  const killed = start("sleep 7777 & echo up; while :; do sleep 0.05; done");
  await killed.stdin.close();
  assertEquals(await line(killed.stdout), "up\n");
  const [child] = Deno.readTextFileSync(`/proc/${killed.pid}/task/${killed.pid}/children`)
    .trim().split(" ");
  const namespace = Deno.readLinkSync(`/proc/${child}/ns/pid`);
  const [held] = await lamina.json("ps");
  assertEquals(held.state, "held");
  for (const words of [["release", held.id], ["rm", "--force", "app"]]) {
    const { error } = JSON.parse((await lamina.run("--json", ...words)).stdout);
    assertEquals(error.kind, "busy", words.join(" "));
  }
  killed.kill("SIGKILL");
  await killed.status;
  // The kernel ends the command, and all that it started, with the one that waited for it.
  while (isAlive(namespace)) await new Promise((resolve) => setTimeout(resolve, 10));
  const [{ ended }] = await lamina.json("ps");
  assertStringIncludes(ended, `process ${killed.pid} died while using it`);
  const collected = await lamina.json("gc");
  assertEquals(collected.compositions.map(({ id }: { id: string }) => id), [held.id]);
  assertEquals(await lamina.json("ps"), []);
  assertNothingLeft(lamina);
}

/** Whether a process is in a PID namespace. */
function isAlive(namespace: string): boolean {
  return Array.from(Deno.readDirSync("/proc")).some(({ name }) => {
    try {
      return /^\d+$/.test(name) && Deno.readLinkSync(`/proc/${name}/ns/pid`) === namespace;
    } catch {
      return false;
    }
  });
}

Deno.test({
  ...needs("run: a command in an image", ...reasons),
  async fn(t) {
    using temp = new TempDir();
    await using lamina = await prepare(temp.path);
    await t.step("what the image says, and what the line says", () => commands(lamina));
    await t.step("mounts are the command's own, and stay inside", () => mounts(lamina, temp.path));
    await t.step("input, signals, and what SIGKILL leaves", () => ends(lamina));
  },
});

Deno.test({
  ...needs("run: without root's rights it says what it lacks", notCompiled(), cannotDropRights()),
  async fn() {
    using temp = new TempDir();
    await using lamina = new Program(temp.path, { nobody: true });
    const { code, stderr } = await lamina.run("run", "oci:nowhere:x");
    assertEquals(code, 125);
    assertStringIncludes(stderr, "CAP_SYS_ADMIN");
    assertStringIncludes(stderr, "hint: Run it as root");
  },
});
