import type { Estate, ManagementGroup } from "./estate.ts";

/** What is wrong with who is in whose group, tenant and management group, each fault with its place in the file. */
export function identityFaults(estate: Estate): string[] {
  return [...unknownMembers(estate), ...unknownTenants(estate), ...managementGroupFaults(estate)];
}

function unknownMembers(estate: Estate): string[] {
  const { people, applications = [], groups = [], serviceIdentity } = estate;
  const objects = [...people, ...applications, ...groups].map(({ objectId }) => objectId);
  const known = new Set([...objects, serviceIdentity.principalId].map((id) => id.toLowerCase()));
  return groups.flatMap(({ members }, index) =>
    members.flatMap((member, at) =>
      known.has(member.toLowerCase())
        ? []
        : [`nobody has the object id '${member}'\n  → at groups[${index}].members[${at}]`],
    ),
  );
}

function unknownTenants({ people, tenantId, otherTenants = [] }: Estate): string[] {
  const known = new Set([tenantId, ...otherTenants].map((id) => id.toLowerCase()));
  return people.flatMap((person, index) =>
    person.tenantId === undefined || known.has(person.tenantId.toLowerCase())
      ? []
      : [
          `'${person.tenantId}' is neither tenantId nor one of otherTenants\n  → at people[${index}].tenantId`,
        ],
  );
}

function managementGroupFaults({ managementGroups = [] }: Estate): string[] {
  const byName = new Map(managementGroups.map((group) => [group.name.toLowerCase(), group]));
  return managementGroups.flatMap((group, index) => {
    const { parent } = group;
    if (parent === undefined) return [];
    const place = `\n  → at managementGroups[${index}].parent`;
    if (!byName.has(parent.toLowerCase()))
      return [`there is no management group '${parent}'${place}`];
    return isInCircle(group, byName) ? [`'${group.name}' is above itself${place}`] : [];
  });
}

function isInCircle(group: ManagementGroup, byName: ReadonlyMap<string, ManagementGroup>): boolean {
  const seen = new Set<ManagementGroup>();
  let above: ManagementGroup | undefined = group;
  while (above !== undefined && !seen.has(above)) {
    seen.add(above);
    above = byName.get((above.parent ?? "").toLowerCase());
  }
  return above === group;
}
