import { decide } from "../access/decide.ts";
import { parseInitiate } from "../access/initiate.ts";
import { type AccessRequest, moveWindow, requestedVms } from "../access/request.ts";
import { wireRequest } from "../access/wire.ts";
import { actions, missingRights } from "../caller/permissions.ts";
import type { ActivityStore, Clock, Ids, PolicyStore, RequestStore, Rights } from "../ports.ts";
import { type Reason, refused } from "../reasons.ts";
import { windowFact } from "../workflow/facts.ts";
import { namedVms } from "./named-vms.ts";
import { policyAddress } from "./policy-address.ts";
import { problem, problemOf } from "./problem.ts";
import { gatherRights } from "./rights.ts";
import { type Call, type Handler, requestorOf } from "./route.ts";

export interface InitiatePorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly rights: Rights;
  readonly policies: PolicyStore;
  readonly requests: RequestStore;
  readonly activity: ActivityStore;
}

/**
 * POST …/initiate: is the body one, may the caller, does the policy allow it? Then the request is stored and audited,
 * its orchestration started, and the caller told at once: opening takes as long as Azure takes.
 */
export function initiate(ports: InitiatePorts): Handler {
  return async (call) => {
    const address = policyAddress(call.params);
    if (address.outcome === "refused") {
      return problem(address);
    }
    const { id: policyId, subscriptionId } = address.value;
    const body = await call.body();
    if (body.outcome === "refused") {
      return problem(body);
    }
    const content = parseInitiate(body.value, subscriptionId);
    if (content.outcome === "refused") {
      return problem(content, { vmIds: namedVms(body.value) });
    }
    const vmIds = content.value.virtualMachines.map((vm) => vm.id);
    const [rights, stored] = await Promise.all([
      gatherRights(ports.rights, call.caller, subscriptionId),
      ports.policies.get(policyId),
    ]);
    const missing = missingRights(rights, actions.initiate, vmIds, call.caller.name);
    if (missing.length > 0) {
      return problem(refused(...missing), { vmIds });
    }
    if (stored === undefined || stored.value.state === "deleting") {
      return {
        ...problemOf(
          "PolicyNotFound",
          `The policy '${policyId}' does not exist. Policies are listed at the subscription, resource group and location.`,
          "name",
        ),
        vmIds,
      };
    }
    const decision = decide(stored.value, content.value, circumstances(ports, call));
    return decision.outcome === "refused"
      ? problem(decision, { vmIds })
      : accept(ports, call, decision.value);
  };
}

function circumstances(ports: InitiatePorts, call: Call) {
  return {
    requestId: ports.ids.next(),
    requestor: requestorOf(call.caller),
    callerAddress: call.callerAddress,
    now: ports.clock.now(),
  };
}

async function accept(ports: InitiatePorts, call: Call, request: AccessRequest) {
  const asked = request.windows.map((window) =>
    windowFact(request, window, {
      operation: "access.initiate",
      outcome: "asked",
      at: new Date(request.createdAt),
      byRequestor: true,
    }),
  );
  // NB. Stored and audited before anything is started: no rule is ever written for a request that left no trace.
  await Promise.all([ports.requests.create(request), ports.activity.record(asked)]);
  try {
    await call.workflows.startRequest(request.id, { vmCount: requestedVms(request).length });
  } catch (fault) {
    await giveUp(ports, request);
    throw fault;
  }
  return { status: 202, body: wireRequest(request) };
}

/** Nothing was started: the windows have failed. Should the start have happened all the same, it finds nothing to open. */
async function giveUp(ports: InitiatePorts, request: AccessRequest): Promise<void> {
  const at = ports.clock.now();
  const message = "The work behind the request could not be started; ask again.";
  const reasons: readonly Reason[] = [{ code: "ServiceUnavailable", message }];
  await ports.activity.record(
    request.windows.map((window) =>
      windowFact(request, window, { operation: "access.open", outcome: "failed", at, reasons }),
    ),
  );
  await ports.requests.change(request.id, (current) => ({
    ...current,
    windows: current.windows.map((window) =>
      moveWindow(window, "failed", { closedAt: at.toISOString(), reasons }),
    ),
  }));
}
