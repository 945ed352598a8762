import type { Permission } from "../../src/caller/action-pattern.ts";
import type { Principal } from "../../src/caller/caller.ts";
import type { DenyAssignment } from "../../src/caller/deny.ts";
import {
  definitionKey,
  type RoleAssignment,
  type RoleDefinition,
} from "../../src/caller/permissions.ts";
import { idKey, subscriptionOf } from "../../src/policy/resource-id.ts";
import type { Freshness, Rights } from "../../src/ports.ts";

type Holder = Pick<Principal, "objectId">;
type Role = readonly string[] | readonly Permission[];

/** Role and deny assignments as values. */
export interface FakeRights extends Rights {
  /** Assigns a role made of these permissions, or of just these actions, at a scope. Answers the assignment's id. */
  grant(
    holder: Holder,
    scope: string,
    role: Role,
    options?: { readonly hasCondition?: boolean },
  ): string;
  revokeAll(holder: Holder): void;
  /** Denies these actions at a scope, to everybody or to one holder. Answers the deny assignment's id. */
  deny(
    scope: string,
    actions: Role,
    options?: {
      readonly to?: Holder;
      readonly name?: string;
      readonly doNotApplyToChildScopes?: boolean;
    },
  ): string;
  /** The next questions throw; one each. */
  failNext(...errors: readonly Error[]): void;
  /** Who was asked about, oldest first. */
  readonly asked: readonly (Holder & Freshness)[];
}

export function createFakeRights(): FakeRights {
  const held = new Map<string, RoleAssignment[]>();
  const definitions = new Map<string, RoleDefinition>();
  const denied: { readonly to: string | undefined; readonly deny: DenyAssignment }[] = [];
  const asked: (Holder & Freshness)[] = [];
  const errors: Error[] = [];
  let count = 0;

  function nextGuid(): string {
    count += 1;
    return `00000000-0000-4000-8000-${String(count).padStart(12, "0")}`;
  }

  return {
    asked,
    grant(holder, scope, role, { hasCondition = false } = {}) {
      const guid = nextGuid();
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
    deny(scope, given, { to, name = "no entry", doNotApplyToChildScopes = false } = {}) {
      const id = `${scope}/providers/Microsoft.Authorization/denyAssignments/${nextGuid()}`;
      const permissions = given.map(permissionOf);
      denied.push({
        to: to?.objectId.toLowerCase(),
        deny: { id, name, scope, doNotApplyToChildScopes, permissions },
      });
      return id;
    },
    failNext: (...coming) => void errors.push(...coming),

    async of({ objectId }, subscriptionId, freshness = {}) {
      asked.push({ objectId, ...freshness });
      const error = errors.shift();
      if (error !== undefined) {
        throw error;
      }
      const key = objectId.toLowerCase();
      const assignments = (held.get(key) ?? []).filter(({ scope }) =>
        isSeenFrom(subscriptionId, scope),
      );
      return {
        assignments,
        definitions: new Map(
          assignments.flatMap(({ roleDefinitionId }) => {
            const role = definitions.get(definitionKey(roleDefinitionId));
            return role === undefined ? [] : [[definitionKey(roleDefinitionId), role]];
          }),
        ),
        denies: denied
          .filter(({ to, deny }) => (to ?? key) === key && isSeenFrom(subscriptionId, deny.scope))
          .map(({ deny }) => deny),
      };
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
