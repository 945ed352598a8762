/** What the numbers are made of, read in bounds: no history is so long that one call is. */
import type { AccessRequest } from "../access/request.ts";
import { isExposure } from "../activity/exposure.ts";
import { mapLimited } from "../map-limited.ts";
import type { Policy } from "../policy/policy.ts";
import { idKey, subscriptionOf } from "../policy/resource-id.ts";
import type { GateStore, PolicyStore, RequestStore } from "../ports.ts";
import type { Finding } from "../reasons.ts";
import { findingsOf } from "./policy-json.ts";

/** What numbers are asked about. */
export type Scope =
  | { readonly vmId: string }
  | { readonly policyId: string }
  | { readonly subscriptionId: string };

const pages = { requests: { size: 200, most: 10 }, policies: { size: 100, most: 10 } } as const;
const parallelReads = 8;

/** What was read, and whether there is more that was not. */
export interface Some<T> {
  readonly items: readonly T[];
  readonly isTruncated: boolean;
}

/** The newest requests made since then, 2,000 at most. */
export async function countedRequests(
  { requests }: { readonly requests: RequestStore },
  of: Scope,
  from: Date,
  to: Date,
): Promise<Some<AccessRequest>> {
  const { size: top, most } = pages.requests;
  return somePages(most, (continuation) => requests.list({ of, from, to, top, continuation }));
}

/** The policies that are, or may be, about the scope: 1,000 of a subscription at most. */
export async function policiesOf(
  { policies }: { readonly policies: PolicyStore },
  of: Scope,
): Promise<Some<Policy>> {
  if ("policyId" in of) {
    const stored = await policies.get(of.policyId);
    return { items: stored === undefined ? [] : [stored.value], isTruncated: false };
  }
  const subscriptionId =
    "vmId" in of ? (subscriptionOf(of.vmId) ?? "") : of.subscriptionId.toLowerCase();
  const { size: top, most } = pages.policies;
  const found = await somePages(most, (continuation) =>
    policies.list(subscriptionId, { top, continuation }),
  );
  return {
    ...found,
    items: found.items.filter(({ virtualMachines }) =>
      "vmId" in of ? virtualMachines.some(({ id }) => idKey(id) === idKey(of.vmId)) : true,
    ),
  };
}

async function somePages<T>(
  most: number,
  read: (continuation: string | undefined) => Promise<{
    readonly items: readonly T[];
    readonly continuation?: string | undefined;
  }>,
): Promise<Some<T>> {
  const items: T[] = [];
  let continuation: string | undefined;
  for (let count = 0; count < most; count += 1) {
    const page = await read(continuation);
    items.push(...page.items);
    ({ continuation } = page);
    if (continuation === undefined) {
      return { items, isTruncated: false };
    }
  }
  return { items, isTruncated: true };
}

/** A VM, and the policies by which it may be read. */
interface NumberedVm {
  readonly vmId: string;
  readonly policyIds: ReadonlySet<string>;
}

/** By key, the VMs of the scope that policies protect or requests are for; the one that is asked about in any case. */
export function vmsOf(
  of: Scope,
  policies: readonly Policy[],
  requests: readonly AccessRequest[],
): ReadonlyMap<string, NumberedVm> {
  const named = [
    ...policies.flatMap(({ id, virtualMachines }) =>
      virtualMachines.map((vm) => ({ vmId: vm.id, policyId: id })),
    ),
    ...requests.flatMap(({ policyId, windows }) => windows.map(({ vmId }) => ({ vmId, policyId }))),
  ];
  const one = "vmId" in of ? idKey(of.vmId) : undefined;
  const vms = new Map<string, { vmId: string; policyIds: Set<string> }>(
    "vmId" in of ? [[idKey(of.vmId), { vmId: of.vmId, policyIds: new Set() }]] : [],
  );
  for (const { vmId, policyId } of named) {
    const key = idKey(vmId);
    if (one === undefined || one === key) {
      const vm = vms.get(key) ?? { vmId, policyIds: new Set<string>() };
      vm.policyIds.add(idKey(policyId));
      vms.set(key, vm);
    }
  }
  return vms;
}

/** By VM key, what the last looks at its gates found that can be reached outside any window. */
export async function exposuresNow(
  { gates }: { readonly gates: GateStore },
  policies: readonly Policy[],
): Promise<ReadonlyMap<string, readonly Finding[]>> {
  const found = await mapLimited(policies, parallelReads, (policy) => findingsOf(gates, policy));
  return Map.groupBy(found.flat().filter(isExposure), ({ vmId = "" }) => idKey(vmId));
}
