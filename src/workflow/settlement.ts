import { isExposure } from "../activity/exposure.ts";
import type { GateRecord, Ids, Settlement } from "../ports.ts";
import type { Finding, Reason } from "../reasons.ts";
import { denyDrafts } from "../rules/desired-rules.ts";
import { type Gate, type GateRule, gateRuleText, isFirewall } from "../rules/gate.ts";
import type { GateIntent, Owner } from "../rules/intent.ts";
import { judgedFirewallPlan, judgedPlan } from "../rules/judged-plan.ts";
import type { GatePlan } from "../rules/nsg-plan.ts";
import { planOverdue } from "../rules/overdue.ts";
import { isOwned } from "../rules/owned.ts";
import { vmsOfRecord } from "../rules/rule-vms.ts";
import type { GateProof } from "../rules/writing.ts";

/**
 * NB. Of a gate nobody has ever wanted anything of, rules of ours may stand all the same: storage was lost, or the gate was
 * moved. Then only what is over by its own description goes; the rest stays until a policy speaks about it.
 */
export function planFor(
  record: GateRecord,
  gate: Gate,
  now: Date,
  owner: Owner,
): GatePlan<GateRule> {
  return record.desiredRevision > 0
    ? planOf(gate, record.intent, now, owner)
    : planOverdue(gate, now, owner);
}

/** The plan of a gate of either kind. */
export function planOf(
  gate: Gate,
  intent: GateIntent,
  now: Date,
  owner: Owner,
): GatePlan<GateRule> {
  return isFirewall(gate)
    ? judgedFirewallPlan(gate, intent, now, owner)
    : judgedPlan(gate, intent, now, owner);
}

/**
 * The gate with strangers set apart: deny rules of ours that this gate's record neither wants nor has ever proven. They may be
 * those of a policy that has not noticed yet that the group was moved, or of one that lost storage knew. NB. To take a deny
 * rule away opens a port: without proof that it was this storage's to write, it is left alone like a customer's. Here it bears
 * another name, so that no plan touches it. `written` are names of rules that whoever asks has put there, proven or not.
 */
export function withStrangers(
  { intent, proven = [] }: Pick<GateRecord, "intent" | "proven">,
  gate: Gate,
  owner: Owner,
  written: readonly string[] = [],
): Gate {
  const wanted = denyDrafts(intent, owner).map(({ rule }) => rule);
  const known = new Set(
    [...[...wanted, ...proven].map(({ name }) => name), ...written].map((name) =>
      name.toLowerCase(),
    ),
  );
  const apart = <Rule extends GateRule>(rule: Rule): Rule =>
    isOwned(rule, owner) && rule.access === "Deny" && !known.has(rule.name.toLowerCase())
      ? { ...rule, name: `stranger-${rule.name}` }
      : rule;
  return isFirewall(gate)
    ? { ...gate, rules: gate.rules.map(apart) }
    : { ...gate, rules: gate.rules.map(apart) };
}

/** What a reading proves whose plan is empty. */
export function provenBy(
  { owner, ids }: { readonly owner: Owner; readonly ids: Ids },
  taken: GateRecord,
  { gate, proof }: { readonly gate: Gate; readonly proof: GateProof },
  { results, findings, expired, exposed }: GatePlan<GateRule>,
): Settlement {
  const rules: readonly GateRule[] = gate.rules;
  const vmIdOf = vmsOfRecord(owner, taken);
  const proven = rules
    .filter((rule) => isOwned(rule, owner))
    .map((rule) => {
      const vmId = vmIdOf(rule.name, rule);
      const known = vmId === undefined ? {} : { vmId };
      return { name: rule.name, print: printOf(ids, rule), ...known };
    });
  return {
    revision: taken.desiredRevision,
    results,
    findings,
    expired,
    proven,
    proof,
    exposed: exposedBy({ findings, exposed }),
  };
}

/** What a plan tells to keep protected ports open outside any window. */
export const exposedBy = ({
  findings,
  exposed,
}: Pick<GatePlan<GateRule>, "findings" | "exposed">): readonly Finding[] =>
  exposed ?? findings.filter(isExposure);

/** A fingerprint of everything a rule says. */
export const printOf = (ids: Ids, rule: GateRule): string =>
  ids.digest(gateRuleText(rule)).slice(0, 16);

/** The record as the settlement leaves it. */
export function settledRecord(taken: GateRecord, settlement: Settlement): GateRecord {
  const { revision: appliedRevision, results, findings, proven, proof, exposed } = settlement;
  const windows = taken.intent.windows.filter(
    (window) => !settlement.expired.includes(window.windowId),
  );
  return {
    ...taken,
    intent: { ...taken.intent, windows },
    appliedRevision,
    results,
    findings,
    proven,
    proof,
    exposed,
    writing: undefined,
    lease: undefined,
  };
}

/** Nothing can be open or closed on a gate that is gone. */
export function goneSettlement(taken: GateRecord, now: Date): Settlement {
  const reason: Reason = {
    code: "GateNotFound",
    message: `'${taken.gateId}' does not exist any more.`,
    target: taken.gateId,
  };
  return {
    revision: taken.desiredRevision,
    results: Object.fromEntries(
      taken.intent.windows.map((window) => [
        window.windowId,
        { state: "failed", reasons: [reason] } as const,
      ]),
    ),
    findings: [reason],
    expired: taken.intent.windows
      .filter((window) => Date.parse(window.closesAt) <= now.getTime())
      .map((window) => window.windowId),
    proven: [],
    proof: { readAt: now.toISOString() },
  };
}
