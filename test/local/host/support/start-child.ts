import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface ChildOptions {
  /** A folder below test/local/host/fixtures. */
  readonly fixture: string;
  readonly withDurable?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
  readonly requireKeys?: boolean;
  readonly https?: { readonly port: number; readonly key: string; readonly cert: string };
}

export interface ChildRequest {
  readonly id: number;
  readonly command: string;
  readonly value: unknown;
}

interface ChildMessage {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: string;
  readonly ready?: { httpUrl: string; httpsUrl?: string; masterKey: string; hostKey: string };
  readonly failed?: string;
  readonly told?: string;
  readonly log?: { readonly level: string; readonly message: string };
}

/** A host that runs a fixture app in a child process. */
export interface HostChild {
  readonly httpUrl: string;
  readonly httpsUrl: string | undefined;
  readonly masterKey: string;
  readonly hostKey: string;
  readonly logs: readonly { readonly level: string; readonly message: string }[];
  /** What the app told its parent with `process.send`. */
  readonly told: readonly string[];
  ask(command: string, value?: unknown): Promise<unknown>;
  /** Stops the host and waits until the process has ended by itself. */
  stop(): Promise<{ readonly exitCode: number | null }>;
}

const script = fileURLToPath(new URL("./host-child.ts", import.meta.url));

/** Starts a fixture app; rejects with the reason when the host refuses it. */
export async function startChild(options: ChildOptions): Promise<HostChild> {
  const child = fork(script, [JSON.stringify(options)], { silent: true, execArgv: [] });
  const logs: { level: string; message: string }[] = [];
  const told: string[] = [];
  const replies = new Map<number, (message: ChildMessage) => void>();
  let stderr = "";
  child.stderr?.on("data", (text) => {
    stderr += text;
  });
  child.on("message", (message: ChildMessage) => {
    if (message.log) logs.push(message.log);
    if (message.told) told.push(message.told);
    if (message.id !== undefined) replies.get(message.id)?.(message);
  });

  const ready = await new Promise<NonNullable<ChildMessage["ready"]>>((resolve, reject) => {
    child.on("message", (message: ChildMessage) => {
      if (message.ready) resolve(message.ready);
      if (message.failed === undefined) return;
      // Some refused apps leave something behind that would keep their process alive.
      child.kill();
      reject(new Error(message.failed));
    });
    child.once("exit", (code) => reject(new Error(`The child ended with ${code}: ${stderr}`)));
  });

  const ask = (command: string, value?: unknown) => request(child, replies, command, value);
  return {
    ...ready,
    httpsUrl: ready.httpsUrl,
    logs,
    told,
    ask,
    async stop() {
      const exit = once(child, "exit");
      await ask("stop");
      child.disconnect();
      const [exitCode] = await exit;
      return { exitCode };
    },
  };
}

let lastId = 0;

function request(
  child: ChildProcess,
  replies: Map<number, (message: ChildMessage) => void>,
  command: string,
  value: unknown,
): Promise<unknown> {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    replies.set(id, ({ error, result }) => {
      if (error === undefined) resolve(result);
      else reject(new Error(error));
    });
    child.send({ id, command, value } satisfies ChildRequest);
  });
}
