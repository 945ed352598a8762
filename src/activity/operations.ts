import type { FactOutcome, Operation } from "./fact.ts";

/** A record rather than a list: the compiler sees to it that none is missing. */
const known: Readonly<Record<Operation, true>> = {
  "policy.write": true,
  "policy.delete": true,
  "policy.accessRules": true,
  "access.initiate": true,
  "access.approve": true,
  "access.deny": true,
  "access.expire": true,
  "access.escalate": true,
  "access.revoke": true,
  "access.extend": true,
  "access.rebind": true,
  "access.review": true,
  "access.open": true,
  "access.close": true,
  "gate.repair": true,
  "gate.clean": true,
  "gate.write": true,
  "exposure.begin": true,
  "exposure.end": true,
  "service.signIn": true,
  "service.configuration": true,
  "activity.drop": true,
};

/** Every operation that a fact can tell of. */
export const operations = Object.keys(known) as readonly Operation[];

/** How a fact can stand. */
export const factOutcomes: readonly FactOutcome[] = ["asked", "done", "failed", "refused"];

/** The operations that a word names: one by its name, or all of a kind as `access.*`. None where there is no such. */
export function operationsNamed(word: string): readonly Operation[] {
  const kind = word.endsWith(".*") ? word.slice(0, -1) : undefined;
  return operations.filter((one) => (kind === undefined ? one === word : one.startsWith(kind)));
}
