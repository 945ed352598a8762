import { setTimeout as pauseFor } from "node:timers/promises";
import { NetworkManagementClient } from "@azure/arm-network";
import { SecurityCenter } from "@azure/arm-security";
import type { Endpoints } from "../local/endpoints.ts";
import { signIn } from "../local/sign-in.ts";
import { RunningSystem } from "../test/support/running-system.ts";

const rounds = 7;
const nsgWriteMs = 2_000;
/** The same pause between polls as the service uses locally, so that only the work around the write is compared. */
const pollMs = 250;
const group = "rg-demo";
const location = "westeurope";
const policyName = "bench";

/** Opens one port on one network security group, by the service and by hand, in turn; prints medians and their ratio. */
export async function benchOpen(): Promise<void> {
  process.stdout.write(
    `Opening SSH on vm-linux, ${rounds} rounds each, an NSG write takes ${nsgWriteMs} ms, polls every ${pollMs} ms …\n`,
  );
  const system = await RunningSystem.start({ timing: { nsgWriteMs } });
  try {
    const byService = await service(system.endpoints);
    const byHand = await floor(system.endpoints);
    const ours: number[] = [];
    const floors: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      floors.push(await byHand(round));
      ours.push(await byService());
      process.stdout.write(
        `  round ${round}: SDK by hand ${floors.at(-1)?.toFixed(0)} ms, initiate until proven open ${ours.at(-1)?.toFixed(0)} ms\n`,
      );
    }
    const ratio = median(ours) / median(floors);
    process.stdout.write(
      `median: by hand ${median(floors).toFixed(0)} ms, service ${median(ours).toFixed(0)} ms, ratio ${ratio.toFixed(3)} (aim: at most 1.25)\n`,
    );
  } finally {
    await system.stop();
  }
}

/** The fewest calls that open a port and prove it: one rule written and awaited, the group read back. */
async function floor(endpoints: Endpoints): Promise<(round: number) => Promise<number>> {
  const { credential, tlsOptions } = await signIn(
    endpoints,
    "olivia",
    "https://management.azure.com",
  );
  const client = new NetworkManagementClient(credential, endpoints.subscriptionId, {
    endpoint: endpoints.cloud,
    credentials: { scopes: ["https://management.azure.com/.default"] },
    tlsOptions,
  });
  return async (round) => {
    const name = `bench-by-hand-${round}`;
    const rule = {
      protocol: "Tcp",
      access: "Allow",
      direction: "Inbound",
      priority: 2_000 + round,
      sourceAddressPrefix: "203.0.113.9",
      sourcePortRange: "*",
      destinationAddressPrefix: "10.0.1.4",
      destinationPortRange: "22",
    } as const;
    const startedAt = performance.now();
    await client.securityRules.createOrUpdate(group, "nsg-linux", name, rule, {
      updateIntervalInMs: pollMs,
    });
    await client.networkSecurityGroups.get(group, "nsg-linux");
    const took = performance.now() - startedAt;
    await client.securityRules.delete(group, "nsg-linux", name, { updateIntervalInMs: pollMs });
    return took;
  };
}

/** A request through the API; measured until the policy says that it is open, then waited for until it is closed again. */
async function service(endpoints: Endpoints): Promise<() => Promise<number>> {
  const { credential, tlsOptions } = await signIn(endpoints, "olivia", endpoints.audience);
  const client = new SecurityCenter(credential, endpoints.subscriptionId, {
    endpoint: endpoints.apiHttps,
    credentialScopes: [`${endpoints.audience}/.default`],
    tlsOptions,
  }).jitNetworkAccessPolicies;
  const vmId = `/subscriptions/${endpoints.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Compute/virtualMachines/vm-linux`;
  const terms = {
    protocol: "TCP",
    allowedSourceAddressPrefix: "*",
    maxRequestAccessDuration: "PT1H",
  };
  await client.createOrUpdate(group, location, policyName, {
    kind: "Basic",
    virtualMachines: [{ id: vmId, ports: [{ number: 22, ...terms }] }],
  });
  const until = async (wanted: string) => {
    for (;;) {
      const policy = await client.get(group, location, policyName);
      if (policy.requests?.[0]?.virtualMachines[0]?.ports[0]?.status === wanted) {
        return;
      }
      await pauseFor(10);
    }
  };
  return async () => {
    const startedAt = performance.now();
    const endTimeUtc = new Date(Date.now() + 6_000);
    await client.initiate(group, location, policyName, {
      virtualMachines: [
        {
          id: vmId,
          ports: [{ number: 22, endTimeUtc, allowedSourceAddressPrefix: "203.0.113.9" }],
        },
      ],
    });
    await until("Initiated");
    const took = performance.now() - startedAt;
    await until("Revoked");
    return took;
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
