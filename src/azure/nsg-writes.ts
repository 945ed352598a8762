import type { GateReading, WriteOutcome } from "../ports.ts";
import { isGroupChange } from "../rules/changed-gate.ts";
import { type GateRule, isFirewall } from "../rules/gate.ts";
import { type RuleChange, removalsOf } from "../rules/nsg-plan.ts";
import type { ArmRequest, SendToArm } from "./arm-http.ts";
import { type Patience, writeAndWait } from "./arm-write.ts";
import { applyChanges, ruleToJson } from "./nsg-json.ts";
import { resourceUrl, securityGroupKind } from "./resource-kinds.ts";

/** Writes to a network security group, and waits until the changes are in effect. */
export async function writeGroup(
  send: SendToArm,
  reading: GateReading,
  given: readonly RuleChange<GateRule>[],
  patience: Patience,
): Promise<WriteOutcome> {
  const { gate } = reading;
  const changes = given.filter(isGroupChange);
  if (isFirewall(gate) || changes.length < given.length) {
    throw new Error(`'${gate.id}' is no network security group, or the changes are not of one.`);
  }

  async function inTurn(requests: readonly ArmRequest[]): Promise<WriteOutcome> {
    for (const request of requests) {
      // One after the other: Azure cancels a write to an NSG that still runs when the next one arrives.
      const result: WriteOutcome = await writeAndWait(send, request, gate.id, patience);
      if (result.outcome !== "written") {
        return result;
      }
    }
    return { outcome: "written" };
  }

  if (!goesWhole(reading, changes)) {
    return await inTurn(changes.map((change) => requestFor(gate.id, change)));
  }
  const whole = await inTurn([wholeRequest(reading, changes)]);
  if (whole.outcome !== "refused") {
    return whole;
  }
  // NB. What Azure refuses of the rest must not keep open what is to be closed: rules that only go are taken away alone.
  const removals = removalsOf(gate, changes);
  const removed = await inTurn(removals.map((change) => requestFor(gate.id, change)));
  return removed.outcome === "changed" ? removed : whole;
}

/**
 * Several changes are one conditional write of the whole group: one after the other takes Azure its time for each, and a rule
 * that another takes the place of must not be missing in between. NB. Without an etag a whole write could delete what others
 * added meanwhile; rule by rule it cannot.
 */
const goesWhole = (reading: GateReading, changes: readonly RuleChange[]): boolean =>
  reading.etag !== "" && changes.length > 1;

const groupUrl = (gateId: string, below?: string): string =>
  resourceUrl(gateId, securityGroupKind, below);

function wholeRequest(reading: GateReading, changes: readonly RuleChange[]): ArmRequest {
  const body = JSON.stringify(applyChanges(reading.raw, changes));
  return { method: "PUT", url: groupUrl(reading.gate.id), body, ifMatch: reading.etag };
}

function requestFor(gateId: string, change: RuleChange): ArmRequest {
  if (change.kind === "delete") {
    return { method: "DELETE", url: groupUrl(gateId, `securityRules/${change.name}`) };
  }
  const body = JSON.stringify(ruleToJson(change.rule));
  return { method: "PUT", url: groupUrl(gateId, `securityRules/${change.rule.name}`), body };
}
