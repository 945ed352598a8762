import { isDeepStrictEqual } from "node:util";
import { mapLimited } from "../map-limited.ts";
import type { Policy } from "../policy/policy.ts";
import { idKey, subscriptionOf } from "../policy/resource-id.ts";
import type { GateReading, GateRecord, Survey } from "../ports.ts";
import type { GateRule } from "../rules/gate.ts";
import { isOwned } from "../rules/owned.ts";
import { leadOf } from "../rules/update-time.ts";
import { healPlaces, heldRows } from "./moved-vms.ts";
import { followMachine, standingWindows, standsWhere, takeOffEnded } from "./moved-windows.ts";
import type { WindowPorts } from "./open-windows.ts";
import { parallelWork } from "./protect.ts";
import { guarded } from "./serial.ts";
import { anew } from "./settle.ts";
import { exposedBy, planFor, withStrangers } from "./settlement.ts";

/**
 * Looks at every gate and every protected VM there is, and puts right what nobody told of: rules that somebody edited,
 * removed or left, VMs that moved, were deleted or got other addresses or gates, gates that are gone. It looks through whole
 * lists of a subscription, so that its reads grow with their pages and not with VMs or gates; whatever looks wrong is read
 * alone before anything is done about it: a list also leaves out what this service may not read.
 */
export async function healEveryGate(ports: WindowPorts): Promise<void> {
  const [records, policies] = await Promise.all([ports.gates.known(), ports.policies.all()]);
  // One subscription after the other: a survey holds every rule of every group of it.
  for (const subscriptionId of await subscriptionsOf(ports, records, policies)) {
    const isHere = (id: string) => subscriptionOf(id) === subscriptionId;
    await guarded(ports.log, `surveying subscription ${subscriptionId}`, async () => {
      const survey = await ports.network.survey(subscriptionId);
      if (survey !== undefined) {
        const here = {
          survey,
          isHere,
          policies: policies.filter(({ id }) => isHere(id)),
          records,
        };
        const hasChanged = await healPolicies(ports, here);
        const hasFollowed = await healWindows(ports, here);
        await healRules(ports, hasChanged || hasFollowed ? await readAgain(ports, here) : here);
      }
    });
  }
}

/** One subscription: what Azure tells of it, and what storage does. */
interface Subscription {
  readonly survey: Survey;
  readonly isHere: (id: string) => boolean;
  readonly policies: readonly Policy[];
  /** Of all gates: a firewall may be in another subscription than the VMs behind it. */
  readonly records: readonly GateRecord[];
}

/** What has just followed its VM is wanted elsewhere now. */
async function readAgain({ gates }: WindowPorts, here: Subscription): Promise<Subscription> {
  return { ...here, records: await gates.known() };
}

/** Those that Azure tells of, and those in which something is known to storage. */
async function subscriptionsOf(
  ports: WindowPorts,
  records: readonly GateRecord[],
  policies: readonly Policy[],
): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  await guarded(ports.log, "listing subscriptions", async () => {
    for (const id of await ports.network.subscriptions()) {
      ids.add(id);
    }
  });
  for (const id of [...records.map(({ gateId }) => gateId), ...policies.map(({ id }) => id)]) {
    ids.add(subscriptionOf(id) ?? "");
  }
  return ids;
}

/** Brings policies' deny rules to where their VMs are; tells whether any had to be. */
async function healPolicies(
  ports: WindowPorts,
  { policies, records, survey }: Subscription,
): Promise<boolean> {
  const held = heldRows(records);
  // One that is being changed is brought to its VMs by whoever changes it, or by the sweep.
  const settled = policies.filter(({ state }) => state === "settled");
  const healed = await mapLimited(settled, parallelWork, (policy) =>
    guarded(ports.log, `the places of ${policy.id}`, () =>
      healPlaces(ports, policy, held.get(idKey(policy.id)) ?? new Map(), (vmId) =>
        survey.machines.get(idKey(vmId)),
      ),
    ),
  );
  return healed.includes(true);
}

/** Lets windows follow VMs that are not where the windows stand; tells whether there were any. */
async function healWindows(
  ports: WindowPorts,
  { records, isHere, survey: { machines } }: Subscription,
): Promise<boolean> {
  const standing = standingWindows(records, ports.clock.now()).filter(({ vmId }) => isHere(vmId));
  const healed = await mapLimited(standing, parallelWork, (windows) =>
    guarded(ports.log, `the windows of ${windows.vmId}`, async () => {
      if (await takeOffEnded(ports, windows)) {
        return true;
      }
      if (standsWhere(windows, machines.get(idKey(windows.vmId)))) {
        return false;
      }
      const machine = await ports.network.findMachine(windows.vmId);
      if (!standsWhere(windows, machine)) {
        await followMachine(ports, windows, machine);
      }
      return true;
    }),
  );
  return healed.includes(true);
}

/** Settles every gate that is not as it should be, and lets go of those of which nothing is wanted or left. */
async function healRules(
  ports: WindowPorts,
  { records: all, isHere, survey: { gates } }: Subscription,
): Promise<void> {
  const records = all.filter(({ gateId }) => isHere(gateId));
  const known = new Set(records.map(({ gateId }) => idKey(gateId)));
  const strangers = [...gates]
    .filter(([key]) => !known.has(key))
    .map(([, { gate }]) => unknownGate(gate.id));
  await mapLimited([...records, ...strangers], parallelWork, (record) =>
    guarded(ports.log, `healing ${record.gateId}`, async () => {
      const reading = gates.get(idKey(record.gateId));
      if (!stands(ports, record, reading)) {
        await ports.settle(record.gateId, anew);
      } else if (known.has(idKey(record.gateId)) && isIdle(ports, record, reading)) {
        await ports.gates.forget(record.gateId);
      }
    }),
  );
}

/** Whether the gate is, and tells, what a settle would make of it now. */
function stands(
  { clock, owner }: WindowPorts,
  record: GateRecord,
  reading: GateReading | undefined,
): boolean {
  if (reading === undefined) {
    // One that is gone has nothing to hold; its settlement has told so once.
    return record.findings.some((finding) => finding.code === "GateNotFound");
  }
  if (record.isInterrupted === true || record.operation !== undefined) {
    // What the last writer did has never been proven.
    return false;
  }
  const seen = withStrangers(record, reading.gate, owner);
  const plan = planFor(record, seen, new Date(clock.now().getTime() + leadOf(record)), owner);
  const tells = (wanted: unknown, told: unknown) =>
    JSON.stringify(wanted) === JSON.stringify(told) || isDeepStrictEqual(asTold(wanted), told);
  return (
    plan.changes.length === 0 &&
    (record.desiredRevision === 0 ||
      (tells(plan.results, record.results) &&
        tells(plan.findings, record.findings) &&
        tells(exposedBy(plan), record.exposed ?? [])))
  );
}

/** As storage tells it: a member that is undefined is not there. */
const asTold = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** Whether nothing is wanted of the gate, and no rule of ours is left on it. */
function isIdle(
  { owner }: WindowPorts,
  { intent }: GateRecord,
  reading: GateReading | undefined,
): boolean {
  const isWanted = intent.denies.length + intent.windows.length > 0;
  const rules: readonly GateRule[] = reading?.gate.rules ?? [];
  return !(isWanted || rules.some((rule) => isOwned(rule, owner)));
}

/** A gate of which storage knows nothing. */
function unknownGate(gateId: string): GateRecord {
  const intent = { denies: [], windows: [] };
  return { gateId, intent, desiredRevision: 0, appliedRevision: 0, results: {}, findings: [] };
}
