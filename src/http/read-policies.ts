import { createReader } from "../caller/requirements.ts";
import { mapLimited } from "../map-limited.ts";
import type { Policy } from "../policy/policy.ts";
import { locationKey } from "../policy/resource-id.ts";
import type { Clock, GateStore, PolicyStore, RequestStore, Rights } from "../ports.ts";
import type { Finding } from "../reasons.ts";
import { firstSeen } from "./first-seen.ts";
import { parseParts, policyAddress } from "./policy-address.ts";
import { findingsOf, historyDays, policyJson } from "./policy-json.ts";
import { type Answer, problem, problemOf } from "./problem.ts";
import type { Call, Handler } from "./route.ts";

export interface ReadPolicyPorts {
  readonly clock: Clock;
  readonly gates: GateStore;
  readonly rights: Rights;
  readonly policies: PolicyStore;
  readonly requests: RequestStore;
}

/** How many policies one page of a list holds before it is reduced to what the caller may read. */
const pageSize = 100;
const parallelReads = 16;

/** How many requests, the newest, are shown with a policy. NB. Whoever may ask can ask often, and all of them are held in memory. */
const mostRequests = { alone: 1_000, inList: 100 } as const;

/**
 * GET of one policy. Who may not read the policy but some of its VMs sees the policy reduced to those: a person who may
 * request access to a VM can see the terms and the state of the request.
 */
export function getPolicy(ports: ReadPolicyPorts): Handler {
  return async (call) => {
    const address = policyAddress(call.params);
    if (address.outcome === "refused") {
      return problem(address);
    }
    const { id, subscriptionId } = address.value;
    const mayRead = createReader(await ports.rights.of(call.caller, subscriptionId));
    const stored = await ports.policies.get(id);
    const findings = stored === undefined ? [] : await findingsOf(ports.gates, stored.value);
    const json =
      stored === undefined ? undefined : await readable(ports, mayRead, stored.value, { findings });
    if (json !== undefined) {
      return { status: 200, body: json };
    }
    return mayRead(id)
      ? problemOf("ResourceNotFound", `The policy '${id}' does not exist.`, "name")
      : problemOf(
          "AuthorizationFailed",
          `'${call.caller.name}' may not read '${id}'. Ask an owner of that scope for a role assignment.`,
          id,
        );
  };
}

/** GET of the policies of a subscription, by resource group and location where the path names them. */
export function listPolicies(ports: ReadPolicyPorts): Handler {
  return async (call) => {
    const named = (["subscriptionId", "resourceGroup", "location"] as const).filter(
      (part) => call.params[part] !== undefined,
    );
    const parts = parseParts(call.params, named);
    if (parts.outcome === "refused") {
      return problem(parts);
    }
    const subscriptionId = call.params["subscriptionId"] ?? "";
    const mayRead = createReader(await ports.rights.of(call.caller, subscriptionId));
    const page = await firstSeen(
      call.url.searchParams.get("$skiptoken") ?? undefined,
      (continuation) => ports.policies.list(subscriptionId, { continuation, top: pageSize }),
      (policies) => policies.filter((policy) => isSeen(policy, mayRead)),
    );
    const policies = page.items.filter((policy) => isWithin(policy, call));
    const value = await mapLimited(policies, parallelReads, (policy) =>
      readable(ports, mayRead, policy, { most: mostRequests.inList }),
    );
    return listAnswer(
      call,
      value.filter((json) => json !== undefined),
      page.continuation,
    );
  };
}

/** Whether the caller may read the policy, or one of its VMs. */
function isSeen(policy: Policy, mayRead: ReturnType<typeof createReader>): boolean {
  return mayRead(policy.id) || policy.virtualMachines.some((vm) => mayRead(vm.id, policy.id));
}

function isWithin(policy: Policy, { params }: Call): boolean {
  const { resourceGroup, location } = params;
  return (
    (resourceGroup === undefined ||
      resourceGroup.toLowerCase() === policy.resourceGroup.toLowerCase()) &&
    (location === undefined || locationKey(location) === locationKey(policy.location))
  );
}

/** A page of values with the absolute link to the next, on the scheme and host the caller used. */
export function listAnswer(
  call: Pick<Call, "url">,
  value: readonly unknown[],
  continuation: string | undefined,
): Answer {
  if (continuation === undefined) {
    return { status: 200, body: { value } };
  }
  const nextLink = new URL(call.url);
  nextLink.searchParams.set("$skiptoken", continuation);
  return { status: 200, body: { value, nextLink: nextLink.toString() } };
}

/** The policy as the caller may see it, or nothing when the caller may see none of it. */
async function readable(
  ports: ReadPolicyPorts,
  mayRead: ReturnType<typeof createReader>,
  policy: Policy,
  {
    findings = [],
    most = mostRequests.alone,
  }: { readonly findings?: readonly Finding[]; readonly most?: number } = {},
) {
  if (!isSeen(policy, mayRead)) {
    return undefined;
  }
  const since = new Date(ports.clock.now().getTime() - historyDays * 86_400_000);
  return policyJson(
    policy,
    await ports.requests.ofPolicy(policy.id, since, most),
    (key) => mayRead(key, policy.id),
    findings,
  );
}
