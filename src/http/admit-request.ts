import { awaitedApproval, pendingFor } from "../access/approval.ts";
import { autoApprovalOf, groupsAsked } from "../access/auto-approval.ts";
import { isBreakGlassPerson, notInEmergency } from "../access/break-glass.ts";
import { decide } from "../access/decide.ts";
import { type InitiateContent, parseInitiate } from "../access/initiate.ts";
import type { AccessRequest } from "../access/request.ts";
import { requestRuleFaults } from "../access/request-rules.ts";
import { missingRights } from "../caller/permissions.ts";
import { toRequest } from "../caller/requirements.ts";
import { durationSeconds } from "../policy/duration.ts";
import type { Policy } from "../policy/policy.ts";
import type { Clock, Directory, PolicyStore, Rights } from "../ports.ts";
import { type Outcome, ok, type Reason, refused, refusedFor } from "../reasons.ts";
import { disabled } from "../workflow/decide-again.ts";
import { namedVms } from "./named-vms.ts";
import { type PolicyAddress, policyAddress } from "./policy-address.ts";
import { type Answer, problem, problemOf } from "./problem.ts";
import { type Call, requestorOf } from "./route.ts";

export interface AdmitPorts {
  readonly clock: Clock;
  readonly rights: Rights;
  readonly directory: Directory;
  readonly policies: PolicyStore;
}

/** What an initiate body asks for, and of which policy. */
export interface Asking {
  readonly address: Pick<PolicyAddress, "id" | "subscriptionId">;
  readonly content: InitiateContent;
}

/** Reads an initiate call, or answers what is wrong with it. */
export async function readAsking(call: Call): Promise<Asking | { readonly answer: Answer }> {
  const address = policyAddress(call.params);
  if (address.outcome === "refused") {
    return { answer: problem(address) };
  }
  const body = await call.body();
  if (body.outcome === "refused") {
    return { answer: problem(body) };
  }
  const content = parseInitiate(body.value, address.value.subscriptionId);
  return content.outcome === "refused"
    ? { answer: problem(content, { vmIds: namedVms(body.value) }) }
    : { address: address.value, content: content.value };
}

/** The request that was asked for, when the caller may and the policy allows it; else the answer to the caller. */
export type Admitted =
  | { readonly request: AccessRequest; readonly policy: Policy }
  | { readonly answer: Answer };

/** What becomes of the approval of a request that takes the place of another; without it rules decide. */
export type Carry = (request: AccessRequest) => AccessRequest | undefined;

/** Decides what is asked for: may the caller, does the policy allow it, and who has to agree? Stores nothing. */
export async function admitRequest(
  ports: AdmitPorts,
  call: Call,
  requestId: string,
  { address, content }: Asking,
  carry: Carry = () => undefined,
): Promise<Admitted> {
  const { id: policyId, subscriptionId } = address;
  const vmIds = content.virtualMachines.map((vm) => vm.id);
  const [rights, stored, isEnabled] = await Promise.all([
    ports.rights.of(call.caller, subscriptionId),
    ports.policies.get(policyId),
    // NB. A token outlives the account it was given to by an hour.
    ports.directory.isEnabled(call.caller),
  ]);
  if (!isEnabled) {
    return { answer: { ...problem(refused(disabled(call.caller))), vmIds } };
  }
  const missing = missingRights(rights, toRequest(policyId, vmIds), call.caller.name);
  if (missing.length > 0) {
    return { answer: problem(refused(...missing), { vmIds }) };
  }
  if (stored === undefined || stored.value.state === "deleting") {
    const message = `The policy '${policyId}' does not exist. Policies are listed at the subscription, resource group and location.`;
    return { answer: { ...problemOf("PolicyNotFound", message, "name"), vmIds } };
  }
  const policy = stored.value;
  const decision = decide(policy, content, {
    requestId,
    requestor: requestorOf(call.caller),
    callerAddress: call.callerAddress,
    now: ports.clock.now(),
  });
  const ruled =
    decision.outcome === "refused" ? decision : keepsRules(policy, content, decision.value);
  return ruled.outcome === "refused"
    ? { answer: problem(ruled, { vmIds }) }
    : { policy, request: carry(ruled.value) ?? (await withApproval(ports, policy, ruled.value)) };
}

/** The policy's own rules about requests, and who may open in an emergency. */
function keepsRules(
  { accessRules }: Policy,
  content: InitiateContent,
  request: AccessRequest,
): Outcome<AccessRequest> {
  const isBreakGlass = request.isBreakGlass === true;
  const targets = content.virtualMachines.flatMap(({ ports }, vmIndex) =>
    ports.map(
      (_, index) => `virtualMachines[${vmIndex}].ports[${index}].allowedSourceAddressPrefix`,
    ),
  );
  const windows = request.windows.map(({ sources }, index) => ({
    sources,
    target: targets[index] ?? "",
  }));
  const { justification } = request;
  const reasons: readonly Reason[] = [
    ...(isBreakGlass && !isBreakGlassPerson(accessRules, request.requestor)
      ? [notInEmergency(request)]
      : []),
    ...requestRuleFaults(accessRules, { justification, isBreakGlass, windows }),
  ];
  return reasons.length > 0 ? refusedFor(reasons) : ok(request);
}

/** The request with the approval it waits for, or with the rule that approves it by itself; as it is where none is needed. */
async function withApproval(
  { clock, directory }: AdmitPorts,
  { accessRules }: Policy,
  request: AccessRequest,
): Promise<AccessRequest> {
  const now = clock.now();
  if (request.isBreakGlass === true) {
    const within = (durationSeconds(accessRules?.breakGlass?.reviewWithin ?? "") ?? 0) * 1_000;
    return { ...request, review: { dueAt: new Date(now.getTime() + within).toISOString() } };
  }
  const rules = accessRules?.approval;
  if (rules === undefined) {
    return request;
  }
  const asked = (rules.autoApproval ?? []).length === 0 ? [] : groupsAsked(rules);
  const groups =
    asked.length === 0 ? new Set<string>() : await directory.groupsOf(request.requestor, asked);
  const automatic = autoApprovalOf(rules, groups, now);
  return automatic === undefined
    ? pendingFor(request, awaitedApproval(rules, request, now))
    : { ...request, approval: { needed: rules.approvalsNeeded, automatic } };
}
