import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { isRestError } from "@azure/core-rest-pipeline";
import { z } from "zod";
import { definitionKey, type RoleAssignment, type RoleDefinition } from "../caller/permissions.ts";
import { idKey } from "../policy/resource-id.ts";
import type { Clock, Rights } from "../ports.ts";
import { type ArmOptions, defaultRequestTimeoutMs, withoutRequest } from "./arm-http.ts";
import { parseJson } from "./azure-error.ts";
import { createBoundedMap } from "./bounded-map.ts";

export interface RightsOptions extends ArmOptions {
  readonly clock: Clock;
  /** How old an answer may be; never more than 60. @default 60 */
  readonly cacheSeconds?: number | undefined;
}

/** NB. A right that was taken away may still be used for as long as an answer is kept. */
const longestCacheSeconds = 60;
const keptCallers = 5_000;
const keptDefinitions = 5_000;
const keptSubscriptions = 100;

/** Rights as Azure's role-based access control tells them. Groups are resolved by Azure (`assignedTo`), transitively. */
export function createRights(options: RightsOptions): Rights {
  const clientOf = createClients(options);
  const forSeconds = Math.min(options.cacheSeconds ?? longestCacheSeconds, longestCacheSeconds);
  const cache = { clock: options.clock, keptMs: forSeconds * 1_000 };
  const assignments = createCache<readonly RoleAssignment[]>({ ...cache, size: keptCallers });
  const definitions = createCache<RoleDefinition | undefined>({ ...cache, size: keptDefinitions });
  const perCall = {
    requestOptions: { timeout: options.requestTimeoutMs ?? defaultRequestTimeoutMs },
  };

  return {
    async assignments(caller, subscriptionId) {
      // NB. The id becomes part of a filter expression: nothing but a GUID may.
      const objectId = guid.parse(caller.objectId);
      return await assignments.get(
        `${subscriptionId.toLowerCase()}/${objectId.toLowerCase()}`,
        () => listAssignments(clientOf(subscriptionId), objectId, perCall),
      );
    },
    async definition(roleDefinitionId, subscriptionId) {
      const key = definitionKey(roleDefinitionId);
      return await definitions.get(`${subscriptionId.toLowerCase()}/${key}`, () =>
        readDefinition(clientOf(subscriptionId), key, perCall),
      );
    },
  };
}

const guid = z.guid();

type PerCall = { readonly requestOptions: { readonly timeout: number } };

function createClients(options: RightsOptions): (id: string) => AuthorizationManagementClient {
  const { credential, endpoint, scope, tlsOptions } = options;
  const known = createBoundedMap<AuthorizationManagementClient>(keptSubscriptions);
  return (subscriptionId) => {
    const key = guid.parse(subscriptionId).toLowerCase();
    const client =
      known.get(key) ??
      new AuthorizationManagementClient(credential, key, {
        endpoint,
        // NB. Without this the client asks for a token of `${endpoint}/.default`.
        credentialScopes: scope,
        retryOptions: { maxRetries: 3, retryDelayInMs: options.retryDelayMs ?? 500 },
        ...(tlsOptions === undefined ? {} : { tlsOptions }),
      });
    known.set(key, client);
    return client;
  };
}

/** Without `atScope()` the list holds what is assigned at, above and below the subscription. */
async function listAssignments(
  client: AuthorizationManagementClient,
  objectId: string,
  perCall: PerCall,
): Promise<readonly RoleAssignment[]> {
  const found: RoleAssignment[] = [];
  try {
    const filter = `assignedTo('${objectId}')`;
    for await (const item of client.roleAssignments.listForSubscription({ filter, ...perCall })) {
      // One without scope or role is of no use to anybody: it grants nothing.
      if (item.id !== undefined && item.scope !== undefined && item.roleDefinitionId) {
        found.push({
          id: item.id,
          scope: item.scope,
          roleDefinitionId: item.roleDefinitionId,
          hasCondition: isCondition(item.condition),
        });
      }
    }
  } catch (error) {
    throw withoutRequest(error, "GET roleAssignments");
  }
  return found;
}

const patterns = z.array(z.string()).nullish();
const definitionBody = z.object({
  id: z.string(),
  properties: z.object({
    permissions: z
      .array(z.object({ actions: patterns, notActions: patterns, condition: z.string().nullish() }))
      .nullish(),
  }),
});

/**
 * NB. The body is read as it came: arm-authorization 9 leaves a permission's `condition` out of its model, and a permission
 * whose condition nobody sees would grant without it.
 */
async function readDefinition(
  client: AuthorizationManagementClient,
  key: string,
  perCall: PerCall,
): Promise<RoleDefinition | undefined> {
  if (!guid.safeParse(key).success) {
    return undefined;
  }
  const scope = `/subscriptions/${client.subscriptionId}`;
  let body = "";
  try {
    await client.roleDefinitions.get(scope, key, {
      ...perCall,
      onResponse: (response) => {
        body = response.bodyAsText ?? "";
      },
    });
  } catch (error) {
    if (isRestError(error) && error.statusCode === 404) {
      return undefined;
    }
    throw withoutRequest(error, `GET roleDefinitions/${key}`);
  }
  const { id, properties } = definitionBody.parse(parseJson(body));
  const permissions = (properties.permissions ?? []).map((permission) => ({
    actions: permission.actions ?? [],
    notActions: permission.notActions ?? [],
    hasCondition: isCondition(permission.condition),
  }));
  return { id, permissions };
}

const isCondition = (text: string | null | undefined): boolean => (text ?? "").trim() !== "";

interface Cache<T> {
  /** The kept answer, the one under way, or a new one. Failures are not kept. */
  get(key: string, load: () => Promise<T>): Promise<T>;
}

/** An answer's age counts from the moment it was asked for. */
function createCache<T>(options: {
  readonly clock: Clock;
  readonly keptMs: number;
  readonly size: number;
}): Cache<T> {
  const entries = createBoundedMap<{ readonly answer: Promise<T>; readonly askedAt: number }>(
    options.size,
  );
  return {
    get(rawKey, load) {
      const key = idKey(rawKey);
      const now = options.clock.now().getTime();
      const kept = entries.get(key);
      if (kept !== undefined && now - kept.askedAt < options.keptMs && now >= kept.askedAt) {
        return kept.answer;
      }
      const entry = { answer: load(), askedAt: now };
      entries.set(key, entry);
      entry.answer.catch(() => entries.forget(key, entry));
      return entry.answer;
    },
  };
}
