import { setTimeout as pauseFor } from "node:timers/promises";
import { NetworkManagementClient, type SecurityRule } from "@azure/arm-network";
import { isRestError, type RestError } from "@azure/core-rest-pipeline";
import type { Endpoints } from "../../local/endpoints.ts";
import { signIn } from "../../local/sign-in.ts";
import { type Access, group, port } from "../crowd.ts";
import { nsgName } from "./crowd.ts";

/**
 * What somebody does whose write was cancelled: "writes again" after a pause, as scripts and pipelines do; or "looks first"
 * and writes only what is missing, as whoever knows that the later write may have carried one's own along.
 */
export type Manner = "writes again" | "looks first";

/** The same pause between polls of an operation as the service has locally. */
const pollMs = 250;
/** The pauses are those with which the Azure SDK itself retries: doubling, half of each by chance. */
const firstPauseMs = 1_000;
const longestPauseMs = 64_000;
const priorities = { first: 100, last: 4_096 } as const;

/**
 * Everybody with a client of their own, signed in. The answer lets all write at once; it resolves when everybody has been told
 * that it is done, or at the signal, with the number of those who had been told.
 */
export async function prepareCommonWay(
  endpoints: Endpoints,
  accesses: readonly Access[],
  manner: Manner,
): Promise<(over: AbortSignal) => Promise<number>> {
  const scope = "https://management.azure.com";
  const crowd = await Promise.all(
    accesses.map(async (access) => {
      const { credential, tlsOptions } = await signIn(endpoints, access.person, scope);
      await credential.getToken([]);
      const client = new NetworkManagementClient(credential, endpoints.subscriptionId, {
        endpoint: endpoints.cloud,
        credentials: { scopes: [`${scope}/.default`] },
        tlsOptions,
      });
      return { access, client };
    }),
  );
  return async (over) => {
    const ends = await Promise.allSettled(
      crowd.map(({ access, client }) => openOne(client, access, manner, over)),
    );
    const fault = ends.find((end) => end.status === "rejected");
    if (fault !== undefined && !over.aborted) {
      throw fault.reason;
    }
    return ends.filter((end) => end.status === "fulfilled").length;
  };
}

async function openOne(
  client: NetworkManagementClient,
  access: Access,
  manner: Manner,
  abortSignal: AbortSignal,
): Promise<void> {
  const name = `allow-${access.person}`;
  for (let tries = 0; ; tries += 1) {
    const rules = await rulesOnceUseful(client, name, manner, abortSignal);
    const mine = rules.find((rule) => rule.name === name);
    if (manner === "looks first" && mine !== undefined) {
      return;
    }
    const rule = ruleFor(access, mine?.priority ?? freePriority(rules));
    const failure = await write(client, name, rule, abortSignal);
    if (failure === undefined) {
      return;
    }
    const isWorthALookAtOnce = manner === "looks first" && failure === "canceled";
    await pauseFor(isWorthALookAtOnce ? 0 : pauseBefore(tries), undefined, { signal: abortSignal });
  }
}

/** The group's rules; who looks first waits until the fate of a rule of that name is clear. */
async function rulesOnceUseful(
  client: NetworkManagementClient,
  name: string,
  manner: Manner,
  abortSignal: AbortSignal,
): Promise<readonly SecurityRule[]> {
  for (;;) {
    const { securityRules = [] } = await client.networkSecurityGroups.get(group, nsgName, {
      abortSignal,
    });
    const mine = securityRules.find((rule) => rule.name === name);
    if (manner === "writes again" || mine === undefined || mine.provisioningState === "Succeeded") {
      return securityRules;
    }
    await pauseFor(pollMs, undefined, { signal: abortSignal });
  }
}

/** Why the rule is not known to be written, where trying again may help. */
async function write(
  client: NetworkManagementClient,
  name: string,
  rule: SecurityRule,
  abortSignal: AbortSignal,
): Promise<"canceled" | "refused" | undefined> {
  try {
    await client.securityRules.createOrUpdate(group, nsgName, name, rule, {
      updateIntervalInMs: pollMs,
      abortSignal,
    });
    return undefined;
  } catch (error) {
    if (error instanceof Error && error.message === "Operation was canceled") {
      return "canceled";
    }
    if (isRestError(error) && isPassing(error)) {
      return "refused";
    }
    throw error;
  }
}

/** Conflicts, throttling, and a priority that another was quicker to take. */
function isPassing({ statusCode = 0, code = "" }: RestError): boolean {
  return [409, 412, 429].includes(statusCode) || code === "SecurityRuleConflict";
}

function ruleFor({ source, vmAddress }: Access, priority: number): SecurityRule {
  return {
    protocol: "Tcp",
    access: "Allow",
    direction: "Inbound",
    priority,
    sourceAddressPrefix: source,
    sourcePortRange: "*",
    destinationAddressPrefix: vmAddress,
    destinationPortRange: String(port),
  };
}

/** Any free number: with the lowest one everybody would choose the same. */
function freePriority(rules: readonly SecurityRule[]): number {
  const taken = new Set(
    rules.filter(({ direction }) => direction === "Inbound").map(({ priority }) => priority),
  );
  for (;;) {
    const { first, last } = priorities;
    const priority = first + Math.floor(Math.random() * (last - first + 1));
    if (!taken.has(priority)) {
      return priority;
    }
  }
}

function pauseBefore(tries: number): number {
  const longest = Math.min(firstPauseMs * 2 ** tries, longestPauseMs);
  return longest / 2 + Math.random() * (longest / 2);
}
