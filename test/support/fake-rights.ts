import type { Caller } from "../../src/caller/caller.ts";
import {
  definitionKey,
  type Permission,
  type RoleAssignment,
  type RoleDefinition,
} from "../../src/caller/permissions.ts";
import { idKey, subscriptionOf } from "../../src/policy/resource-id.ts";
import type { Rights } from "../../src/ports.ts";

/** Role assignments and definitions as values. */
export interface FakeRights extends Rights {
  /** Assigns a role made of these permissions, or of just these actions, at a scope. Answers the assignment's id. */
  grant(
    holder: Pick<Caller, "objectId">,
    scope: string,
    role: readonly string[] | readonly Permission[],
    options?: { readonly hasCondition?: boolean },
  ): string;
  revokeAll(holder: Pick<Caller, "objectId">): void;
  /** The next questions of either kind throw; one each. */
  failNext(...errors: readonly Error[]): void;
}

export function createFakeRights(): FakeRights {
  const held = new Map<string, RoleAssignment[]>();
  const definitions = new Map<string, RoleDefinition>();
  const errors: Error[] = [];
  let count = 0;

  function throwIfTold(): void {
    const error = errors.shift();
    if (error !== undefined) {
      throw error;
    }
  }

  return {
    grant(holder, scope, role, { hasCondition = false } = {}) {
      count += 1;
      const guid = `00000000-0000-4000-8000-${String(count).padStart(12, "0")}`;
      const root = `/subscriptions/${subscriptionOf(scope) ?? ""}/providers/Microsoft.Authorization`;
      const roleDefinitionId = `${root}/roleDefinitions/${guid}`;
      definitions.set(guid, { id: roleDefinitionId, permissions: role.map(permissionOf) });
      const id = `${scope}/providers/Microsoft.Authorization/roleAssignments/${guid}`;
      const key = holder.objectId.toLowerCase();
      const assignment = { id, scope, roleDefinitionId, hasCondition };
      held.set(key, [...(held.get(key) ?? []), assignment]);
      return id;
    },
    revokeAll: (holder) => void held.delete(holder.objectId.toLowerCase()),
    failNext: (...coming) => void errors.push(...coming),

    async assignments(caller, subscriptionId) {
      throwIfTold();
      const all = held.get(caller.objectId.toLowerCase()) ?? [];
      return all.filter(({ scope }) => isSeenFrom(subscriptionId, scope));
    },
    async definition(roleDefinitionId) {
      throwIfTold();
      return definitions.get(definitionKey(roleDefinitionId));
    },
  };
}

function permissionOf(given: string | Permission): Permission {
  return typeof given === "string"
    ? { actions: [given], notActions: [], hasCondition: false }
    : given;
}

/** At or below the subscription, or above all of them. */
function isSeenFrom(subscriptionId: string, scope: string): boolean {
  const subscription = subscriptionOf(scope);
  return subscription === undefined || idKey(subscription) === idKey(subscriptionId);
}
