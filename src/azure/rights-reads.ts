import { z } from "zod";
import type { Permission } from "../caller/action-pattern.ts";
import type { ListedDeny } from "../caller/deny.ts";
import type { RoleAssignment, RoleDefinition } from "../caller/permissions.ts";
import { bodyOf } from "./arm-answer.ts";
import type { SendToArm } from "./arm-http.ts";
import { createArmList } from "./arm-list.ts";
import { ArmError } from "./azure-error.ts";

/**
 * What Azure Resource Manager is asked about rights. Subscriptions are GUIDs in lower case. Nothing where there is no such
 * subscription, or where this service may not read it.
 */
export interface RightsReads {
  /** At, above and below the subscription, direct and through groups. */
  assignments(
    subscription: string,
    objectId: string,
  ): Promise<readonly RoleAssignment[] | undefined>;
  /** At, above and below the subscription, for everybody. */
  denies(subscription: string): Promise<readonly ListedDeny[] | undefined>;
  /** All that may be assigned in the subscription or below. */
  definitions(subscription: string): Promise<readonly RoleDefinition[] | undefined>;
  /** By its GUID. */
  definition(subscription: string, key: string): Promise<RoleDefinition | undefined>;
  /** The subscription's tenant, lower-case. */
  tenantOf(subscription: string): Promise<string | undefined>;
}

const authorizationVersion = "2022-04-01";
const subscriptionsVersion = "2022-12-01";

/**
 * NB. The answers are read as they come: the model of arm-authorization 9 leaves a permission's `condition` out, and a
 * permission whose condition nobody sees would grant without it.
 */
export function createRightsReads(send: SendToArm, endpoint: string): RightsReads {
  const list = createArmList(send, endpoint);
  return {
    // Without `atScope()` the list holds what is assigned below the subscription as well.
    assignments: (subscription, objectId) =>
      unlessUnseen(async () => {
        const url = addressOf(subscription, "roleAssignments", `assignedTo('${objectId}')`);
        const found = await list(url, assignmentSchema, "The role assignments of a caller");
        return found.map(({ id, properties: { scope, roleDefinitionId, condition } }) => ({
          id,
          scope,
          roleDefinitionId,
          hasCondition: isCondition(condition),
        }));
      }),

    denies: (subscription) =>
      unlessUnseen(async () => {
        const url = addressOf(subscription, "denyAssignments");
        return (await list(url, denySchema, "The deny assignments")).map(denyOf);
      }),

    definitions: (subscription) =>
      unlessUnseen(async () => {
        const url = addressOf(subscription, "roleDefinitions", "atScopeAndBelow()");
        return (await list(url, definitionSchema, "The role definitions")).map(definitionOf);
      }),

    definition: (subscription, key) =>
      unlessUnseen(async () => {
        const url = addressOf(subscription, `roleDefinitions/${key}`);
        const answer = await send({ method: "GET", url });
        return definitionOf(bodyOf(answer, definitionSchema, `The role definition ${key}`));
      }),

    tenantOf: (subscription) =>
      unlessUnseen(async () => {
        const url = `/subscriptions/${subscription}?api-version=${subscriptionsVersion}`;
        const answer = await send({ method: "GET", url });
        const found = bodyOf(answer, subscriptionSchema, `The subscription ${subscription}`);
        return found.tenantId.toLowerCase();
      }),
  };
}

function addressOf(subscription: string, collection: string, filter?: string): string {
  const query = filter === undefined ? "" : `&$filter=${encodeURIComponent(filter)}`;
  return `/subscriptions/${subscription}/providers/Microsoft.Authorization/${collection}?api-version=${authorizationVersion}${query}`;
}

/** Answers that say "there is nothing for you here": no such subscription or role, none that we see, nobody of that id. */
const unseenCodes = new Set(["InvalidSubscriptionId", "PrincipalNotFound", "SubscriptionNotFound"]);

async function unlessUnseen<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (
      error instanceof ArmError &&
      (error.status === 403 || error.status === 404 || unseenCodes.has(error.code))
    ) {
      return undefined;
    }
    throw error;
  }
}

const condition = z.string().nullish();
const isCondition = (text: string | null | undefined): boolean => (text ?? "").trim() !== "";

const assignmentSchema = z.object({
  id: z.string(),
  properties: z.object({ scope: z.string(), roleDefinitionId: z.string(), condition }),
});

const patterns = z.array(z.string()).nullish();
const permissionsSchema = z
  .array(z.object({ actions: patterns, notActions: patterns, condition }))
  .nullish();
type Permissions = z.infer<typeof permissionsSchema>;

const definitionSchema = z.object({
  id: z.string(),
  properties: z.object({ permissions: permissionsSchema }),
});

const principalsSchema = z
  .array(z.object({ id: z.string(), type: z.string().nullish() }))
  .nullish();

const denySchema = z.object({
  id: z.string(),
  properties: z.object({
    denyAssignmentName: z.string().nullish(),
    scope: z.string(),
    doNotApplyToChildScopes: z.boolean().nullish(),
    permissions: permissionsSchema,
    principals: principalsSchema,
    excludePrincipals: principalsSchema,
  }),
});

const subscriptionSchema = z.object({ tenantId: z.guid() });

function definitionOf({ id, properties }: z.infer<typeof definitionSchema>): RoleDefinition {
  return { id, permissions: permissionsOf(properties.permissions) };
}

function permissionsOf(permissions: Permissions): readonly Permission[] {
  return (permissions ?? []).map((permission) => ({
    actions: permission.actions ?? [],
    notActions: permission.notActions ?? [],
    hasCondition: isCondition(permission.condition),
  }));
}

function denyOf({ id, properties }: z.infer<typeof denySchema>): ListedDeny {
  return {
    id,
    name: properties.denyAssignmentName ?? "",
    scope: properties.scope,
    doNotApplyToChildScopes: properties.doNotApplyToChildScopes === true,
    permissions: permissionsOf(properties.permissions),
    principals: principalsOf(properties.principals),
    excludePrincipals: principalsOf(properties.excludePrincipals),
  };
}

function principalsOf(principals: z.infer<typeof principalsSchema>): ListedDeny["principals"] {
  return (principals ?? []).map(({ id, type }) => ({ id, type: type ?? "" }));
}
