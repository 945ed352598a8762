import type { FactGate } from "../activity/fact.ts";
import { accessRulesFacts, policyFacts } from "../activity/policy-facts.ts";
import { mapLimited } from "../map-limited.ts";
import type { Policy } from "../policy/policy.ts";
import { idKey } from "../policy/resource-id.ts";
import type { GateRecord, IntentChange, Machine, PolicyStore, Stored } from "../ports.ts";
import type { Finding, Reason } from "../reasons.ts";
import { denyDrafts } from "../rules/desired-rules.ts";
import { createFindLeftovers } from "./clean.ts";
import { denyRowsByGate } from "./deny-rows.ts";
import { type PathsSeen, pathsSeen, tellPaths } from "./paths-seen.ts";
import type { Settle } from "./settle.ts";
import type { SettlePorts } from "./turn.ts";

export interface ProtectPorts extends SettlePorts {
  readonly policies: PolicyStore;
  readonly settle: Settle;
}

/** How many gates or VMs one policy change works on at once: enough to be quick, few enough to leave Azure's limits alone. */
export const parallelWork = 16;

/**
 * `settled`: every gate of the policy carries exactly its deny rules, proven. `under way`: nothing stands against it, but a
 * firewall takes minutes for its update; the sweep sees it through.
 */
export interface Protected {
  readonly outcome: "settled" | "under way" | "unsettled";
  /** What stands on the gates, in the order of the policy's gates. */
  readonly gates: readonly GateRecord[];
  /** Why it is not settled; the sweep takes it up. */
  readonly reasons: readonly Reason[];
  /** Of what is under way: when to look again. */
  readonly retryAfterMs?: number | undefined;
}

/**
 * Brings the gates of a stored policy to what the policy says now, and marks it settled (or removes it, when it is being
 * deleted). Reads the policy afresh until nobody changed it meanwhile, so that of two changes at once the stored one
 * wins on the gates too. Safe to run twice.
 */
export async function protect(ports: ProtectPorts, policyId: string): Promise<Protected> {
  let touched: readonly string[] = [];
  for (;;) {
    const stored = await ports.policies.get(policyId);
    if (stored === undefined) {
      // Deleted while its rows were written: what came after the deletion goes as well.
      return letGo(ports, policyId, touched);
    }
    const machines = await findMachines(ports, stored.value);
    const denies = denyRowsByGate(ports.ids, stored.value, (vmId) => machines.get(idKey(vmId)));
    // NB. With those of an earlier round: whoever overtook us does not know that we wanted something there.
    const gates = [...new Set([...stored.value.gates, ...touched, ...denies.keys()])];
    const paths = pathsSeen([...machines.values()]);
    const noted = await noteGates(ports, stored, gates, paths, [...machines.values()]);
    if (noted === undefined) {
      continue;
    }
    touched = [...new Set([...touched, ...gates])];
    const findLeftovers = createFindLeftovers(ports);
    const wanted = await mapLimited(gates, parallelWork, async (gateId) =>
      wantOnGate(ports, noted.value, gateId, {
        denies: { policyId: noted.value.id, rows: denies.get(gateId) ?? [] },
        addLeftovers: await findLeftovers(gateId),
      }),
    );
    // NB. Looked at after wanting and before writing: a newer change that is done already must not be undone.
    if ((await ports.policies.get(policyId))?.etag !== noted.etag) {
      continue;
    }
    const settled = await mapLimited(wanted, parallelWork, (one) =>
      settleGate(ports, noted.value, one),
    );
    const reasons = settled.flatMap((one) => one.reasons);
    const pauses = settled.flatMap(({ retryAfterMs }) => retryAfterMs ?? []);
    const records = settled.flatMap((one) => (one.record === undefined ? [] : [one.record]));
    if (pauses.length > 0 && reasons.length === 0) {
      const retryAfterMs = Math.min(...pauses);
      return { outcome: "under way", gates: records, reasons: [], retryAfterMs };
    }
    // The audit first: a change that people are told of as done must have its facts.
    await tell(ports, noted.value, records, reasons, paths.unprotectedPaths);
    if (reasons.length > 0) {
      return { outcome: "unsettled", gates: records, reasons };
    }
    if (await finish(ports, noted, [...denies.keys()])) {
      return { outcome: "settled", gates: records, reasons: [] };
    }
  }
}

async function letGo(
  ports: ProtectPorts,
  policyId: string,
  gates: readonly string[],
): Promise<Protected> {
  const settled = await mapLimited(gates, parallelWork, async (gateId) => {
    const revision = await ports.gates.change(gateId, { denies: { policyId, rows: [] } });
    return ports.settle(gateId, revision);
  });
  const reasons = settled.flatMap((one) => (one.outcome === "refused" ? one.reasons : []));
  return { outcome: reasons.length > 0 ? "unsettled" : "settled", gates: [], reasons };
}

/** The policy's VMs where they are in the network now, by key. */
async function findMachines(
  { network }: ProtectPorts,
  policy: Policy,
): Promise<ReadonlyMap<string, Machine | undefined>> {
  const vms = policy.state === "deleting" ? [] : policy.virtualMachines;
  const machines = await mapLimited(vms, parallelWork, (vm) => network.findMachine(vm.id));
  return new Map(vms.map((vm, index) => [idKey(vm.id), machines[index]]));
}

/**
 * NB. Every gate is stored with the policy before anything is wanted on it, so that a crash leaves none behind unknown. With them
 * goes what the look at the VMs has told: where a firewall takes its time, people see it while they wait.
 */
async function noteGates(
  ports: ProtectPorts,
  stored: Stored<Policy>,
  gates: readonly string[],
  paths: PathsSeen,
  machines: readonly (Machine | undefined)[],
): Promise<Stored<Policy> | undefined> {
  const { value } = stored;
  // A policy that is being deleted has no VMs any more, and asks nobody where they are.
  const seen =
    value.state === "deleting"
      ? {}
      : {
          unprotectedPaths: paths.unprotectedPaths,
          ...(await tellPaths(ports, value, paths.exposed)),
          firewallAddresses: firewallAddressesOf(machines),
        };
  const noted: Policy = { ...value, ...seen, gates };
  const isNoted =
    gates.every((gate) => value.gates.includes(gate)) && seenText(noted) === seenText(value);
  return isNoted ? stored : ports.policies.put(noted, stored.etag);
}

/** What a look at its VMs has told of a policy, as text: equal for equal findings. */
const seenText = ({
  unprotectedPaths = [],
  exposed = [],
  firewallAddresses = {},
}: Policy): string => JSON.stringify([unprotectedPaths, exposed, firewallAddresses]);

async function tell(
  ports: ProtectPorts,
  policy: Policy,
  records: readonly GateRecord[],
  faults: readonly Reason[],
  paths: readonly Finding[],
): Promise<void> {
  if (policy.change !== undefined) {
    const findings: readonly Finding[] =
      faults.length > 0 ? faults : [...records.flatMap((gate) => gate.findings), ...paths];
    const now = ports.clock.now();
    const outcome = faults.length > 0 ? "failed" : "done";
    const gatesOf = gatesByVm(ports, records, policy);
    const facts = policyFacts(policy.id, policy.change, outcome, now, (vmId) => {
      const reasons = findings.filter((one) => one.vmId === undefined || isSame(one.vmId, vmId));
      return {
        gates: gatesOf(vmId),
        ...(reasons.length > 0 ? { reasons: reasons.slice(0, 20) } : {}),
      };
    });
    const rulesFacts = accessRulesFacts(policy.id, policy.change, "done", now);
    await ports.activity.record([...facts, ...rulesFacts]);
  }
}

const isSame = (one: string, other: string): boolean => idKey(one) === idKey(other);

/**
 * Tells of a VM the gates with the rules of the policy that hold it closed. Of one that no gate holds any more all gates, without a
 * rule. NB. Whoever may read that VM alone reads nothing of others.
 */
function gatesByVm(
  { owner }: ProtectPorts,
  records: readonly GateRecord[],
  policy: Policy,
): (vmId: string) => readonly FactGate[] {
  const gates = records.map(({ gateId, intent, proof }) => {
    const denies = intent.denies.filter((deny) => isSame(deny.policyId, policy.id));
    const drafts = denyDrafts({ denies, windows: [] }, owner);
    return {
      gateId,
      proof,
      ofVm: Map.groupBy(drafts, ({ vmId }) => idKey(vmId)),
    };
  });
  return (vmId) => {
    const told = gates.map(({ gateId, proof, ofVm }) => ({
      id: gateId,
      rules: (ofVm.get(idKey(vmId)) ?? []).map(({ rule }) => rule.name),
      ...proof,
    }));
    const held = told.filter(({ rules }) => rules.length > 0);
    return held.length > 0 ? held : told;
  };
}

async function finish(
  ports: ProtectPorts,
  stored: Stored<Policy>,
  gates: readonly string[],
): Promise<boolean> {
  if (stored.value.state === "deleting") {
    await tellPaths(ports, stored.value, []);
    return ports.policies.remove(stored.value.id, stored.etag);
  }
  const settled: Policy = { ...stored.value, gates, state: "settled" };
  return (await ports.policies.put(settled, stored.etag)) !== undefined;
}

/** By VM key, the firewall's public address that leads to it unless the policy names another: the first one. */
function firewallAddressesOf(
  machines: readonly (Machine | undefined)[],
): Readonly<Record<string, string>> | undefined {
  const found = machines.flatMap((machine): readonly (readonly [string, string])[] => {
    const paths = machine?.addresses.flatMap(({ firewalls = [] }) => firewalls) ?? [];
    const [address] = paths.flatMap(({ publicAddresses }) => publicAddresses);
    return machine === undefined || address === undefined ? [] : [[idKey(machine.id), address]];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** A gate on which something is wanted, from that revision on. */
interface Wanted {
  readonly gateId: string;
  readonly revision: number;
}

async function wantOnGate(
  { gates }: ProtectPorts,
  policy: Policy,
  gateId: string,
  change: IntentChange,
): Promise<Wanted> {
  const isDeleting = policy.state === "deleting";
  const revision = await gates.change(gateId, {
    ...change,
    ...(isDeleting ? { removeWindowsOfPolicy: policy.id } : {}),
  });
  return { gateId, revision };
}

interface SettledGate {
  readonly record?: GateRecord;
  readonly reasons: readonly Reason[];
  /** An update of it is under way: when to look again. */
  readonly retryAfterMs?: number;
}

async function settleGate(
  { settle }: ProtectPorts,
  policy: Policy,
  { gateId, revision }: Wanted,
): Promise<SettledGate> {
  const settled = await settle(gateId, revision);
  if (settled.outcome === "refused") {
    return { reasons: settled.reasons };
  }
  if (settled.outcome === "under way") {
    return { record: settled.record, reasons: [], retryAfterMs: settled.retryAfterMs };
  }
  const full = settled.record.findings.filter((finding) => finding.code === "GateFull");
  return { record: settled.record, reasons: policy.state === "deleting" ? [] : full };
}
