import type { AccessRequest, Window } from "../../src/access/request.ts";
import type { AnchorKeeper } from "../../src/activity/anchor.ts";
import type { Fact } from "../../src/activity/fact.ts";
import type { Ledger } from "../../src/activity/store.ts";
import { noRights } from "../../src/caller/permissions.ts";
import { createLog } from "../../src/log.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { idKey } from "../../src/policy/resource-id.ts";
import type {
  Directory,
  GateRecord,
  Machine,
  Network,
  Rights,
  Workflows,
} from "../../src/ports.ts";
import type { SecurityRule } from "../../src/rules/nsg.ts";
import type { WindowPorts } from "../../src/workflow/open-windows.ts";
import { type ProtectPorts, protect } from "../../src/workflow/protect.ts";
import { createSettle } from "../../src/workflow/settle.ts";
import type { SweepPorts } from "../../src/workflow/sweep-requests.ts";
import {
  anOwner,
  aPolicy,
  aRule,
  aVirtualMachine,
  noon,
  subscriptionId,
  vmId,
} from "./builders.ts";
import { createFakeActivity } from "./fake-activity.ts";
import { createFakeAnchors } from "./fake-anchors.ts";
import { createFakeDirectory } from "./fake-directory.ts";
import { createFakeGateStore } from "./fake-gate-store.ts";
import { createFakeIds } from "./fake-ids.ts";
import { createFakeNetwork } from "./fake-network.ts";
import { createFakePolicyStore } from "./fake-policy-store.ts";
import { createFakeRequestStore } from "./fake-request-store.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createVirtualClock } from "./virtual-clock.ts";

const nsg = (name: string): string =>
  idKey(
    `/subscriptions/${subscriptionId}/resourceGroups/shop/providers/Microsoft.Network/networkSecurityGroups/${name}`,
  );

/** The NSGs of the sample estate. */
export const nsgs = {
  subnet: nsg("nsg-subnet"),
  card: nsg("nsg-web-1"),
  dual: nsg("nsg-dual"),
} as const;

const machine = (
  name: string,
  addresses: readonly [string, 4 | 6, readonly string[]][],
): Machine => ({
  id: vmId(name),
  name,
  location: "westeurope",
  addresses: addresses.map(([address, family, gates]) => ({
    address,
    family,
    networkInterfaceId: `${vmId(name)}-nic`,
    gates,
  })),
});

/** web-1 stands behind a subnet's and its own NSG, web-2 behind the subnet's alone; dual has IPv6 too; bare has no NSG. */
const machines = [
  machine("web-1", [["10.0.0.4", 4, [nsgs.subnet, nsgs.card]]]),
  machine("web-2", [["10.0.0.5", 4, [nsgs.subnet]]]),
  machine("dual", [
    ["10.0.1.6", 4, [nsgs.dual]],
    ["fd00::6", 6, [nsgs.dual]],
  ]),
  machine("bare", [["10.0.2.7", 4, []]]),
];

const customerRules: readonly SecurityRule[] = [
  aRule(),
  aRule({
    name: "let-office-in",
    priority: 1000,
    sources: ["198.51.100.0/24"],
    destinationPorts: ["22"],
  }),
  aRule({
    name: "close-the-rest",
    priority: 4096,
    access: "Deny",
    protocol: "*",
    destinationPorts: ["*"],
  }),
];

/** A line of the operator's log. */
export interface LogLine {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** Everything one process of the app has. */
export interface Process extends WindowPorts, ProtectPorts, SweepPorts {
  readonly ledger: Ledger;
  readonly anchors: AnchorKeeper;
}

export type World = ReturnType<typeof createWorld>;

/** A small estate with storage, network and time that only tests move; any number of processes of the app live in it. */
export function createWorld({
  writeMs = 0,
  updateMs,
}: {
  readonly writeMs?: number;
  /** How long updates of firewalls take. */
  readonly updateMs?: number;
} = {}) {
  const clock = createVirtualClock(noon);
  const [network, gates, policies] = [
    createFakeNetwork({ clock, updateMs }),
    createFakeGateStore(),
    createFakePolicyStore(),
  ];
  const [requests, ids] = [createFakeRequestStore(), createFakeIds()];
  const { activity, ledger, tamper } = createFakeActivity();
  const anchors = createFakeAnchors();
  const directory = createFakeDirectory({ knowsEverybody: true });
  const { rights, loseRights } = everybodysRights();
  const started: string[] = [];
  const workflows: Workflows = {
    startRequest: async (requestId) => void started.push(requestId),
    endWindows: async () => undefined,
    followPolicy: async () => undefined,
  };
  const logged: LogLine[] = [];
  const log = createLog((_level, line) => logged.push(JSON.parse(line) as LogLine), clock.now);
  const azure = slow(network, clock.pause, writeMs);
  for (const gate of Object.values(nsgs)) {
    network.addGate(gate, customerRules);
  }
  for (const one of machines) {
    network.addMachine(one);
  }

  /** A process of the app: it shares nothing with others but storage, network and time. */
  function start(faults: Faults = createFaults()): Process {
    const ports = {
      clock,
      ids,
      log,
      owner: anOwner,
      network: faults.through<Network>("network", azure.network),
      gates: faults.through("gates", gates),
      policies: faults.through("policies", policies),
      requests: faults.through("requests", requests),
      activity: faults.through("activity", activity),
      ledger,
      anchors,
      rights: faults.through<Rights>("rights", rights),
      directory: faults.through<Directory>("directory", directory),
      workflows: faults.through<Workflows>("workflows", workflows),
    };
    return { ...ports, settle: createSettle(ports) };
  }

  return {
    clock,
    ids,
    network,
    gates,
    policies,
    requests,
    activity,
    ledger,
    anchors,
    /** What somebody who may write the tables could do to the audit. */
    tamper,
    directory,
    /** Takes every right from somebody; others may do everything here. */
    loseRights,
    /** Requests whose orchestration was asked for, in order. */
    started,
    log,
    logged,
    start,
    /** Most writes that were under way on one gate at the same moment. */
    mostWritesAtOnce: azure.mostAtOnce,
    /** All facts, oldest first. */
    async facts(): Promise<readonly Fact[]> {
      const [from, to] = [new Date(0), new Date("2100-01-01T00:00:00Z")];
      const page = await activity.list({ of: { subscriptionId }, from, to, top: 100_000 });
      return page.items.toReversed();
    },
    ours: (gateId: string) =>
      network.rules(gateId).filter(({ name }) => name.startsWith("JitAccess-")),
    customers: () =>
      JSON.stringify(
        Object.values(nsgs).map((gateId) =>
          network.rules(gateId).filter(({ name }) => !name.startsWith("JitAccess-")),
        ),
      ),
    async record(gateId: string): Promise<GateRecord> {
      return gates.read(gateId);
    },
    /** Every policy as it is stored, without the moment of its last change. */
    async policiesStored(): Promise<readonly Omit<Policy, "changedAt">[]> {
      const page = await policies.list(subscriptionId, { top: 1_000 });
      return page.items.map(({ changedAt: _, ...policy }) => policy);
    },
    /** Stores a policy and settles its deny rules. */
    async protect(values: Parameters<typeof aPolicy>[0] = {}): Promise<Policy> {
      const policy = aPolicy({ ...values, state: "updating" });
      await policies.put(policy);
      await clock.run(protect(start(), policy.id));
      return policy;
    },
    /** Replaces the policy's content and settles its deny rules, as another PUT does. */
    async protectAgain(values: Parameters<typeof aPolicy>[0]): Promise<void> {
      const stored = await policies.get(aPolicy().id);
      const gates = stored?.value.gates ?? [];
      await policies.put(aPolicy({ ...values, gates, state: "updating" }), stored?.etag);
      await clock.run(protect(start(), aPolicy().id));
    },
    async request(request: AccessRequest): Promise<AccessRequest> {
      await requests.create(request);
      return request;
    },
    async windows(requestId: string): Promise<readonly Window[]> {
      return (await requests.get(requestId))?.windows ?? [];
    },
  };
}

/** Rights of a world in which everybody may do everything, but those who lost it. */
function everybodysRights() {
  const lost = new Set<string>();
  const permissions = [{ actions: ["*"], notActions: [], hasCondition: false }];
  const owner = { id: "/roles/owner", permissions };
  const assignment = {
    id: "everybody",
    scope: "/",
    roleDefinitionId: owner.id,
    hasCondition: false,
  };
  const rights: Rights = {
    of: async ({ objectId }) =>
      lost.has(objectId)
        ? noRights
        : { assignments: [assignment], definitions: new Map([["owner", owner]]), denies: [] },
  };
  return {
    rights,
    loseRights: ({ objectId }: { readonly objectId: string }) => void lost.add(objectId),
  };
}

/** Policy content for both web VMs: SSH and RDP. */
export const bothWebVms = [aVirtualMachine(), aVirtualMachine({ id: vmId("web-2") })];

function slow(network: Network, pause: (milliseconds: number) => Promise<void>, writeMs: number) {
  const running = new Map<string, number>();
  let most = 0;
  const count = (gateId: string, by: number) => {
    const now = (running.get(gateId) ?? 0) + by;
    running.set(gateId, now);
    most = Math.max(most, now);
  };
  const slowed: Network = {
    ...network,
    // As the network is at the moment: a test may put something else in its place.
    readGate: (gateId) => network.readGate(gateId),
    progress: (gateId, operation) => network.progress(gateId, operation),
    async write(reading, changes) {
      count(reading.gate.id, 1);
      try {
        if (writeMs > 0) {
          await pause(writeMs);
        }
        return await network.write(reading, changes);
      } finally {
        count(reading.gate.id, -1);
      }
    },
  };
  return { network: slowed, mostAtOnce: () => most };
}
