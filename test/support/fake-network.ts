import { idKey, resourceName, subscriptionOf } from "../../src/policy/resource-id.ts";
import type { GateReading, Machine, Network, WriteOutcome } from "../../src/ports.ts";
import { isGroupChange } from "../../src/rules/changed-gate.ts";
import { type GateRule, isFirewall } from "../../src/rules/gate.ts";
import { nsgLimits, type SecurityRule } from "../../src/rules/nsg.ts";
import { type RuleChange, removalsOf } from "../../src/rules/nsg-plan.ts";
import {
  createFakeFirewalls,
  type FakeFirewallOptions,
  type FakeFirewalls,
} from "./fake-firewalls.ts";

/** One call of `write`, as it was asked for and as it ended. */
export interface FakeWrite {
  readonly gateId: string;
  readonly changes: readonly RuleChange<GateRule>[];
  /** Absent while it runs, and when it was thrown out of. */
  outcome?: WriteOutcome;
}

/** What a coming write does instead. `takesEffect`: Azure carried it out all the same, only the answer was lost. */
export interface FakeFault {
  readonly result: WriteOutcome | Error;
  readonly takesEffect?: boolean;
}

/**
 * A network of values in memory. NSGs behave as Azure's: conflicts, limits, etags, and later writes that cancel earlier ones.
 * So do firewalls: see there.
 */
export interface FakeNetwork extends Network, FakeFirewalls {
  addMachine(machine: Machine): void;
  removeMachine(vmId: string): void;
  /** Creates the NSG, or replaces all its rules. */
  addGate(gateId: string, rules?: readonly SecurityRule[]): void;
  removeGate(gateId: string): void;
  rules(gateId: string): readonly SecurityRule[];
  /** A gate as it is, without anybody having read it. */
  peek(gateId: string): GateReading | undefined;
  /** What a customer does behind our back. */
  edit(gateId: string, change: (rules: readonly SecurityRule[]) => readonly SecurityRule[]): void;
  /** The next writes, of whatever gate, end like this; one each. */
  failWrites(...faults: readonly FakeFault[]): void;
  /** The next reads of a gate throw; one each. */
  failReads(...errors: readonly Error[]): void;
  /** Writes that begin from now on do not end before the function given back is called. */
  holdWrites(): () => void;
  /** Oldest first. */
  readonly writes: readonly FakeWrite[];
  /** Gates in the order in which they were read. */
  readonly reads: readonly string[];
  addPublicAddress(id: string, address: string): void;
  /** Subscriptions in the order in which they were surveyed. */
  readonly surveys: readonly string[];
}

interface Gate {
  readonly id: string;
  rules: readonly SecurityRule[];
  revision: number;
  /** The write that runs; a later one takes its place. */
  running: FakeWrite | undefined;
}

/** A write of a network security group. */
type GroupWrite = FakeWrite & { readonly changes: readonly RuleChange[] };

const written: WriteOutcome = { outcome: "written" };
const changed = (detail: string): WriteOutcome => ({
  outcome: "changed",
  detail,
  retryAfterMs: 1_000,
});

export function createFakeNetwork(options: FakeFirewallOptions = {}): FakeNetwork {
  const machines = new Map<string, Machine>();
  const gates = new Map<string, Gate>();
  const writes: FakeWrite[] = [];
  const reads: string[] = [];
  const subscriptions = new Set<string>();
  const surveys: string[] = [];
  const publicAddresses = new Map<string, string>();
  const faults: FakeFault[] = [];
  const readErrors: Error[] = [];
  let held: Promise<void> = Promise.resolve();

  /** A subscription stays when the last thing in it is gone. */
  function keyOf(id: string): string {
    const key = idKey(id);
    subscriptions.add(subscriptionOf(key) ?? "");
    return key;
  }

  const firewalls = createFakeFirewalls(options, keyOf);

  function gateOf(gateId: string): Gate {
    const gate = gates.get(idKey(gateId));
    if (gate === undefined) {
      throw new Error(`The test knows no gate ${gateId}.`);
    }
    return gate;
  }

  /** Brings the changes into effect, or says why not. Rules are there as soon as Azure has taken a write up. */
  function takeUp(gate: Gate, changes: readonly RuleChange[]): WriteOutcome {
    const rules = applied(gate.rules, changes);
    const fault = faultOf(gate.id, rules);
    if (fault === undefined) {
      gate.rules = rules;
      gate.revision += 1;
    }
    return fault ?? written;
  }

  /** One write as Azure sees it: taken up, running, in effect unless a later one came in between. */
  async function carryOut(
    gate: Gate,
    write: FakeWrite,
    changes: readonly RuleChange[],
  ): Promise<WriteOutcome> {
    const outcome = takeUp(gate, changes);
    if (outcome.outcome !== "written") {
      return outcome;
    }
    gate.running = write;
    await held;
    if (gate.running !== write) {
      return changed("CanceledAndSupersededDueToAnotherOperation");
    }
    gate.running = undefined;
    return written;
  }

  async function write(entry: GroupWrite, etag: string): Promise<WriteOutcome> {
    const fault = faults.shift();
    const gate = gates.get(idKey(entry.gateId));
    if (fault !== undefined) {
      if (fault.takesEffect === true && gate !== undefined) {
        takeUp(gate, entry.changes);
      }
      return resultOf(fault);
    }
    if (gate === undefined) {
      return gone(entry.gateId);
    }
    return await writeTo(gate, entry, etag);
  }

  /** Rule by rule, or as one conditional write; of one that is refused, what only goes is taken away all the same. */
  async function writeTo(gate: Gate, entry: GroupWrite, etag: string): Promise<WriteOutcome> {
    const { changes } = entry;
    if (changes.length <= 1) {
      return await oneByOne(gate, entry, changes);
    }
    if (etag !== etagOf(gate)) {
      return changed("PreconditionFailedEtagMismatch");
    }
    const removals = removalsOf({ id: gate.id, rules: gate.rules }, changes);
    const whole = await carryOut(gate, entry, changes);
    const removed = whole.outcome === "refused" ? await oneByOne(gate, entry, removals) : whole;
    return removed.outcome === "changed" ? removed : whole;
  }

  async function oneByOne(
    gate: Gate,
    entry: FakeWrite,
    changes: readonly RuleChange[],
  ): Promise<WriteOutcome> {
    for (const change of changes) {
      const outcome = await carryOut(gate, entry, [change]);
      if (outcome.outcome !== "written") {
        return outcome;
      }
    }
    return written;
  }

  /** The part of the estate that lies in a subscription. */
  const partIn = <T>(subscriptionId: string, all: ReadonlyMap<string, T>) =>
    [...all].filter(([key]) => subscriptionOf(key) === subscriptionId.toLowerCase());

  /** A fault that waits for the next write comes to a firewall's, too. */
  async function writeFirewall(
    reading: GateReading,
    changes: readonly RuleChange<GateRule>[],
  ): Promise<WriteOutcome> {
    const fault = faults.shift();
    if (fault === undefined) {
      return firewalls.write(reading, changes);
    }
    if (fault.takesEffect === true) {
      firewalls.write(reading, changes);
    }
    return resultOf(fault);
  }

  return {
    ...firewalls.steps,
    writes,
    reads,
    surveys,
    addPublicAddress: (id, address) => void publicAddresses.set(idKey(id), address),
    addMachine: (machine) => void machines.set(keyOf(machine.id), machine),
    removeMachine: (vmId) => void machines.delete(idKey(vmId)),
    addGate: (gateId, rules = []) =>
      void gates.set(keyOf(gateId), { id: gateId, rules, revision: 1, running: undefined }),
    removeGate(gateId) {
      gates.delete(idKey(gateId));
      firewalls.remove(gateId);
    },
    rules: (gateId) => gateOf(gateId).rules,
    peek(gateId) {
      const gate = gates.get(idKey(gateId));
      return gate === undefined ? firewalls.read(gateId) : readingOf(gate);
    },
    edit(gateId, change) {
      const gate = gateOf(gateId);
      gate.rules = change(gate.rules);
      gate.revision += 1;
    },
    failWrites: (...coming) => void faults.push(...coming),
    failReads: (...coming) => void readErrors.push(...coming),
    holdWrites() {
      let release: () => void = () => undefined;
      held = new Promise((resolve) => {
        release = resolve;
      });
      return () => release();
    },

    subscriptions: async () => [...subscriptions],
    async survey(subscriptionId) {
      surveys.push(subscriptionId);
      const held = {
        machines: new Map(partIn(subscriptionId, machines)),
        gates: new Map([
          ...partIn(subscriptionId, gates).map(([key, gate]) => [key, readingOf(gate)] as const),
          ...partIn(subscriptionId, new Map(firewalls.readings())),
        ]),
      };
      return subscriptions.has(subscriptionId.toLowerCase()) ? held : undefined;
    },
    findMachine: async (vmId) => machines.get(idKey(vmId)),
    publicAddress: async (publicIpId) => publicAddresses.get(idKey(publicIpId)),
    async readGate(gateId) {
      reads.push(gateId);
      const error = readErrors.shift();
      if (error !== undefined) {
        throw error;
      }
      const gate = gates.get(idKey(gateId));
      return gate === undefined ? firewalls.read(gateId) : readingOf(gate);
    },
    async write(reading, changes) {
      const { gate, etag } = reading;
      const entry: FakeWrite = { gateId: gate.id, changes };
      writes.push(entry);
      entry.outcome = await (isFirewall(gate)
        ? writeFirewall(reading, changes)
        : write({ gateId: gate.id, changes: changes.filter(isGroupChange) }, etag));
      return entry.outcome;
    },
    progress: async (gateId, operation) => firewalls.progress(gateId, operation),
  };
}

function readingOf(gate: Gate): GateReading {
  const group = { id: gate.id, rules: gate.rules };
  return { gate: group, etag: etagOf(gate), isUpdating: gate.running !== undefined, raw: group };
}

const etagOf = (gate: Gate): string => `W/"${gate.revision}"`;

function applied(
  rules: readonly SecurityRule[],
  changes: readonly RuleChange[],
): readonly SecurityRule[] {
  const byName = new Map(rules.map((rule) => [rule.name.toLowerCase(), rule]));
  for (const change of changes) {
    if (change.kind === "put") {
      byName.set(change.rule.name.toLowerCase(), change.rule);
    } else {
      byName.delete(change.name.toLowerCase());
    }
  }
  return [...byName.values()];
}

function faultOf(gateId: string, rules: readonly SecurityRule[]): WriteOutcome | undefined {
  const places = new Set(rules.map((rule) => `${rule.direction} ${rule.priority}`));
  if (places.size < rules.length) {
    return changed("SecurityRuleConflict");
  }
  return rules.length > nsgLimits.rules
    ? refusal("GateFull", gateId, "SecurityRuleCountLimitReached")
    : undefined;
}

const gone = (gateId: string): WriteOutcome => refusal("GateNotFound", gateId, "ResourceNotFound");

function refusal(code: "GateFull" | "GateNotFound", gateId: string, azure: string): WriteOutcome {
  const message = `Azure refuses the write to '${resourceName(gateId)}': ${azure}`;
  return { outcome: "refused", reason: { code, message, target: gateId } };
}

function resultOf(fault: FakeFault): WriteOutcome {
  if (fault.result instanceof Error) {
    throw fault.result;
  }
  return fault.result;
}
