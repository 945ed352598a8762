import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { type Ports, portsFrom } from "../endpoints.ts";
import { StartError } from "./arguments.ts";

const RETRY_MS = 100;
const SUGGESTION_STEP = 100;
const HIGHEST_SUGGESTION = 60_000;

const PURPOSES: Readonly<Record<keyof Ports, string>> = {
  api: "API, http",
  apiHttps: "API, https",
  cloud: "cloud",
  tables: "tables",
};

/** Throws a StartError that names the ports others use and a choice that is free. Waits up to `patienceMs` for them. */
export async function requireFreePorts(basePort: number, patienceMs: number): Promise<Ports> {
  const ports = portsFrom(basePort);
  const deadline = Date.now() + patienceMs;
  let used = await usedOf(ports);
  while (used.length > 0 && Date.now() < deadline) {
    await pause(RETRY_MS);
    used = await usedOf(ports);
  }
  if (used.length === 0) return ports;
  const names = used.map((name) => `${ports[name]} (${PURPOSES[name]})`).join(", ");
  const other = await suggestion(basePort);
  throw new StartError(
    `${used.length === 1 ? `Port ${names} is` : `Ports ${names} are`} in use by another program.
Choose four others in a row, for example: npm start -- --base-port ${other}`,
  );
}

async function usedOf(ports: Ports): Promise<(keyof Ports)[]> {
  const names = Object.keys(PURPOSES) as (keyof Ports)[];
  const free = await Promise.all(names.map((name) => isFree(ports[name])));
  return names.filter((_, index) => !free[index]);
}

async function suggestion(basePort: number): Promise<number> {
  for (let base = basePort + SUGGESTION_STEP; base < HIGHEST_SUGGESTION; base += SUGGESTION_STEP) {
    if ((await usedOf(portsFrom(base))).length === 0) return base;
  }
  return HIGHEST_SUGGESTION;
}

async function isFree(port: number): Promise<boolean> {
  return (await canListen(port, "127.0.0.1")) && (await canListen(port, "::1"));
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      // A machine without IPv6 has nothing in use there.
      resolve(error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT");
    });
    server.listen({ port, host, ipv6Only: true }, () => server.close(() => resolve(true)));
  });
}
