import { setTimeout as pauseFor } from "node:timers/promises";
import { NetworkManagementClient } from "@azure/arm-network";
import { isRestError } from "@azure/core-rest-pipeline";
import type { Estate } from "../../local/cloud/estate.ts";
import type { Endpoints } from "../../local/endpoints.ts";
import { signIn } from "../../local/sign-in.ts";
import { type Access, port } from "../crowd.ts";
import { withSystem } from "../system.ts";
import { type Asked, askedSince, forgetRequests } from "./cloud-log.ts";
import { type Circumstances, firewallEstate, firewalls, networkGroup } from "./estate.ts";

/** Between two looks whether it is their turn, and between two polls of an operation. */
const lookMs = 1_000;
/** In front of whatever the sample's firewalls have for themselves. */
const firstPriority = 1_000;
const firstMappedPort = 30_000;

/** Times in milliseconds since everybody began at once. */
export interface CommonWayFound {
  readonly requests: number;
  /** When each had been told by Azure that the update is done, sorted. */
  readonly doneAfterMs: readonly number[];
  readonly asked: Asked;
}

/**
 * Everybody writes a DNAT rule of their own with the Azure SDK. The firewall takes one update at a time: whoever is refused looks once
 * a second whether it is their turn, and loses no more time than that.
 */
export function measureCommonWay(
  sample: Estate,
  circumstances: Circumstances,
): Promise<CommonWayFound> {
  const { kind, accesses } = circumstances;
  const estate = firewallEstate(sample, circumstances);
  return withSystem({ estate, history: undefined }, async (endpoints) => {
    const crowd = await Promise.all(
      accesses.map(async (access, index) => ({
        rule: dnatRule(circumstances, access, index),
        client: await clientOf(endpoints, access.person),
      })),
    );
    await forgetRequests(endpoints);
    const startedAt = new Date();
    const started = performance.now();
    const doneAfterMs = await Promise.all(
      crowd.map(async ({ client, rule }, index) => {
        await untilTaken(() =>
          kind === "classic" ? addToFirewall(client, rule) : addGroup(client, rule, index),
        );
        return performance.now() - started;
      }),
    );
    return {
      requests: accesses.length,
      doneAfterMs: doneAfterMs.toSorted((left, right) => left - right),
      asked: await askedSince(endpoints, kind, startedAt),
    };
  });
}

async function clientOf(endpoints: Endpoints, person: string): Promise<NetworkManagementClient> {
  const scope = "https://management.azure.com";
  const { credential, tlsOptions } = await signIn(endpoints, person, scope);
  await credential.getToken([]);
  return new NetworkManagementClient(credential, endpoints.subscriptionId, {
    endpoint: endpoints.cloud,
    credentials: { scopes: [`${scope}/.default`] },
    tlsOptions,
  });
}

type DnatRule = ReturnType<typeof dnatRule>;

function dnatRule({ kind }: Circumstances, access: Access, index: number) {
  return {
    name: `allow-${access.person}`,
    sourceAddresses: [access.source],
    destinationAddresses: [firewalls[kind].publicAddress],
    destinationPorts: [String(firstMappedPort + index)],
    translatedAddress: access.vmAddress,
    translatedPort: String(port),
  };
}

/** The classic firewall is written whole: read, one rule more, written with the etag of the reading. */
async function addToFirewall(client: NetworkManagementClient, rule: DnatRule): Promise<boolean> {
  const { name } = firewalls.classic;
  const firewall = await client.azureFirewalls.get(networkGroup, name);
  if (firewall.provisioningState === "Updating") {
    return false;
  }
  const others = (firewall.natRuleCollections ?? []).filter((one) => one.name !== "people");
  const people = firewall.natRuleCollections?.find((one) => one.name === "people");
  const rules = [...(people?.rules ?? []), { ...rule, protocols: ["TCP"] }];
  const collection = {
    name: "people",
    priority: firstPriority,
    action: { type: "Dnat" },
    rules,
  };
  await client.azureFirewalls.createOrUpdate(
    networkGroup,
    name,
    { ...firewall, natRuleCollections: [...others, collection] },
    {
      updateIntervalInMs: lookMs,
      requestOptions: { headers: { "If-Match": firewall.etag ?? "*" } },
    },
  );
  return true;
}

/** In the policy everybody has a rule collection group of their own. */
async function addGroup(
  client: NetworkManagementClient,
  { name, ...rule }: DnatRule,
  index: number,
): Promise<boolean> {
  const policyName = "fwp-hub";
  const policy = await client.firewallPolicies.get(networkGroup, policyName);
  if (policy.provisioningState === "Updating") {
    return false;
  }
  const group = {
    priority: firstPriority + index,
    ruleCollections: [
      {
        ruleCollectionType: "FirewallPolicyNatRuleCollection" as const,
        name,
        priority: 100,
        action: { type: "DNAT" },
        rules: [{ ruleType: "NatRule" as const, name, ipProtocols: ["TCP"], ...rule }],
      },
    ],
  };
  await client.firewallPolicyRuleCollectionGroups.createOrUpdate(
    networkGroup,
    policyName,
    name,
    group,
    { updateIntervalInMs: lookMs },
  );
  return true;
}

async function untilTaken(write: () => Promise<boolean>): Promise<void> {
  for (;;) {
    try {
      if (await write()) {
        return;
      }
    } catch (error) {
      // Another was quicker.
      if (!(isRestError(error) && [409, 412, 429].includes(error.statusCode ?? 0))) {
        throw error;
      }
    }
    await pauseFor(lookMs);
  }
}
