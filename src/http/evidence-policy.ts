import type { AccessRequest } from "../access/request.ts";
import type { EvidencePolicy } from "../activity/evidence-document.ts";
import type { ActivityStore, FiledFact } from "../activity/store.ts";
import { mapLimited } from "../map-limited.ts";
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
/** So far back, in milliseconds, is looked for the change of a machine's terms that held at the time. */
const lookedBack = 100 * 86_400_000;
const most = { facts: 1_000, vms: 20 } as const;
const parallelReads = 4;

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
  const version =
    changedAt === undefined ? [] : await versionFacts(ports, request, changedAt, view);
  if (stored !== undefined && now === changedAt && stored.state !== "deleting") {
    const terms = termsOf(stored, request, view);
    return {
      policy: { ...known, known: "unchanged", terms, facts: idsOf(version) },
      facts: version,
    };
  }
  const facts =
    changedAt === undefined
      ? []
      : [...version, ...(await termsBefore(ports, request, changedAt, view, version))];
  const changes = changesIn(facts);
  return {
    policy: {
      ...known,
      ...(changes.length === 0 ? { known: "not known" } : { known: "changed since", changes }),
      facts: idsOf(facts),
    },
    facts,
  };
}

const idsOf = (facts: readonly FiledFact[]): readonly string[] => facts.map(({ fact }) => fact.id);

/** What the facts tell was changed, each once, though it was told before and after. */
function changesIn(facts: readonly FiledFact[]): NonNullable<EvidencePolicy["changes"]> {
  const all = facts.flatMap(({ fact: { vmId, changes = [] } }) =>
    changes.map((change) => ({ ...(vmId === undefined ? {} : { vmId }), ...change })),
  );
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
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
  const { kept } = await readSome(walk, most.facts, ({ fact }) => {
    const isMeant =
      idKey(fact.policyId ?? "") === idKey(policyId) &&
      (fact.vmId === undefined || (asked.has(idKey(fact.vmId)) && shows(idKey(fact.vmId))));
    return isMeant && mayRead(fact.vmId ?? policyId, policyId);
  });
  // NB. Of two who change a policy at once only one is stored: the one that was told at that moment, or, where it had to be decided
  // anew, last before.
  const told = kept.filter(({ fact }) => fact.outcome === "asked" && fact.at <= changedAt);
  const [last] = told.toSorted(({ fact: one }, { fact: other }) => (one.at < other.at ? 1 : -1));
  return last === undefined ? [] : kept.filter((one) => changeOf(one) === changeOf(last));
}

/** The change that a fact is of: its id without what is told of it. */
const changeOf = ({ fact }: FiledFact): string => fact.id.split(".policy.")[0] ?? fact.id;

/** For machines whose terms that version left as they were, the last change of them before. */
async function termsBefore(
  { activity }: PolicyPorts,
  { policyId, windows }: AccessRequest,
  changedAt: string,
  { mayRead, shows }: PolicyView,
  version: readonly FiledFact[],
): Promise<readonly FiledFact[]> {
  const told = new Set(
    version.flatMap(({ fact }) =>
      fact.vmId === undefined || fact.changes === undefined ? [] : idKey(fact.vmId),
    ),
  );
  const vms = new Map(windows.map(({ vmId }) => [idKey(vmId), vmId]));
  const wanted = [...vms]
    .filter(([key, vmId]) => !told.has(key) && shows(key) && mayRead(vmId, policyId))
    .slice(0, most.vms);
  const to = new Date(changedAt);
  const found = await mapLimited(wanted, parallelReads, async ([, vmId]) => {
    const walk = activity.walk({
      of: { vmId },
      from: new Date(to.getTime() - lookedBack),
      to,
      where: { operations: ["policy.write"], outcomes: ["done"] },
    });
    for await (const filed of walk) {
      const { fact } = filed;
      if (fact.changes !== undefined && idKey(fact.policyId ?? "") === idKey(policyId)) {
        return [filed];
      }
    }
    return [];
  });
  return found.flat();
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
