import { idKey, subscriptionOf } from "../policy/resource-id.ts";
import type { Digest } from "../ports.ts";
import type { Finding, ReasonCode } from "../reasons.ts";
import type { GateProof } from "../rules/writing.ts";
import { type Fact, factVersion } from "./fact.ts";
import { allClipped, type Span, totalOf, union } from "./spans.ts";

/** Findings that say of a protected port that it can be reached outside any window. */
const exposing: readonly ReasonCode[] = [
  "ExposedByCustomerRule",
  "UnprotectedPath",
  "FirewallOnly",
];

/** Whether a finding says that a protected port of a VM can be reached outside any window. */
export const isExposure = ({ code, vmId }: Finding): boolean =>
  vmId !== undefined && exposing.includes(code);

/** Where exposures were found: on a gate, or among the ways to a policy's VMs. */
export type FoundOn =
  | { readonly gateId: string; readonly proof?: GateProof | undefined }
  | { readonly policyId: string };

/** What was known before and is known now. */
export interface ExposureChange {
  readonly on: FoundOn;
  readonly before: readonly Finding[];
  readonly after: readonly Finding[];
  /** Names the state that `before` is of: the same state and change is the same fact, however often it is told. */
  readonly since: string;
  readonly at: Date;
  /** The VM's protected ports, as far as they are known. */
  readonly portsOf: (vmId: string) => readonly number[];
  readonly digest: Digest;
}

/** The facts of exposures that began or ended: one for each VM and finding. */
export function exposureFacts(change: ExposureChange): readonly Fact[] {
  const { before, after } = change;
  return [
    ...without(after, before).map((finding) => exposureFact("exposure.begin", finding, change)),
    ...without(before, after).map((finding) => exposureFact("exposure.end", finding, change)),
  ];
}

function without(all: readonly Finding[], others: readonly Finding[]): readonly Finding[] {
  const known = new Set(others.filter(isExposure).map(textOf));
  const found = new Map(all.filter(isExposure).map((finding) => [textOf(finding), finding]));
  return [...found].flatMap(([text, finding]) => (known.has(text) ? [] : [finding]));
}

const textOf = ({ vmId = "", code, target, message }: Finding): string =>
  JSON.stringify([idKey(vmId), code, target, message]);

function exposureFact(
  operation: "exposure.begin" | "exposure.end",
  finding: Finding,
  { on, since, at, portsOf, digest }: ExposureChange,
): Fact {
  const { vmId = "", ...reason } = finding;
  const where = "gateId" in on ? on.gateId : on.policyId;
  const name = digest(JSON.stringify([idKey(where), textOf(finding), since])).slice(0, 32);
  const [port, ...others] = portsOf(vmId);
  return {
    version: factVersion,
    id: `${operation}.${name}`,
    at: at.toISOString(),
    operation,
    outcome: "done",
    subscriptionId: subscriptionOf(vmId) ?? "",
    vmId,
    ...("gateId" in on
      ? { gates: [{ id: on.gateId, rules: [], ...on.proof }] }
      : { policyId: on.policyId }),
    ...(port === undefined || others.length > 0 ? {} : { port }),
    reasons: [reason],
  };
}

/**
 * For how many milliseconds a VM could be reached outside any window, however many ways there were at once. Takes facts of the VM in any
 * order, others beside. What has not ended lasts on; an end whose beginning is not among them tells that it had lasted since before.
 */
export function exposedTime(facts: readonly Fact[], within: Span): number {
  const about = facts.filter(({ operation }) => operation.startsWith("exposure."));
  const times = [...Map.groupBy(about, exposureOf).values()].flatMap(timesOf);
  return totalOf(union(allClipped(times, within)));
}

/** Which exposure a fact is about: its beginning and its end have this in common. */
function exposureOf({ gates = [], policyId = "", reasons = [] }: Fact): string {
  const [reason] = reasons;
  const where = gates[0]?.id ?? policyId;
  return JSON.stringify([idKey(where), reason?.code, reason?.target, reason?.message]);
}

/** The times of one exposure, by its facts. */
function timesOf(facts: readonly Fact[]): readonly Span[] {
  const times: Span[] = [];
  let since: number | undefined;
  const ordered = facts
    .map(({ at, operation }) => ({ at: Date.parse(at), isEnd: operation === "exposure.end" }))
    .toSorted((one, other) => one.at - other.at);
  for (const [index, { at, isEnd }] of ordered.entries()) {
    if (!isEnd) {
      since ??= at;
    } else if (since !== undefined || index === 0) {
      times.push({ from: since ?? Number.NEGATIVE_INFINITY, to: at });
      since = undefined;
    }
  }
  return since === undefined ? times : [...times, { from: since, to: Number.POSITIVE_INFINITY }];
}
