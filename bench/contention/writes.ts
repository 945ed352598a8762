import { readFile } from "node:fs/promises";
import type { LoggedRequest } from "../../local/cloud/request-log.ts";
import type { Endpoints } from "../../local/endpoints.ts";
import { getJson, send } from "../../local/sign-in.ts";
import { nsgName } from "./crowd.ts";

/** A write of the group as the pretend cloud logged it. */
export interface Write {
  /** Since the start of the measurement. */
  readonly afterMs: number;
  readonly status: number;
  /** "a rule" or "the group with N rules". */
  readonly of: string;
}

/** The cloud forgets the oldest requests beyond this many. */
const logHolds = 20_000;

export async function forgetRequests(endpoints: Endpoints): Promise<void> {
  const ca = await readFile(endpoints.caFile, "utf8");
  await send("DELETE", `${endpoints.cloud}/local/requests`, { ca });
}

/** Every write of the group since the log was emptied, those that were refused too. Throws when the log could not hold all. */
export async function writesOfGroup(
  endpoints: Endpoints,
  startedAt: Date,
): Promise<readonly Write[]> {
  const ca = await readFile(endpoints.caFile, "utf8");
  const { value } = await getJson<{ value: readonly LoggedRequest[] }>(
    `${endpoints.cloud}/local/requests`,
    { ca },
  );
  if (value.length >= logHolds) {
    throw new Error(
      `There were more than ${logHolds} requests: the log does not hold all of them.`,
    );
  }
  return value
    .filter(({ method, path }) => method !== "GET" && path.includes(`/${nsgName}`))
    .map(({ time, status, path, body }) => ({
      afterMs: Date.parse(time) - startedAt.getTime(),
      status,
      of: path.includes("/securityRules/") ? "one rule" : `the group, ${rulesIn(body)} rules`,
    }));
}

function rulesIn(body: unknown): number {
  const group = body as { properties?: { securityRules?: readonly unknown[] } } | undefined;
  return group?.properties?.securityRules?.length ?? 0;
}
