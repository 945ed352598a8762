import { readFile } from "node:fs/promises";
import { setTimeout as pauseFor } from "node:timers/promises";
import { until } from "../user.ts";
import { figuresOf } from "./process-figures.ts";

/** Environment of a Node.js process that can be asked to collect: its debugger, once woken, takes any free loopback port. */
export const collectable = { NODE_OPTIONS: "--inspect-port=0" };

/**
 * What a process holds right after it has collected its garbage, in mebibytes. NB. Between two collections the engine takes as
 * much as the machine gives: with several gigabytes free the figure tells of the machine, not of what is kept.
 */
export async function collectedMib(pid: number, logFile: string): Promise<number> {
  process.kill(pid, "SIGUSR1");
  const address = await until(
    async () => /Debugger listening on (ws:\S+)/.exec(await readFile(logFile, "utf8"))?.[1] ?? "",
    (found) => found !== "",
  );
  await collect(address);
  // What was freed is given back to the system a moment later.
  await pauseFor(2_000);
  return (await figuresOf(pid)).memoryMib;
}

function collect(address: string): Promise<void> {
  const socket = new WebSocket(address);
  const send = (id: number) =>
    socket.send(JSON.stringify({ id, method: "HeapProfiler.collectGarbage" }));
  return new Promise((resolve, reject) => {
    socket.onerror = () => reject(new Error(`The debugger at ${address} does not answer.`));
    socket.onopen = () => send(1);
    socket.onmessage = ({ data }) => {
      // Twice: what is finalised by the first is free for the second.
      if (JSON.parse(String(data)).id === 1) {
        send(2);
      } else {
        socket.close();
        resolve();
      }
    };
  });
}
