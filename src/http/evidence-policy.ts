import type { AccessRequest } from "../access/request.ts";
import type { EvidencePolicy } from "../activity/evidence-document.ts";
import type { ActivityStore, FiledFact } from "../activity/store.ts";
import type { Policy } from "../policy/policy.ts";
import { idKey, subscriptionOf } from "../policy/resource-id.ts";
import type { PolicyStore } from "../ports.ts";
import { readSome } from "./read-some.ts";

interface PolicyPorts {
  readonly policies: PolicyStore;
  readonly activity: ActivityStore;
}

/** What the caller may see of a policy. */
export interface PolicyView {
  mayRead(...scopes: readonly [string, ...(readonly string[])]): boolean;
  shows(vmKey: string): boolean;
}

/** A change of a policy is told at the moment of its version; so far beside it, in milliseconds, it is looked for. */
const aside = 60_000;
const mostFacts = 1_000;

/** The policy as it was when the request was checked against it, and the facts that tell so. */
export async function policyOf(
  ports: PolicyPorts,
  request: AccessRequest,
  view: PolicyView,
): Promise<{ readonly policy: EvidencePolicy; readonly facts: readonly FiledFact[] }> {
  const { policyId, createdAt } = request;
  const mayReadPart = request.windows.some(
    ({ vmId }) => view.shows(idKey(vmId)) && view.mayRead(vmId, policyId),
  );
  const stored = (await ports.policies.get(policyId))?.value;
  const now = stored?.changedAt;
  const changedAt =
    request.policyChangedAt ?? (now !== undefined && now <= createdAt ? now : undefined);
  const known = { id: policyId, changedAt };
  if (!(mayReadPart || view.mayRead(policyId))) {
    return { policy: { ...known, known: "not shown", facts: [] }, facts: [] };
  }
  const facts = changedAt === undefined ? [] : await versionFacts(ports, request, changedAt, view);
  const ids = facts.map(({ fact }) => fact.id);
  if (stored !== undefined && now === changedAt && stored.state !== "deleting") {
    const terms = termsOf(stored, request, view);
    return { policy: { ...known, known: "unchanged", terms, facts: ids }, facts };
  }
  const told = facts.filter(({ fact }) => fact.outcome !== "refused");
  const changes = new Map(
    told.flatMap(({ fact }) =>
      (fact.changes ?? []).map((change) => [`${fact.vmId ?? ""} ${change.path}`, change] as const),
    ),
  );
  return changes.size === 0
    ? { policy: { ...known, known: "not known", facts: ids }, facts }
    : {
        policy: { ...known, known: "changed since", changes: [...changes.values()], facts: ids },
        facts,
      };
}

/** The facts of the change that made that version, as far as the caller may read them. */
async function versionFacts(
  { activity }: PolicyPorts,
  { policyId, windows }: AccessRequest,
  changedAt: string,
  { mayRead, shows }: PolicyView,
): Promise<readonly FiledFact[]> {
  const asked = new Set(windows.map(({ vmId }) => idKey(vmId)));
  const moment = Date.parse(changedAt);
  const walk = activity.walk({
    of: { subscriptionId: subscriptionOf(policyId) ?? "" },
    from: new Date(moment - aside),
    to: new Date(moment + aside),
    where: { operations: ["policy.write", "policy.accessRules"] },
  });
  const { kept } = await readSome(walk, mostFacts, ({ fact }) => {
    const isMeant =
      idKey(fact.policyId ?? "") === idKey(policyId) &&
      (fact.vmId === undefined || (asked.has(idKey(fact.vmId)) && shows(idKey(fact.vmId))));
    return isMeant && mayRead(fact.vmId ?? policyId, policyId);
  });
  return kept;
}

/** What it says of the ports asked for, and its rules about requests. */
function termsOf(policy: Policy, { windows }: AccessRequest, { shows }: PolicyView) {
  const isAsked = (vmId: string, port: number) =>
    windows.some((window) => idKey(window.vmId) === idKey(vmId) && window.port === port);
  const virtualMachines = policy.virtualMachines
    .filter(({ id }) => shows(idKey(id)))
    .map(({ id, ports }) => ({ id, ports: ports.filter(({ number }) => isAsked(id, number)) }))
    .filter(({ ports }) => ports.length > 0);
  return {
    virtualMachines,
    ...(policy.takePriority === true ? { takePriority: true } : {}),
    ...(policy.accessRules === undefined ? {} : { accessRules: policy.accessRules }),
  };
}
