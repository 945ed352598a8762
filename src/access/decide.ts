import { durationSeconds } from "../policy/duration.ts";
import {
  allowedSources,
  type Policy,
  type PolicyVirtualMachine,
  type PortRule,
} from "../policy/policy.ts";
import { idKey, resourceName } from "../policy/resource-id.ts";
import {
  bounded,
  firstFew,
  type Outcome,
  ok,
  quote,
  type Reason,
  refused,
  refusedFor,
} from "../reasons.ts";
import { coverOf } from "../rules/cidr.ts";
import type { InitiateContent, InitiatePort } from "./initiate.ts";
import type { AccessRequest, Requestor, Window } from "./request.ts";

/** How far a client's clock may run ahead before its end time counts as too late. The window itself is cut to the policy's length. */
const clockToleranceSeconds = 60;

/** How many ports or sources a reason names; it says how many more there are. */
const namedAtMost = 5;

/** A longer id would leave no room for what is wrong. */
const longestPolicyId = 220;

/** What a decision needs besides policy and body. */
export interface Circumstances {
  readonly requestId: string;
  readonly requestor: Requestor;
  /** The address the call came from: the source where the body names none. Absent when it cannot be told. */
  readonly callerAddress?: string | undefined;
  readonly now: Date;
}

/**
 * Whether what is asked lies within the policy: every VM, port, source and time. Answers the request with its windows
 * in state `opening`, or every reason why not. Decides nothing about rights.
 */
export function decide(
  policy: Policy,
  content: InitiateContent,
  circumstances: Circumstances,
): Outcome<AccessRequest> {
  const protectedVms = new Map(policy.virtualMachines.map((vm) => [idKey(vm.id), vm]));
  const decisions = content.virtualMachines.flatMap((asked, vmIndex) => {
    const vm = protectedVms.get(idKey(asked.id));
    return vm === undefined
      ? [notProtected(policy, asked.id, vmIndex)]
      : asked.ports.map((port, portIndex) => {
          const target = `virtualMachines[${vmIndex}].ports[${portIndex}]`;
          return decidePort(policy, { vm, vmIndex, port, target }, circumstances);
        });
  });
  const reasons = decisions.flatMap((decision) =>
    decision.outcome === "refused" ? decision.reasons : [],
  );
  if (reasons.length > 0) {
    return refusedFor(reasons);
  }
  return ok({
    id: circumstances.requestId,
    policyId: policy.id,
    requestor: circumstances.requestor,
    ...(content.justification === undefined ? {} : { justification: content.justification }),
    ...(content.breakGlass === true ? { isBreakGlass: true } : {}),
    createdAt: circumstances.now.toISOString(),
    windows: decisions.flatMap((decision) => (decision.outcome === "ok" ? [decision.value] : [])),
  });
}

/**
 * Whether a window that was allowed earlier still lies within its policy, for as long as it has still to go: an earlier
 * "allowed" is no permission.
 */
export function stillAllowed(
  policy: Policy | undefined,
  window: Window,
  now: Date,
): readonly Reason[] {
  if (policy === undefined || policy.state === "deleting") {
    const message = "The policy was deleted before the port could be opened.";
    return [{ code: "PolicyNotFound", message, target: window.vmId }];
  }
  const vm = policy.virtualMachines.find((candidate) => idKey(candidate.id) === idKey(window.vmId));
  const rule = vm?.ports.find((candidate) => candidate.number === window.port);
  const isCovered =
    rule !== undefined &&
    rule.protocol === window.protocol &&
    window.sources.every(coverOf(allowedSources(rule))) &&
    secondsToGo(window, now) <=
      (durationSeconds(rule.maxRequestAccessDuration) ?? 0) + clockToleranceSeconds;
  const why = `it was changed before port ${window.port} of '${resourceName(window.vmId)}' could be opened, and does not allow this any more`;
  return isCovered ? [] : bounded([outside(policy, window.vmId, why)]);
}

function secondsToGo({ durationSeconds: length, openedAt, closesAt }: Window, now: Date): number {
  return length !== undefined && openedAt === undefined
    ? length
    : (Date.parse(closesAt) - now.getTime()) / 1_000;
}

interface Asked {
  readonly vm: PolicyVirtualMachine;
  readonly vmIndex: number;
  readonly port: InitiatePort;
  readonly target: string;
}

function notProtected(policy: Policy, vmId: string, vmIndex: number): Outcome<Window> {
  const why = `it does not protect the virtual machine ${quote(resourceName(vmId))}`;
  return refused(outside(policy, `virtualMachines[${vmIndex}].id`, why));
}

function decidePort(policy: Policy, asked: Asked, circumstances: Circumstances): Outcome<Window> {
  const { vm } = asked;
  const rule = vm.ports.find((candidate) => candidate.number === asked.port.number);
  if (rule === undefined) {
    const ports = firstFew(
      vm.ports.map((candidate) => candidate.number),
      namedAtMost,
    );
    return refused(
      outside(
        policy,
        `${asked.target}.number`,
        `port ${asked.port.number} is not among its ports for this virtual machine (${ports})`,
      ),
    );
  }
  const sources = asked.port.sources.length > 0 ? asked.port.sources : ownAddress(circumstances);
  const end = endOf(asked.port, rule, circumstances.now);
  const reasons = [
    ...sourceFaults(policy, rule, sources, asked),
    ...endFaults(policy, rule, end, asked),
  ];
  if (reasons.length > 0) {
    return refused(...reasons);
  }
  return ok({
    id: `${circumstances.requestId}-${asked.vmIndex}-${asked.port.number}`,
    vmId: vm.id,
    port: rule.number,
    protocol: rule.protocol,
    sources,
    closesAt: new Date(Math.min(end.asked, end.latest)).toISOString(),
    ...(asked.port.durationSeconds === undefined
      ? {}
      : { durationSeconds: (Math.min(end.asked, end.latest) - end.now) / 1_000 }),
    state: "opening",
  });
}

function ownAddress({ callerAddress }: Circumstances): readonly string[] {
  return callerAddress === undefined ? [] : [callerAddress];
}

function sourceFaults(
  policy: Policy,
  rule: PortRule,
  sources: readonly string[],
  asked: Asked,
): readonly Reason[] {
  const target = `${asked.target}.allowedSourceAddressPrefix`;
  if (sources.length === 0) {
    const message =
      "The address this call came from cannot be told; name the source in allowedSourceAddressPrefix.";
    return [{ code: "InvalidInitiateInput", message, target }];
  }
  const allowed = allowedSources(rule);
  const isCovered = coverOf(allowed);
  const strangers = sources.filter((source) => !isCovered(source));
  if (strangers.length === 0) {
    return [];
  }
  const why = `not within its allowed sources for port ${rule.number}: ${firstFew(strangers, namedAtMost)} (allowed: ${firstFew(allowed, namedAtMost)})`;
  return [outside(policy, target, why)];
}

interface End {
  readonly asked: number;
  readonly latest: number;
  readonly now: number;
}

function endOf(port: InitiatePort, rule: PortRule, now: Date): End {
  const longest = (durationSeconds(rule.maxRequestAccessDuration) ?? 0) * 1_000;
  const asked = port.endsAt?.getTime() ?? now.getTime() + (port.durationSeconds ?? 0) * 1_000;
  return { asked, latest: now.getTime() + longest, now: now.getTime() };
}

function endFaults(policy: Policy, rule: PortRule, end: End, asked: Asked): readonly Reason[] {
  const field = asked.port.endsAt === undefined ? "duration" : "endTimeUtc";
  const target = `${asked.target}.${field}`;
  if (!(end.asked > end.now)) {
    const message = `The end ${new Date(end.asked).toISOString()} is not in the future (it is ${new Date(end.now).toISOString()} here).`;
    return [{ code: "InvalidInitiateInput", message, target }];
  }
  if (end.asked > end.latest + clockToleranceSeconds * 1_000) {
    return [
      outside(
        policy,
        target,
        `port ${rule.number} may be open for ${rule.maxRequestAccessDuration} at most, until ${new Date(end.latest).toISOString()} if asked for now`,
      ),
    ];
  }
  return [];
}

function outside(policy: Policy, target: string, why: string): Reason {
  return {
    code: "RequestNotSubsetOfPolicy",
    // The first two sentences are those of the service this API comes from; scripts look for them.
    message: `The given access request is not a subset of policy ${quote(policy.id, longestPolicyId)}. Please make sure that the access request is within the allowed policy properties. Here: ${why}.`,
    target,
  };
}
