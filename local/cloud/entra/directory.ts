import { idKey } from "../arm-id.ts";
import type { ArmResource, Estate } from "../estate.ts";
import type { Resources } from "../resources.ts";
import { sameText } from "../resources.ts";

const TYPES = {
  User: "Microsoft.Graph/users",
  ServicePrincipal: "Microsoft.Graph/servicePrincipals",
  Group: "Microsoft.Graph/groups",
} as const;

export type DirectoryKind = keyof typeof TYPES;

export interface DirectoryObject {
  readonly kind: DirectoryKind;
  readonly id: string;
  readonly displayName: string;
  /** Always true for a group. */
  readonly accountEnabled: boolean;
  /** Of users only. */
  readonly userPrincipalName?: string;
  /** Of service principals only: the client id. */
  readonly appId?: string;
  /** Object ids of the direct members; none but a group has any. */
  readonly members: readonly string[];
}

/** The tenant's users, service principals and groups as they are now. Object ids are compared without case. */
export interface Directory {
  find(objectId: string): DirectoryObject | undefined;
  findUser(userPrincipalName: string): DirectoryObject | undefined;
  /** The ids, in lower case, of every group that holds the object, however deep. */
  groupsOf(objectId: string): ReadonlySet<string>;
  put(object: DirectoryObject): void;
}

/**
 * The estate's directory as the cloud keeps it. The objects lie among its resources under ids that no ARM path reaches,
 * so that a restart keeps them and a stale read shows them as they were. Who is of another tenant is not in it, as in Azure.
 */
export function directoryResources(estate: Estate): readonly ArmResource[] {
  const { people, applications = [], groups = [], serviceIdentity, tenantId } = estate;
  const users = people.filter((person) => sameText(person.tenantId ?? tenantId, tenantId));
  const objects: DirectoryObject[] = [
    ...users.map(({ objectId, displayName, userPrincipalName, accountEnabled = true }) => ({
      kind: "User" as const,
      id: objectId,
      displayName,
      accountEnabled,
      userPrincipalName,
      members: [],
    })),
    ...applications.map(({ objectId, displayName, clientId, accountEnabled = true }) => ({
      kind: "ServicePrincipal" as const,
      id: objectId,
      displayName,
      accountEnabled,
      appId: clientId,
      members: [],
    })),
    {
      kind: "ServicePrincipal",
      id: serviceIdentity.principalId,
      displayName: "JIT Access",
      accountEnabled: true,
      appId: serviceIdentity.clientId,
      members: [],
    },
    ...groups.map(({ objectId, displayName, members }) => ({
      kind: "Group" as const,
      id: objectId,
      displayName,
      accountEnabled: true,
      members,
    })),
  ];
  return objects.map(resourceOf);
}

/** Reads and changes what `directoryResources` put there. */
export function createDirectory(resources: Resources): Directory {
  const all = (kind: DirectoryKind) =>
    resources.list(TYPES[kind]).map(({ resource }) => objectOf(resource));

  return {
    find(objectId) {
      const held = resources.get(keyOf(objectId));
      return held === undefined ? undefined : objectOf(held.resource);
    },
    findUser: (name) => all("User").find((user) => sameText(user.userPrincipalName, name)),
    groupsOf(objectId) {
      const groups = all("Group");
      const found = new Set<string>();
      const waiting = [objectId.toLowerCase()];
      for (let member = waiting.pop(); member !== undefined; member = waiting.pop()) {
        for (const { id, members } of groups) {
          const key = id.toLowerCase();
          if (found.has(key) || !members.some((each) => sameText(each, member))) continue;
          found.add(key);
          waiting.push(key);
        }
      }
      return found;
    },
    put: (object) => void resources.put(resourceOf(object)),
  };
}

function keyOf(objectId: string): string {
  return idKey(`/directory/${encodeURIComponent(objectId)}`);
}

function resourceOf(object: DirectoryObject): ArmResource {
  const { id, kind } = object;
  return { id: keyOf(id), name: id, type: TYPES[kind], properties: { ...object } };
}

function objectOf(resource: ArmResource): DirectoryObject {
  return resource.properties as unknown as DirectoryObject;
}
