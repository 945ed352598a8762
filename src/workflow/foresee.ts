import { idKey } from "../policy/resource-id.ts";
import type { Clock, GateReading, GateStore, IntentChange, Network } from "../ports.ts";
import { changedGate } from "../rules/changed-gate.ts";
import { changedIntent } from "../rules/changed-intent.ts";
import type { Gate, GateRule } from "../rules/gate.ts";
import type { Owner } from "../rules/intent.ts";
import type { GatePlan } from "../rules/nsg-plan.ts";
import { vmsOfRules } from "../rules/rule-vms.ts";
import { expectedEnd, leadOf } from "../rules/update-time.ts";
import { planOf, withStrangers } from "./settlement.ts";

export interface ForeseePorts {
  readonly clock: Clock;
  readonly gates: GateStore;
  readonly network: Network;
  readonly owner: Owner;
}

/** What a change of intent would make of a gate, and what stands there now. */
export interface Foreseen {
  readonly gateId: string;
  readonly before: Gate;
  readonly after: Gate;
  readonly plan: GatePlan<GateRule>;
  /** How long before its end a window has to be taken off the gate, in milliseconds. */
  readonly leadMs: number;
  /** When the change would probably be in effect, in milliseconds since 1970; of firewalls only. */
  readonly expectedAt: number | undefined;
  /** The VM that a rule of ours is there for, or would be; nothing of one that is there for nobody. */
  readonly vmOf: (ruleName: string) => string | undefined;
}

/** Tells what a change would do; nothing when the gate does not exist. Changes nothing. */
export type Foresee = (gateId: string, change: IntentChange) => Promise<Foreseen | undefined>;

/**
 * Builds a {@link Foresee}. Those who ask for the same gate while it is being read share the reading: a hundred requests at
 * once on one gate are not a hundred reads of it.
 */
export function createForesee({ clock, gates, network, owner }: ForeseePorts): Foresee {
  const reading = new Map<string, Promise<GateReading | undefined>>();

  const read = (gateId: string) => {
    const key = idKey(gateId);
    const shared = reading.get(key) ?? network.readGate(gateId).finally(() => reading.delete(key));
    reading.set(key, shared);
    return shared;
  };

  return async (gateId, change) => {
    const [record, found] = await Promise.all([gates.read(gateId), read(gateId)]);
    if (found === undefined) {
      return undefined;
    }
    const intent = changedIntent(record.intent, change);
    // As a settlement would see it: what is a stranger to it stays.
    const seen = withStrangers({ ...record, intent }, found.gate, owner);
    const leadMs = leadOf(record);
    const plan = planOf(seen, intent, new Date(clock.now().getTime() + leadMs), owner);
    const after = changedGate(found.gate, plan.changes);
    const vmOf = vmsOfRules(owner, record.intent, intent);
    const asked = { ...record, desiredRevision: record.desiredRevision + 1 };
    const expectedAt = leadMs === 0 ? undefined : expectedEnd(asked, clock.now());
    return { gateId, before: found.gate, after, plan, leadMs, expectedAt, vmOf };
  };
}
