import type { AccessRequest, Window } from "../../src/access/request.ts";
import { idKey } from "../../src/policy/resource-id.ts";
import type { Firewall, FirewallRule } from "../../src/rules/firewall.ts";
import { ownGroupName } from "../../src/rules/owned.ts";
import { lookAfterWindows } from "../../src/workflow/look-after.ts";
import { type Opened, openWindows, type VmOfRequest } from "../../src/workflow/open-windows.ts";
import {
  anAccessRequest,
  anOwner,
  aPort,
  aRule,
  aVirtualMachine,
  requestId,
  subscriptionId,
  vmId,
} from "./builders.ts";
import type { Faults } from "./faults.ts";
import { createWorld, type Process } from "./world.ts";

const network = `/subscriptions/${subscriptionId}/resourceGroups/hub/providers/Microsoft.Network`;

/** How long updates of firewalls take here, in milliseconds. */
export const updateMs = 240_000;

/** The gates of a VM behind a firewall with rules of its own, and of one behind a firewall with a policy. */
export const firewalls = {
  classic: idKey(`${network}/azureFirewalls/fw-edge`),
  policy: idKey(
    `${network}/firewallPolicies/fwp-hub/ruleCollectionGroups/${ownGroupName(anOwner)}`,
  ),
} as const;

const nsgOf = { edge: idKey(`${network}/networkSecurityGroups/nsg-edge`) } as const;
export const edgeNsg = nsgOf.edge;

export const edge = vmId("edge");
export const spoke = vmId("spoke");
const addressOf = { edge: "10.20.1.4", spoke: "10.31.1.4" } as const;
export const publicAddress = { classic: "192.0.2.40", policy: "192.0.2.50" } as const;
/** Another one of the classic firewall's, behind the first in its order. */
export const secondAddress = "192.0.2.41";
const publicAddresses = {
  classic: [publicAddress.classic, secondAddress],
  policy: [publicAddress.policy],
} as const;

const customerRule: FirewallRule = {
  name: "ops-ssh",
  kind: "network",
  access: "Allow",
  collection: "customer",
  order: [300],
  protocols: ["TCP"],
  sources: ["10.20.9.0/24"],
  destinations: ["10.20.1.0/24"],
  destinationPorts: ["22"],
  description: "",
};

function aFirewall(kind: Firewall["kind"], rules: readonly FirewallRule[]): Firewall {
  return {
    id: firewalls[kind],
    kind,
    name: kind === "classic" ? "fw-edge" : "fwp-hub",
    rules,
    groupPriorities: kind === "classic" ? [] : [100, 200],
    publicAddresses: publicAddresses[kind],
  };
}

/**
 * A world in which `edge` stands behind a classic firewall and an NSG, and `spoke` behind a firewall policy alone; both are
 * protected, and how long updates take has been measured.
 */
export async function createFirewallWorld() {
  const world = createWorld({ updateMs });
  const { network: azure, clock } = world;
  azure.addFirewall(aFirewall("classic", [customerRule]));
  azure.addFirewall(aFirewall("policy", [{ ...customerRule, order: [1, 200, 300] }]));
  azure.addGate(nsgOf.edge, [aRule()]);
  const machine = (name: "edge" | "spoke", kind: "classic" | "policy", nsgs: readonly string[]) =>
    azure.addMachine({
      id: vmId(name),
      name,
      location: "westeurope",
      addresses: [
        {
          address: addressOf[name],
          family: 4,
          networkInterfaceId: `${vmId(name)}-nic`,
          gates: [firewalls[kind], ...nsgs],
          firewalls: [
            {
              gateId: firewalls[kind],
              firewallId: `${network}/azureFirewalls/fw-${name}`,
              publicAddresses: publicAddresses[kind],
              subnets: [name === "edge" ? "10.20.0.0/26" : "10.30.0.0/26"],
            },
          ],
        },
      ],
    });
  machine("edge", "classic", [nsgOf.edge]);
  machine("spoke", "policy", []);
  const ports = [
    aPort({ allowedSourceAddressPrefix: "*", maxRequestAccessDuration: "PT12H" }),
    aPort({ number: 3389, maxRequestAccessDuration: "PT12H" }),
  ];
  await world.protect({
    virtualMachines: [aVirtualMachine({ id: edge, ports }), aVirtualMachine({ id: spoke, ports })],
  });
  // The deny rules' updates end, and are noticed.
  await untilSettled(Object.values(firewalls));

  /** Looks at gates until nothing is under way on them. */
  async function untilSettled(gateIds: readonly string[]): Promise<void> {
    const one = world.start();
    for (const gateId of gateIds) {
      for (;;) {
        const settled = await clock.run(
          one.settle(gateId, (await world.record(gateId)).desiredRevision),
        );
        if (settled.outcome !== "under way") {
          break;
        }
        await clock.advance(settled.retryAfterMs);
      }
    }
  }

  /** Opens, and looks again for as long as updates are under way. */
  async function open(one: Process, vm: VmOfRequest, until: number): Promise<void> {
    let opened: Opened = await clock.run(openWindows(one, vm));
    while (opened.retryAfterMs !== undefined && clock.now().getTime() < until) {
      await clock.advance(opened.retryAfterMs);
      opened = await clock.run(openWindows(one, { ...vm, isAgain: true }));
    }
  }

  /** What the orchestration of a VM does: opens, looks after, at the moments that it is told. Ends when nothing is left. */
  async function live(
    id: string,
    {
      vmIndex = 0,
      until = Number.POSITIVE_INFINITY,
      faults,
    }: { readonly vmIndex?: number; readonly until?: number; readonly faults?: Faults } = {},
  ): Promise<void> {
    const one = world.start(faults);
    await open(one, { requestId: id, vmIndex }, until);
    await lookAfter(one, { requestId: id, vmIndex }, until);
  }

  async function lookAfter(one: Process, vm: VmOfRequest, until: number): Promise<void> {
    let attempt = 1;
    while (clock.now().getTime() < until) {
      const looked = await clock.run(lookAfterWindows(one, { ...vm, attempt }));
      if (looked.next === undefined && !looked.isFailing) {
        return;
      }
      attempt = looked.isFailing ? attempt + 1 : 1;
      const next = looked.isFailing ? 2_000 : Date.parse(looked.next ?? "") - clock.now().getTime();
      await clock.advance(
        Math.min(Math.max(next, 100), Math.max(until - clock.now().getTime(), 1)),
      );
    }
  }

  return {
    ...world,
    untilSettled,
    live,
    ask: (windows: readonly Window[], id = requestId): Promise<AccessRequest> =>
      world.request(anAccessRequest({ id, windows })),
    /** Our rules that are in effect on a firewall, by what they do. */
    inEffect: (gateId: string, kind?: FirewallRule["kind"], access: "Allow" | "Deny" = "Allow") =>
      azure
        .rulesInEffect(gateId)
        .filter((rule) => rule.name.startsWith("JitAccess-"))
        .filter((rule) => (kind === undefined || rule.kind === kind) && rule.access === access),
  };
}

export type FirewallWorld = Awaited<ReturnType<typeof createFirewallWorld>>;
