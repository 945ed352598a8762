import type { Requestor } from "../../src/access/request.ts";
import { createDice } from "./dice.ts";

export interface AuditedVm {
  readonly id: string;
  readonly subscriptionId: string;
  readonly policyId: string;
  /** The network security group before it. */
  readonly gateId: string;
  readonly address: string;
}

/** Whose facts the history tells: the same in every month. The first of each list are the busiest. */
export interface AuditedEstate {
  readonly vms: readonly AuditedVm[];
  readonly people: readonly Requestor[];
  readonly approvers: readonly Requestor[];
}

const groups = 20;
const vmsPerGroup = 10;
const groupsOfFirst = 14;
const people = 150;
const approvers = 8;

/** 200 VMs in 20 resource groups, 14 of them in the first of two subscriptions, and 150 people of whom 8 also approve. */
export function auditedEstate(
  tenantId: string,
  subscriptions: readonly [first: string, second: string],
): AuditedEstate {
  const dice = createDice(1);
  const all = Array.from({ length: people }, (_, index) => ({
    tenantId,
    objectId: dice.guid(),
    name: `person${String(index + 1).padStart(3, "0")}@contoso.example`,
    kind: "user" as const,
  }));
  // Turn by turn from each group, so that the busiest VMs are not all of one group.
  const vms = Array.from({ length: groups * vmsPerGroup }, (_, index) =>
    vmOf(index % groups, Math.floor(index / groups), subscriptions),
  );
  return { vms, people: all, approvers: all.slice(-approvers) };
}

function vmOf(
  group: number,
  index: number,
  [first, second]: readonly [first: string, second: string],
): AuditedVm {
  const name = `app${String(group + 1).padStart(2, "0")}`;
  const subscriptionId = group < groupsOfFirst ? first : second;
  const scope = `/subscriptions/${subscriptionId}/resourceGroups/rg-${name}/providers`;
  return {
    id: `${scope}/Microsoft.Compute/virtualMachines/vm-${name}-${String(index + 1).padStart(2, "0")}`,
    subscriptionId,
    policyId: `${scope}/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default`,
    gateId: `${scope}/Microsoft.Network/networkSecurityGroups/nsg-${name}`,
    address: `10.30.${group}.${index + 10}`,
  };
}
