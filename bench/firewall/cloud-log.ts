import { readFile } from "node:fs/promises";
import type { LoggedRequest } from "../../local/cloud/request-log.ts";
import type { Endpoints } from "../../local/endpoints.ts";
import { getJson, send } from "../../local/sign-in.ts";
import { firewalls } from "./estate.ts";
import type { Kind } from "./options.ts";

/** An update of the firewall that was taken up, in milliseconds since the start. */
export interface Update {
  readonly afterMs: number;
  /** DNAT rules in what was written. */
  readonly dnatRules: number;
}

/** What was asked of Azure in a while. */
export interface Asked {
  readonly updates: readonly Update[];
  /** Writes of the firewall that were refused. */
  readonly refused: number;
  /** All reads, those how an update goes among them. */
  readonly reads: number;
  readonly polls: number;
}

/** The cloud forgets the oldest requests beyond this many. */
const logHolds = 20_000;

export async function forgetRequests({ cloud, caFile }: Endpoints): Promise<void> {
  await send("DELETE", `${cloud}/local/requests`, { ca: await readFile(caFile, "utf8") });
}

/** What was asked of Azure Resource Manager since the log was emptied. Throws when the log could not hold all. */
export async function askedSince(
  { cloud, caFile }: Endpoints,
  kind: Kind,
  startedAt: Date,
): Promise<Asked> {
  const ca = await readFile(caFile, "utf8");
  const log = await getJson<{ value: readonly LoggedRequest[] }>(`${cloud}/local/requests`, { ca });
  const entries = log.value.filter(({ path }) => path.startsWith("/subscriptions/"));
  if (log.value.length >= logHolds) {
    throw new Error(`There were more than ${logHolds} requests: the log does not hold all.`);
  }
  const place = `/Microsoft.Network/${firewalls[kind].written}`.toLowerCase();
  const writes = entries.filter(
    ({ method, path }) => method !== "GET" && path.toLowerCase().includes(place),
  );
  const isTaken = ({ status }: LoggedRequest) => status >= 200 && status < 300;
  const reads = entries.filter(({ method }) => method === "GET");
  return {
    updates: writes.filter(isTaken).map(({ time, body }) => ({
      afterMs: Date.parse(time) - startedAt.getTime(),
      dnatRules: JSON.stringify(body ?? "").split('"translatedPort"').length - 1,
    })),
    refused: writes.filter((entry) => !isTaken(entry)).length,
    reads: reads.length,
    polls: reads.filter(({ path }) => /operations\//i.test(path)).length,
  };
}
