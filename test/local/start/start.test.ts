import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type Endpoints, portsFrom, readEndpoints } from "../../../local/endpoints.ts";
import { parseStartArguments } from "../../../local/start/arguments.ts";
import { lockData } from "../../../local/start/data-lock.ts";
import { requireFreePorts } from "../../../local/start/free-ports.ts";

const ROOT = join("/", "project");
const A_MINUTE_IN_MS = 60_000;

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "jit-start-"));
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

describe("npm start", () => {
  it("takes port 7071, the project's .local and the sample estate unless told otherwise", () => {
    expect(parseStartArguments([], ROOT)).toEqual({
      basePort: 7071,
      dataDir: join(ROOT, ".local"),
      estateFile: join(ROOT, "local", "cloud", "estates", "sample.json"),
    });
  });

  it("takes other ports, another folder and another estate", () => {
    const given = ["--base-port", "8000", "--data", "/data", "--estate=/estate.json"];

    expect(parseStartArguments(given, ROOT)).toEqual({
      basePort: 8000,
      dataDir: "/data",
      estateFile: "/estate.json",
    });
  });

  it.each([
    { case: "an unknown option", given: ["--port", "8000"], named: "--port" },
    { case: "a stray word", given: ["8000"], named: "8000" },
    { case: "a port that is no number", given: ["--base-port", "http"], named: '"http"' },
    { case: "a port with a fraction", given: ["--base-port", "8000.5"], named: '"8000.5"' },
    { case: "a port with rights of its own", given: ["--base-port", "80"], named: "1024" },
    { case: "no room for four ports", given: ["--base-port", "65533"], named: "65532" },
    { case: "an empty folder", given: ["--data", ""], named: "--data" },
    { case: "an option without its value", given: ["--estate"], named: "--estate" },
  ])("refuses $case, naming it", ({ given, named }) => {
    expect(() => parseStartArguments(given, ROOT)).toThrow(named);
  });

  it("explains itself", () => {
    expect(parseStartArguments(["--base-port", "8000", "--help"], ROOT)).toBe("help");
  });

  it("says which port is in use and how to choose others", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const base = (typeof address === "object" && address !== null ? address.port : 0) - 2;

    const refusal = requireFreePorts(base, 0);

    await expect(refusal).rejects.toThrow(`${portsFrom(base).cloud} (cloud)`);
    await expect(refusal).rejects.toThrow("--base-port");
    taken.close();
  });
});

describe("a data folder", () => {
  it("is refused to a second start, naming the first", async () => {
    const first = await lockData(dir);

    await expect(lockData(dir)).rejects.toThrow(`process ${process.pid}`);
    first.release();
  });

  it("is free again once the first start has ended", async () => {
    (await lockData(dir)).release();

    expect((await lockData(dir)).isSecondHand).toBe(false);
  });

  it("is waited for while the first start is stopping", async () => {
    const first = await lockData(dir);
    first.announceStop();
    const second = lockData(dir);

    first.release();

    expect((await second).isSecondHand).toBe(true);
  });

  it("is taken over from a start that was killed", async () => {
    const program = `const { lockData } = await import("./local/start/data-lock.ts");
      await lockData(${JSON.stringify(dir)});
      process.stdout.write("locked");
      setInterval(() => {}, 1000);`;
    const killed = spawn(process.execPath, ["--input-type=module", "--eval", program]);
    await once(killed.stdout, "data");
    killed.kill("SIGKILL");
    await once(killed, "exit");

    expect((await lockData(dir)).isSecondHand).toBe(true);
  });
});

describe("the running system", () => {
  it(
    "answers at every address of endpoints.json, and leaves nothing behind when stopped",
    async () => {
      const { child, endpoints } = await start();

      const live = await fetch(`${endpoints.api}/api/health/live`);
      const caFile = await stat(endpoints.caFile);
      child.kill("SIGINT");
      const [code] = await once(child, "exit");

      expect(live.status).toBe(200);
      expect(caFile.isFile()).toBe(true);
      expect(endpoints.people).toEqual(
        expect.arrayContaining(["olivia", "sam", "alice", "rita", "eve"]),
      );
      expect(code).toBe(0);
      await expect(readEndpoints(dir)).rejects.toThrow("npm start");
      await expect(areGone(endpoints)).resolves.toBe(true);
    },
    A_MINUTE_IN_MS,
  );

  it(
    "ends as a whole when the host is killed, and starts again from the same folder",
    async () => {
      const { child, endpoints, errors } = await start();

      process.kill(endpoints.pids["host"] ?? 0, "SIGKILL");
      const [code] = await once(child, "exit");

      expect(code).toBe(1);
      expect(errors()).toContain("The host ended unexpectedly (SIGKILL)");
      await expect(areGone(endpoints)).resolves.toBe(true);
      const again = await start();
      again.child.kill("SIGTERM");
      expect(await once(again.child, "exit")).toEqual([0, null]);
    },
    A_MINUTE_IN_MS,
  );

  it(
    "ends as a whole within a second when what supervises it is killed",
    async () => {
      const { child, endpoints } = await start();

      child.kill("SIGKILL");
      await once(child, "exit");
      await new Promise((resolve) => setTimeout(resolve, 1_000));

      await expect(areGone(endpoints)).resolves.toBe(true);
    },
    A_MINUTE_IN_MS,
  );
});

async function start(): Promise<{
  child: ChildProcess;
  endpoints: Endpoints;
  errors: () => string;
}> {
  const basePort = await freeBasePort();
  const child = spawn(
    process.execPath,
    ["local/start.ts", "--base-port", String(basePort), "--data", dir],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  let errors = "";
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      output += chunk;
      if (output.includes("Ctrl-C stops everything")) resolve();
    });
    child.once("exit", () => reject(new Error(`It did not start.\n${output}\n${errors}`)));
  });
  return { child, endpoints: await readEndpoints(dir), errors: () => errors };
}

async function freeBasePort(): Promise<number> {
  for (;;) {
    const basePort = 20_000 + 10 * Math.floor(Math.random() * 2_000);
    try {
      await requireFreePorts(basePort, 0);
      return basePort;
    } catch {
      // Taken by somebody else: another one.
    }
  }
}

/** Whether none of its processes runs; one that has ended and that nobody has waited for does not count. */
async function areGone(endpoints: Endpoints): Promise<boolean> {
  const states = await Promise.all(
    Object.values(endpoints.pids).map((pid) =>
      readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z"),
    ),
  );
  return states.every((state) => state.includes(") Z"));
}
