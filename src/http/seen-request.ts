import { afterTime } from "../access/approval.ts";
import { circlesOf, namesOf, reviewersOf } from "../access/circles.ts";
import { requestState } from "../access/life.ts";
import { type AccessRequest, isSamePerson } from "../access/request.ts";
import type { Caller } from "../caller/caller.ts";
import { missingRights } from "../caller/permissions.ts";
import { createReader, toWritePolicy } from "../caller/requirements.ts";
import type { AccessRules } from "../policy/access-rules.ts";
import { guidPattern, idKey, subscriptionOf } from "../policy/resource-id.ts";
import type { Clock, Directory, PolicyStore, RequestStore, Rights } from "../ports.ts";
import { isIn } from "../workflow/approvers.ts";
import { type Answer, problemOf } from "./problem.ts";
import { requestJson } from "./request-json.ts";
import type { Call } from "./route.ts";

export interface SeePorts {
  readonly clock: Clock;
  readonly requests: RequestStore;
  readonly policies: PolicyStore;
  readonly rights: Rights;
  readonly directory: Directory;
}

/** A request as far as a caller may see it, with the policy's rules as they are now. */
export interface SeenRequest {
  readonly request: AccessRequest;
  readonly rules: AccessRules | undefined;
  shows(vmKey: string): boolean;
}

/**
 * The request for a caller who may see it: the requestor, whoever may configure or read the policy, or read some of its VMs
 * (and then sees those alone), and whoever may answer or review it. Nothing for everybody else.
 */
export async function seenBy(
  ports: SeePorts,
  caller: Caller,
  stored: AccessRequest,
): Promise<SeenRequest | undefined> {
  const [policy, rights] = await Promise.all([
    ports.policies.get(stored.policyId),
    ports.rights.of(caller, subscriptionOf(stored.policyId) ?? ""),
  ]);
  const rules = policy?.value.accessRules;
  // As the time has left it, though the sweep may not have stored that yet.
  const request = afterTime(stored, rules?.approval, ports.clock.now());
  const mayRead = createReader(rights);
  const configures = missingRights(rights, toWritePolicy(request.policyId), "").length === 0;
  const canRead = (vmId: string) => configures || mayRead(vmId, request.policyId);
  const circles = [
    ...circlesOf(rules?.approval, request),
    ...(request.isBreakGlass === true ? reviewersOf(rules) : []),
  ];
  const seesAll =
    isSamePerson(caller, request.requestor) ||
    request.windows.every(({ vmId }) => canRead(vmId)) ||
    (await isIn(circles, caller, request, ports.directory));
  if (seesAll) {
    return { request, rules, shows: () => true };
  }
  const seen = new Set(
    request.windows.filter(({ vmId }) => canRead(vmId)).map(({ vmId }) => idKey(vmId)),
  );
  return seen.size === 0 ? undefined : { request, rules, shows: (vmKey) => seen.has(vmKey) };
}

/** The request that the path names, or the same answer whether it does not exist or is not the caller's to see. */
export async function namedRequest(
  ports: SeePorts,
  call: Call,
): Promise<SeenRequest | { readonly answer: Answer }> {
  const id = call.params["requestId"] ?? "";
  const request = guidPattern.test(id) ? await ports.requests.get(id.toLowerCase()) : undefined;
  const seen = request && (await seenBy(ports, call.caller, request));
  const message =
    "No such request exists, or you may not see it. Requests are listed at /api/requests.";
  return seen ?? { answer: problemOf("ResourceNotFound", message, "requestId") };
}

/** The request as it is answered to that caller. */
export function seenJson({ request, rules, shows }: SeenRequest) {
  const { approval } = request;
  if (approval === undefined || requestState(request) !== "pending approval") {
    return requestJson(request, shows);
  }
  // What counts is what the policy wants now.
  const needed = rules?.approval?.approvalsNeeded ?? approval.needed;
  const shown = { ...request, approval: { ...approval, needed } };
  return requestJson(shown, shows, namesOf(circlesOf(rules?.approval, request)));
}
