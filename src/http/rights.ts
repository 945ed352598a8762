import type { Caller } from "../caller/caller.ts";
import { type CallerRights, definitionKey, type RoleDefinition } from "../caller/permissions.ts";
import type { Rights } from "../ports.ts";

/** Everything the caller was granted in a subscription, gathered once for all the scopes of a call. */
export async function gatherRights(
  rights: Rights,
  caller: Caller,
  subscriptionId: string,
): Promise<CallerRights> {
  const assignments = await rights.assignments(caller, subscriptionId);
  const ids = new Map(
    assignments.map((assignment) => [
      definitionKey(assignment.roleDefinitionId),
      assignment.roleDefinitionId,
    ]),
  );
  const definitions = await Promise.all(
    [...ids].map(async ([key, id]) => [key, await rights.definition(id, subscriptionId)] as const),
  );
  return {
    assignments,
    definitions: new Map(
      definitions.filter(
        (entry): entry is readonly [string, RoleDefinition] => entry[1] !== undefined,
      ),
    ),
  };
}
