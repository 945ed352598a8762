import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";

const HALF_A_MINUTE_IN_MS = 30_000;
const A_SECOND_IN_MS = 1_000;

/** Stands for npm: writes down what it was asked for and "installs" what the lockfile says. */
const FAKE_NPM = `
import { appendFileSync, copyFileSync } from "node:fs";
appendFileSync("npm.log", process.argv.slice(2).join(" ") + "\\n");
await new Promise((resolve) => setTimeout(resolve, 300));
copyFileSync("package-lock.json", "node_modules/.package-lock.json");
`;

let project: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), "jit-run-"));
  await mkdir(join(project, "node_modules", "node", "bin"), { recursive: true });
  await cp("scripts/run.mjs", join(project, "scripts", "run.mjs"));
  await cp("scripts/run", join(project, "scripts", "run"), { recursive: true });
  await symlink(process.execPath, join(project, "node_modules", "node", "bin", "node"));
  await write("node_modules/node/package.json", { version: process.version.slice(1) });
  await writeFile(join(project, "npm-cli.js"), FAKE_NPM);
  await write("package.json", { type: "module" });
  await write("package-lock.json", lockfile({ version: "1.0.0", integrity: "sha512-a" }));
  await write(
    "node_modules/.package-lock.json",
    lockfile({ version: "1.0.0", integrity: "sha512-a" }),
  );
});

afterEach(async () => {
  await rm(project, { recursive: true, force: true });
});

describe("a script of the project", () => {
  it("runs under the project's own Node with what was typed after its name", async () => {
    await script(
      "process.stdout.write(JSON.stringify([process.execPath, ...process.argv.slice(2)]));",
    );

    const { output } = await run(["script.mjs", "--base-port", "8000", "a b"]);

    expect(JSON.parse(output)).toEqual([process.execPath, "--base-port", "8000", "a b"]);
  });

  it("passes its exit code on", async () => {
    await script("process.exit(7);");

    expect(await run(["script.mjs"])).toMatchObject({ code: 7 });
  });

  it("says what can be run when asked for something unknown", async () => {
    expect(await run(["--no-such-option"])).toMatchObject({
      code: 1,
      errors: expect.stringContaining("There is no option --no-such-option"),
    });
  });

  it("gets a request to stop that only its runner received", async () => {
    await script(`
      process.on("SIGTERM", () => process.exit(5));
      setInterval(() => {}, 1000);
      process.stdout.write("running");
    `);
    const { child, ended } = launch(["script.mjs"]);
    if (child.stdout) await once(child.stdout, "data");

    child.kill("SIGTERM");

    expect(await ended).toMatchObject({ code: 5 });
  });
});

describe("set-up", () => {
  it("installs nothing when what is installed matches the lockfile", async () => {
    await script("");

    await run(["script.mjs"]);

    expect(await npmCalls()).toEqual([]);
  });

  it("takes a package for another platform, which npm leaves out, for no reason to install", async () => {
    await script("");
    const own = { version: "1.0.0", integrity: "sha512-a" };
    const foreign = { version: "1.0.0", integrity: "sha512-b", optional: true };
    await write("package-lock.json", lockfile(own, foreign));

    await run(["script.mjs"]);

    expect(await npmCalls()).toEqual([]);
  });

  it("installs once by npm ci when the lockfile has changed, development packages included", async () => {
    await script("");
    await write("package-lock.json", lockfile({ version: "1.0.1", integrity: "sha512-c" }));

    await run(["script.mjs"]);
    await run(["script.mjs"]);

    expect(await npmCalls()).toEqual([expect.stringMatching(/^ci --include=dev /)]);
  });

  it(
    "installs once when two scripts start at the same time",
    async () => {
      await script("");
      await write("package-lock.json", lockfile({ version: "1.0.1", integrity: "sha512-c" }));

      const results = await Promise.all([run(["script.mjs"]), run(["script.mjs"])]);

      expect(results.map(({ code }) => code)).toEqual([0, 0]);
      expect(await npmCalls()).toHaveLength(1);
    },
    HALF_A_MINUTE_IN_MS,
  );

  it("takes over from an installation that was killed", async () => {
    await script("");
    await write("package-lock.json", lockfile({ version: "1.0.1", integrity: "sha512-c" }));
    await mkdir(join(project, ".local", "install.lock"), { recursive: true });
    const { child, ended } = launch(["--no-such-option"]);
    await ended;
    await writeFile(join(project, ".local", "install.lock", "pid"), String(child.pid));

    expect(await run(["script.mjs"])).toMatchObject({ code: 0 });
    expect(await npmCalls()).toHaveLength(1);
  });

  it("says what to do when npm skipped the install script that brings Node", async () => {
    await script("");
    await rm(join(project, "node_modules", "node", "bin"), { recursive: true });

    expect(await run(["script.mjs"])).toMatchObject({
      code: 1,
      errors: expect.stringContaining("npm ci --ignore-scripts=false"),
    });
  });
});

describe("a script whose npm is killed", () => {
  const cases = [
    { case: "directly above it", shell: false },
    { case: "above a shell", shell: true },
  ];

  it.each(cases)(
    "is killed within a second ($case)",
    async ({ shell }) => {
      await script(`process.stdout.write(String(process.pid)); setInterval(() => {}, 1000);`);
      const line = `"${process.execPath}" scripts/run.mjs script.mjs; true`;
      // NB. The shell must not be replaced by what it runs: hence a second command in its line.
      const [file, args] = shell
        ? ["/bin/sh", ["-c", line]]
        : [process.execPath, ["scripts/run.mjs", "script.mjs"]];
      const npm = spawn(
        process.execPath,
        [
          "--eval",
          `require("node:child_process").spawn(${JSON.stringify(file)}, ${JSON.stringify(args)}, { stdio: "inherit" })`,
        ],
        { cwd: project, env: environment(), stdio: ["ignore", "pipe", "inherit"] },
      );
      const [pid] = npm.stdout ? await once(npm.stdout, "data") : [];

      npm.kill("SIGKILL");
      await pause(A_SECOND_IN_MS);

      expect(await isRunning(Number(pid))).toBe(false);
    },
    HALF_A_MINUTE_IN_MS,
  );
});

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

async function run(args: readonly string[]): Promise<Ended> {
  return await launch(args).ended;
}

function launch(args: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, ["scripts/run.mjs", ...args], {
    cwd: project,
    env: environment(),
  });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const ended = once(child, "close").then(([code]) => ({ code, output, errors }));
  return { child, ended };
}

function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    npm_execpath: join(project, "npm-cli.js"),
    npm_node_execpath: process.execPath,
    npm_lifecycle_event: "start",
  };
}

async function npmCalls(): Promise<string[]> {
  const log = await readFile(join(project, "npm.log"), "utf8").catch(() => "");
  return log.split("\n").filter((line) => line !== "");
}

async function script(text: string): Promise<void> {
  await writeFile(join(project, "script.mjs"), text);
}

async function write(path: string, content: object): Promise<void> {
  await writeFile(join(project, path), JSON.stringify(content));
}

function lockfile(own: object, foreign?: object): object {
  const packages = { "node_modules/own": own, ...(foreign && { "node_modules/foreign": foreign }) };
  return { lockfileVersion: 3, packages };
}

/** Not counting one that has ended and that nobody has waited for. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
  return !stat.includes(") Z");
}
