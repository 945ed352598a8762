import { decide } from "../access/decide.ts";
import { parseInitiate } from "../access/initiate.ts";
import type { AccessRequest } from "../access/request.ts";
import { missingRights } from "../caller/permissions.ts";
import { toRequest } from "../caller/requirements.ts";
import type { Clock, Ids, PolicyStore, Rights } from "../ports.ts";
import { refused } from "../reasons.ts";
import { namedVms } from "./named-vms.ts";
import { policyAddress } from "./policy-address.ts";
import { type Answer, problem, problemOf } from "./problem.ts";
import { type Call, requestorOf } from "./route.ts";

export interface AdmitPorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly rights: Rights;
  readonly policies: PolicyStore;
}

/** The request that the body asks for, when the caller may and the policy allows it; else the answer to the caller. */
export type Admitted = { readonly request: AccessRequest } | { readonly answer: Answer };

/** Decides an initiate body: is it one, may the caller, does the policy allow it? Stores nothing. */
export async function admitRequest(ports: AdmitPorts, call: Call): Promise<Admitted> {
  const address = policyAddress(call.params);
  if (address.outcome === "refused") {
    return { answer: problem(address) };
  }
  const { id: policyId, subscriptionId } = address.value;
  const body = await call.body();
  if (body.outcome === "refused") {
    return { answer: problem(body) };
  }
  const content = parseInitiate(body.value, subscriptionId);
  if (content.outcome === "refused") {
    return { answer: problem(content, { vmIds: namedVms(body.value) }) };
  }
  const vmIds = content.value.virtualMachines.map((vm) => vm.id);
  const [rights, stored] = await Promise.all([
    ports.rights.of(call.caller, subscriptionId),
    ports.policies.get(policyId),
  ]);
  const missing = missingRights(rights, toRequest(policyId, vmIds), call.caller.name);
  if (missing.length > 0) {
    return { answer: problem(refused(...missing), { vmIds }) };
  }
  if (stored === undefined || stored.value.state === "deleting") {
    const message = `The policy '${policyId}' does not exist. Policies are listed at the subscription, resource group and location.`;
    return { answer: { ...problemOf("PolicyNotFound", message, "name"), vmIds } };
  }
  const decision = decide(stored.value, content.value, {
    requestId: ports.ids.next(),
    requestor: requestorOf(call.caller),
    callerAddress: call.callerAddress,
    now: ports.clock.now(),
  });
  return decision.outcome === "refused"
    ? { answer: problem(decision, { vmIds }) }
    : { request: decision.value };
}
