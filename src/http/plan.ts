import { circlesOf, namesOf } from "../access/circles.ts";
import type { Log } from "../log.ts";
import { withoutNoted } from "../policy/noted-addresses.ts";
import type { Protocol } from "../policy/policy.ts";
import { parsePolicy } from "../policy/policy-body.ts";
import { idKey } from "../policy/resource-id.ts";
import type { Ids, Machine } from "../ports.ts";
import { type Finding, refused } from "../reasons.ts";
import { unprotectedPaths } from "../rules/unprotected-paths.ts";
import type { Foresee, ForeseePorts } from "../workflow/foresee.ts";
import { foreseePolicy } from "../workflow/foresee-policy.ts";
import { findingsAbout, foreseeRequest } from "../workflow/foresee-request.ts";
import { type AdmitPorts, admitRequest, readAsking } from "./admit-request.ts";
import { namedVms } from "./named-vms.ts";
import { accessRows, type Question } from "./plan-access.ts";
import { findingJson, gateJson } from "./plan-json.ts";
import { policyAddress } from "./policy-address.ts";
import { type Answer, problem } from "./problem.ts";
import { droppedVms, policyFaults, policyWith } from "./put-policy.ts";
import { approvalPart } from "./request-json.ts";
import type { Call, Handler } from "./route.ts";

export interface PlanPorts extends AdmitPorts, ForeseePorts {
  readonly ids: Ids;
  readonly foresee: Foresee;
  readonly log: Log;
  /** Whether the directory can be asked who is in a group, so that rules may list groups. */
  readonly groupsUsable: boolean;
}

/**
 * POST …/plan: what a PUT of this policy or an initiate would do to every gate, and who would get through before and after.
 * Takes the body of either, asks for the same rights, refuses what a body alone tells; what the gates would say is in the
 * findings. Changes nothing.
 */
export function plan(ports: PlanPorts): Handler {
  return async (call) => {
    const body = await call.body();
    const isPolicy =
      body.outcome === "ok" && Object.hasOwn(Object(body.value) as object, "properties");
    return isPolicy ? planPolicy(ports, call, body.value) : planRequest(ports, call);
  };
}

async function planPolicy(ports: PlanPorts, call: Call, body: unknown): Promise<Answer> {
  const address = policyAddress(call.params);
  if (address.outcome === "refused") {
    return problem(address);
  }
  const content = parsePolicy(body, address.value.subscriptionId, {
    callerTenantId: call.caller.tenantId,
    groupsUsable: ports.groupsUsable,
  });
  if (content.outcome === "refused") {
    return problem(content, { vmIds: namedVms(body) });
  }
  const before = (await ports.policies.get(address.value.id))?.value;
  const meant = withoutNoted(before, content.value);
  const vmIds = meant.virtualMachines.map((vm) => vm.id);
  const dropped = droppedVms(before, meant);
  const faults = await policyFaults(ports, call, address.value, meant, dropped);
  if (faults.length > 0) {
    return problem(refused(...faults), { vmIds });
  }
  const policy = policyWith(before, address.value, meant);
  const { machines, gates } = await foreseePolicy(ports, policy);
  const machineOf = new Map(machines.map((machine) => [idKey(machine.id), machine]));
  const questions = policy.virtualMachines.flatMap((vm) =>
    vm.ports.flatMap(({ number: port, protocol }) =>
      questionsAbout(machineOf.get(idKey(vm.id)), port, protocol, ["*"]),
    ),
  );
  const asked = new Set([...vmIds, ...dropped].map(idKey));
  const isAsked = (vmId: string) => asked.has(idKey(vmId));
  const findings: readonly Finding[] = [
    ...gates
      .flatMap((gate): readonly Finding[] => gate.plan.findings)
      .filter(({ vmId }) => vmId === undefined || isAsked(vmId)),
    ...machines.flatMap(unprotectedPaths),
  ];
  return {
    status: 200,
    body: {
      kind: "policy",
      wouldSucceed: findings.every((finding) => finding.code !== "GateFull"),
      gates: gates.map((gate) => gateJson(gate, isAsked)),
      ...accessRows(questions, gates, ports.clock),
      findings: findings.map(findingJson),
    },
  };
}

async function planRequest(ports: PlanPorts, call: Call): Promise<Answer> {
  const asking = await readAsking(call);
  if ("answer" in asking) {
    return asking.answer;
  }
  const admitted = await admitRequest(ports, call, ports.ids.next(), asking);
  if ("answer" in admitted) {
    return admitted.answer;
  }
  const { request, policy } = admitted;
  const foreseen = await foreseeRequest(ports, request);
  const { vms, gates } = foreseen;
  const questions = vms.flatMap(({ machine, windows }) =>
    windows.flatMap(({ port, protocol, sources }) =>
      questionsAbout(machine, port, protocol, sources),
    ),
  );
  const asked = new Set(vms.map(({ vmId }) => idKey(vmId)));
  const findings: readonly Finding[] = [
    ...vms.flatMap(({ vmId, reasons }) => reasons.map((reason) => ({ ...reason, vmId }))),
    ...findingsAbout(foreseen),
    ...vms.flatMap(({ machine }) => (machine === undefined ? [] : unprotectedPaths(machine))),
  ];
  return {
    status: 200,
    body: {
      kind: "request",
      wouldSucceed: vms.every((vm) => vm.reasons.length === 0),
      ...(foreseen.expectedAt === undefined ? {} : { expectedAt: foreseen.expectedAt }),
      ...approvalPart(request, namesOf(circlesOf(policy.accessRules?.approval, request))),
      gates: gates.map((gate) => gateJson(gate, (vmId) => asked.has(idKey(vmId)))),
      ...accessRows(questions, gates, ports.clock),
      findings: findings.map(findingJson),
    },
  };
}

function questionsAbout(
  machine: Machine | undefined,
  port: number,
  protocol: Protocol,
  sources: readonly string[],
): readonly Question[] {
  return (machine?.addresses ?? []).flatMap((address) =>
    sources.map((source) => ({ vmId: machine?.id ?? "", address, port, protocol, source })),
  );
}
