import type { Fact, FactOutcome, Operation } from "./fact.ts";

/** What a fact may tell beside what every fact tells: id, version, time, operation, outcome, subscription. */
export type FactField = Exclude<
  keyof Fact,
  "id" | "version" | "at" | "operation" | "outcome" | "subscriptionId"
>;

/** What facts of one operation look like. */
export interface FactKind {
  readonly outcomes: readonly FactOutcome[];
  readonly always: readonly FactField[];
  readonly sometimes: readonly FactField[];
  /** Whether it may also be `refused`: then it looks as {@link refusedKind} says. */
  readonly isRefusable?: true;
}

/** A refusal of a known caller, whatever was asked for. */
export const refusedKind = {
  always: ["actor", "reasons"],
  sometimes: ["policyId", "vmId", "requestId", "origin"],
} as const satisfies Pick<FactKind, "always" | "sometimes">;

const ofWindow = {
  always: [
    "policyId",
    "vmId",
    "requestId",
    "windowId",
    "requestor",
    "port",
    "protocol",
    "sources",
    "closesAt",
  ],
  sometimes: ["justification", "breakGlass", "followsRequestId"],
} as const satisfies Pick<FactKind, "always" | "sometimes">;

const change = {
  outcomes: ["asked", "done", "failed"],
  always: ["policyId", "vmId", "actor"],
  sometimes: ["origin", "changes", "gates", "reasons"],
  isRefusable: true,
} as const satisfies FactKind;

const asking = {
  outcomes: ["asked"],
  always: [...ofWindow.always, "actor"],
  sometimes: [...ofWindow.sometimes, "origin", "awaits", "approvedByRule"],
  isRefusable: true,
} as const satisfies FactKind;

const answer = {
  outcomes: ["done"],
  always: [...ofWindow.always, "actor"],
  sometimes: [...ofWindow.sometimes, "origin", "comment"],
  isRefusable: true,
} as const satisfies FactKind;

const byTime = {
  outcomes: ["done"],
  always: ofWindow.always,
  sometimes: [...ofWindow.sometimes, "awaits"],
} as const satisfies FactKind;

const window = {
  outcomes: ["asked", "done", "failed"],
  always: ofWindow.always,
  sometimes: [...ofWindow.sometimes, "gates", "reasons"],
} as const satisfies FactKind;

const repair = {
  outcomes: ["asked", "done", "failed"],
  always: ["reasons"],
  // Of a window that follows its VM it tells the window, too.
  sometimes: [...ofWindow.always, ...ofWindow.sometimes, "gates"],
} as const satisfies FactKind;

const exposure = {
  outcomes: ["done"],
  always: ["vmId"],
  sometimes: ["policyId", "port", "protocol", "sources", "gates", "reasons"],
} as const satisfies FactKind;

/** The catalogue: what facts of each operation tell. docs/activity.md says what they mean; a test compares the two. */
export const factKinds: Readonly<Record<Operation, FactKind>> = {
  "policy.write": change,
  "policy.delete": change,
  "policy.accessRules": {
    outcomes: ["asked", "done"],
    always: ["policyId", "actor", "changes"],
    sometimes: ["origin"],
  },
  "access.initiate": asking,
  "access.extend": asking,
  "access.rebind": asking,
  "access.approve": answer,
  "access.deny": answer,
  // By the service itself where the policy was deleted meanwhile.
  "access.revoke": {
    ...answer,
    always: ofWindow.always,
    sometimes: [...answer.sometimes, "actor"],
  },
  "access.review": answer,
  "access.expire": byTime,
  "access.escalate": byTime,
  "access.open": window,
  "access.close": { ...window, sometimes: [...window.sometimes, "endReason"] },
  "gate.repair": repair,
  "gate.clean": repair,
  "gate.write": {
    outcomes: ["asked", "done", "failed"],
    always: ["gates"],
    sometimes: [...ofWindow.always, ...ofWindow.sometimes, "changes", "reasons"],
  },
  "exposure.begin": exposure,
  "exposure.end": exposure,
  "service.signIn": {
    outcomes: ["refused"],
    always: ["reasons"],
    sometimes: ["origin", "times", "claimed"],
  },
  "service.configuration": {
    outcomes: ["done"],
    always: ["changes"],
    sometimes: [],
  },
  "activity.drop": {
    outcomes: ["asked", "done", "failed"],
    always: [],
    sometimes: ["changes", "reasons"],
  },
};
