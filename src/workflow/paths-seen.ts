import { exposureFacts, isExposure } from "../activity/exposure.ts";
import type { Policy } from "../policy/policy.ts";
import { idKey } from "../policy/resource-id.ts";
import type { Machine } from "../ports.ts";
import type { Finding } from "../reasons.ts";
import { pathsOf, pathsOfAll } from "../rules/unprotected-paths.ts";
import type { SettlePorts } from "./turn.ts";

/** So many uncovered ways of a policy are followed one by one. */
const mostExposures = 1_000;

/** What a look at a policy's VMs has told of the ways to them. */
export interface PathsSeen {
  readonly unprotectedPaths: readonly Finding[];
  readonly exposed: readonly Finding[];
}

/** The ways to VMs as they are now; nothing of a VM that is not there. */
export function pathsSeen(machines: readonly (Machine | undefined)[]): PathsSeen {
  return {
    unprotectedPaths: pathsOfAll(machines),
    exposed: pathsOf(machines).filter(isExposure).slice(0, mostExposures),
  };
}

/**
 * Tells which ways to a policy's VMs came to be uncovered, or are so no longer, and answers what is to be stored with the policy then.
 * NB. Before it is stored: who comes after one who died in between tells the same.
 */
export async function tellPaths(
  { activity, clock, ids }: SettlePorts,
  policy: Policy,
  after: readonly Finding[],
): Promise<Pick<Policy, "exposed" | "exposedAt">> {
  const { exposed: before = [], exposedAt } = policy;
  const at = clock.now();
  const facts = exposureFacts({
    on: { policyId: policy.id },
    before,
    after,
    since: exposedAt ?? `first ${policy.changedAt}`,
    at,
    portsOf: (vmId) =>
      policy.virtualMachines
        .filter((vm) => idKey(vm.id) === idKey(vmId))
        .flatMap(({ ports }) => ports.map(({ number }) => number)),
    digest: ids.digest,
  });
  if (facts.length === 0) {
    return { exposed: policy.exposed, exposedAt };
  }
  await activity.record(facts);
  return { exposed: after, exposedAt: at.toISOString() };
}
