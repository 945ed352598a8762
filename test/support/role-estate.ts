import type { ArmResource, Estate } from "../../local/cloud/estate.ts";
import type { Caller } from "../../src/caller/caller.ts";
import { vmId } from "./builders.ts";

const jit = "Microsoft.Security/locations/jitNetworkAccessPolicies";
const managementGroup = "/providers/Microsoft.Management/managementGroups/mg-contoso";

/** The custom roles that Microsoft documents for just-in-time VM access, action by action; each lets do what its name says. */
const documented: Readonly<Record<string, readonly string[]>> = {
  "JIT configure": [`${jit}/write`, "Microsoft.Compute/virtualMachines/write"],
  "JIT request": [
    `${jit}/initiate/action`,
    `${jit}/*/read`,
    "Microsoft.Compute/virtualMachines/read",
    "Microsoft.Network/networkInterfaces/*/read",
    "Microsoft.Network/publicIPAddresses/read",
  ],
  // NB. So documented: it may initiate too.
  "JIT read": [
    `${jit}/read`,
    `${jit}/initiate/action`,
    "Microsoft.Security/policies/read",
    "Microsoft.Security/pricings/read",
    "Microsoft.Compute/virtualMachines/read",
    "Microsoft.Network/*/read",
  ],
};

export const roles = [
  "Owner",
  "Contributor",
  "Reader",
  "Security Admin",
  "Security Reader",
  "JIT configure",
  "JIT request",
  "JIT read",
] as const;

/** web-1 is one of the VMs of the policy in the resource group shop. */
export const scopes = ["VM", "resource group", "subscription", "management group"] as const;
export type Scope = (typeof scopes)[number];

/** Somebody to whom the role is assigned, who is in a group of a group to which it is, or an application with it. */
export const holders = ["user", "group member", "application"] as const;
export type Holder = (typeof holders)[number];

/** Who holds the role there; everybody of an index past the last role holds nothing. */
export function callerWith(tenantId: string, role: number, scope: number, holder: Holder): Caller {
  const objectId = guidOf(holders.indexOf(holder) + 1, role, scope);
  const kind = holder === "application" ? "application" : "user";
  return { tenantId, objectId, name: `${holder} ${role} ${scope}`, kind };
}

/** The sample's built-in roles with the documented custom ones, each assigned at each scope to a holder of each kind. */
export function withEveryRole(sample: Estate): Estate {
  const held = roles.flatMap((role, roleAt) =>
    scopes.map((scope, scopeAt) => ({ role, roleAt, scope, scopeAt })),
  );
  const custom = Object.entries(documented).map(definitionOf);
  const definitions = [...sample.roleDefinitions, ...custom];
  return {
    ...sample,
    roleDefinitions: definitions,
    people: [
      ...sample.people,
      ...held.flatMap(({ roleAt, scopeAt }) =>
        ([1, 2] as const).map((kind) => personOf(guidOf(kind, roleAt, scopeAt))),
      ),
    ],
    applications: [
      ...(sample.applications ?? []),
      ...held.map(({ roleAt, scopeAt }) => applicationOf(guidOf(3, roleAt, scopeAt))),
    ],
    groups: [
      ...(sample.groups ?? []),
      ...held.flatMap(({ roleAt, scopeAt }) => [
        groupOf(guidOf(4, roleAt, scopeAt), guidOf(5, roleAt, scopeAt)),
        groupOf(guidOf(5, roleAt, scopeAt), guidOf(2, roleAt, scopeAt)),
      ]),
    ],
    roleAssignments: [
      ...sample.roleAssignments,
      ...held.flatMap(({ role, roleAt, scope, scopeAt }) => {
        const roleId = definitions.find(({ properties }) => properties["roleName"] === role)?.id;
        const at = scopeIds(sample.subscriptionId)[scope];
        return [
          assignmentOf(at, roleId, guidOf(1, roleAt, scopeAt), "User"),
          assignmentOf(at, roleId, guidOf(4, roleAt, scopeAt), "Group"),
          assignmentOf(at, roleId, guidOf(3, roleAt, scopeAt), "ServicePrincipal"),
        ];
      }),
    ],
  };
}

const scopeIds = (subscriptionId: string): Readonly<Record<Scope, string>> => ({
  VM: vmId("web-1"),
  "resource group": `/subscriptions/${subscriptionId}/resourceGroups/shop`,
  subscription: `/subscriptions/${subscriptionId}`,
  "management group": managementGroup,
});

/** Kinds: 1 people with a role, 2 people in groups, 3 applications, 4 groups with a role, 5 groups in those, 6 roles. */
function guidOf(kind: number, role: number, scope: number): string {
  return `0000000${kind}-000${role}-4000-8000-00000000000${scope}`;
}

function definitionOf(
  [roleName, actions]: [string, readonly string[]],
  index: number,
): ArmResource {
  const name = guidOf(6, index, 0);
  return {
    id: `/providers/Microsoft.Authorization/roleDefinitions/${name}`,
    name,
    type: "Microsoft.Authorization/roleDefinitions",
    properties: {
      roleName,
      type: "CustomRole",
      assignableScopes: [managementGroup],
      permissions: [{ actions, notActions: [], dataActions: [], notDataActions: [] }],
    },
  };
}

function assignmentOf(
  scope: string,
  roleDefinitionId: string | undefined,
  principalId: string,
  principalType: string,
): ArmResource {
  return {
    id: `${scope}/providers/Microsoft.Authorization/roleAssignments/${principalId}`,
    name: principalId,
    type: "Microsoft.Authorization/roleAssignments",
    properties: { roleDefinitionId, principalId, principalType, scope },
  };
}

function personOf(objectId: string): Estate["people"][number] {
  return {
    name: objectId,
    displayName: objectId,
    userPrincipalName: `${objectId}@contoso.example`,
    objectId,
    about: "holds a role at a scope",
  };
}

function applicationOf(objectId: string): NonNullable<Estate["applications"]>[number] {
  const clientId = objectId.replace(/^0/, "1");
  const about = "holds a role at a scope";
  return { name: objectId, displayName: objectId, clientId, objectId, about };
}

function groupOf(objectId: string, member: string): NonNullable<Estate["groups"]>[number] {
  return { objectId, displayName: objectId, members: [member] };
}
