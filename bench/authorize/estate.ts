import type { ArmResource, Estate } from "../../local/cloud/estate.ts";

export const group = "rg-demo";

/** Two people who may request and read: one by a role of his own, one by a role through each of three groups. */
export const readers = ["single", "several"] as const;
export type Reader = (typeof readers)[number];

const roles = ["JIT Access Requester", "Reader", "Security Reader"] as const;

export function withReaders(sample: Estate): Estate {
  const [single, several] = readers.map((name, index) => ({
    name,
    displayName: name,
    userPrincipalName: `${name}@contoso.example`,
    objectId: guidOf(1, index),
    about: "reads policies",
  })) as [Estate["people"][number], Estate["people"][number]];
  const groups = roles.map((_, index) => ({
    objectId: guidOf(2, index),
    displayName: `readers-${index}`,
    members: [several.objectId],
  }));
  return {
    ...sample,
    people: [...sample.people, single, several],
    groups: [...(sample.groups ?? []), ...groups],
    roleAssignments: [
      ...sample.roleAssignments,
      assignmentOf(sample, roles[0], single.objectId, "User"),
      ...groups.map(({ objectId }, index) =>
        assignmentOf(sample, roles[index] ?? "", objectId, "Group"),
      ),
    ],
  };
}

function assignmentOf(
  sample: Estate,
  roleName: string,
  principalId: string,
  principalType: string,
): ArmResource {
  const role = sample.roleDefinitions.find(({ properties }) => properties["roleName"] === roleName);
  if (role === undefined) {
    throw new Error(`The sample estate has no role '${roleName}'.`);
  }
  const scope = `/subscriptions/${sample.subscriptionId}/resourceGroups/${group}`;
  return {
    id: `${scope}/providers/Microsoft.Authorization/roleAssignments/${principalId}`,
    name: principalId,
    type: "Microsoft.Authorization/roleAssignments",
    properties: { roleDefinitionId: role.id, principalId, principalType, scope },
  };
}

function guidOf(kind: number, index: number): string {
  return `0000000${kind}-0000-4000-8000-${String(index).padStart(12, "0")}`;
}
