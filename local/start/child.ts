import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, renameSync, type WriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { StartError } from "./arguments.ts";

/** Where Node keeps compiled code from one start to the next: it saves a fifth of what starting costs. */
const compiledCode = fileURLToPath(new URL("../../node_modules/.cache/compiled/", import.meta.url));

export interface ChildOptions {
  readonly name: string;
  /** A TypeScript file that prints `{"ready":true, …}` on a line of its own, and ends when its parent is gone. */
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** How it is asked to stop: by a message "stop", or by cutting the channel to it. */
  readonly stopBy: "message" | "disconnect";
}

/** One of the processes that make up the whole. What it prints goes to its log, and warnings and errors to our stderr too. */
export class Child {
  readonly name: string;
  readonly pid: number;
  /** Settles when it has started; rejects when it cannot or ends before. */
  readonly ready: Promise<void>;
  /** Settles when it has ended, with a few words on how. */
  readonly ended: Promise<string>;
  readonly #process: ChildProcess;
  readonly #stopBy: ChildOptions["stopBy"];
  #hasEnded = false;

  constructor({ name, file, args, env, logFile, stopBy }: ChildOptions) {
    this.name = name;
    this.#stopBy = stopBy;
    const child = spawn(process.execPath, [file, ...args], {
      env: { NODE_COMPILE_CACHE: compiledCode, ...env },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // A process group of its own: Ctrl-C in a terminal goes to the supervisor, which stops the others in order.
      detached: process.platform !== "win32",
    });
    this.#process = child;
    this.pid = child.pid ?? 0;
    this.ended = new Promise((resolve) => {
      const end = (how: string) => {
        this.#hasEnded = true;
        resolve(how);
      };
      child.once("error", (error) => end(error.message));
      child.once("exit", (code, signal) => end(signal ?? `exit code ${code}`));
    });
    this.ready = this.#watchOutput(child, openLog(logFile));
    // Whoever waits for it gets the failure; while others are waited for, nobody does.
    this.ready.catch(() => undefined);
  }

  /** Asks it to stop and kills it when it takes longer than `patienceMs`. Safe to call twice. */
  async stop(patienceMs: number): Promise<void> {
    if (this.#hasEnded) return;
    if (this.#process.connected) {
      if (this.#stopBy === "message") this.#process.send("stop", () => undefined);
      else this.#process.disconnect();
    }
    const timer = setTimeout(() => this.kill(), patienceMs);
    await this.ended;
    clearTimeout(timer);
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }

  #watchOutput(child: ChildProcess, log: WriteStream): Promise<void> {
    child.stderr?.on("data", (chunk: Buffer) => {
      process.stderr.write(chunk);
      log.write(chunk);
    });
    return new Promise((resolve, reject) => {
      const lines = child.stdout && createInterface({ input: child.stdout });
      lines?.on("line", (line) => {
        const report = reportOf(line);
        if (report === undefined) log.write(`${line}\n`);
        else if (report.ready) resolve();
        else reject(new StartError(`The ${this.name} cannot start: ${report.error}`));
      });
      // Later than "exit": by now everything it printed has been read.
      child.once("close", (code, signal) => {
        log.end();
        const how = signal ?? `exit code ${code}`;
        reject(new StartError(`The ${this.name} ended while starting (${how}).`));
      });
    });
  }
}

/** The log of the run before stays beside it: after a crash that is the one to read. */
function openLog(file: string): WriteStream {
  try {
    renameSync(file, file.replace(/\.log$/, ".previous.log"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return createWriteStream(file);
}

interface Report {
  readonly ready: boolean;
  readonly error?: string;
}

function reportOf(line: string): Report | undefined {
  if (!line.startsWith('{"ready":')) return undefined;
  return JSON.parse(line) as Report;
}
