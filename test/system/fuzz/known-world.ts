import type { Chance } from "./chance.ts";
import type { Ledger } from "./ledger.ts";
import type { Whereabouts } from "./read-bodies.ts";

/** What the next call is chosen by: chance, and what was granted until now. */
export interface World {
  readonly chance: Chance;
  readonly ledger: Ledger;
  readonly where: Whereabouts;
}

/** The policies of a run: mostly of rg-demo, and one of another resource group. */
const policyNames = ["one", "two", "three", "four", "five", "Sechs und 7", "büro.(8)"] as const;

/** The path of one of the policies. */
export function somePolicy({ chance, where }: World): string {
  const name = chance.pick(policyNames);
  return policyPath(where, name, name === "five" ? "rg-network" : "rg-demo");
}

/** The path of a policy that exists, as far as is known; else of any. */
export function existingPolicy(world: World): string {
  const [key] = world.chance.maybe(world.ledger.policies.existing) ?? [];
  return key === undefined ? somePolicy(world) : pathOfKey(key);
}

/** Where the policy of that key is; in the case in which keys are written. */
export function pathOfKey(key: string): string {
  return `/${key.split("/").map(encodeURIComponent).join("/")}`;
}

function policyPath({ subscriptionId }: Whereabouts, name: string, group: string): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${group}/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/${encodeURIComponent(name)}`;
}

export function machineId({ subscriptionId }: Whereabouts, name: string): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/rg-demo/providers/Microsoft.Compute/virtualMachines/${name}`;
}
