import { z } from "zod";
import { definitionKey, type RoleAssignment, type RoleDefinition } from "../caller/permissions.ts";
import type { Clock, Rights } from "../ports.ts";
import { type ArmAnswer, type ArmOptions, createArmHttp, type SendToArm } from "./arm-http.ts";
import { armErrorFrom, parseJson } from "./azure-error.ts";
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
const apiVersion = "2022-04-01";
const guid = z.guid();

/**
 * Rights as Azure's role-based access control tells them. Groups are resolved by Azure (`assignedTo`), transitively.
 *
 * NB. The answers are read as they come: the model of arm-authorization 9 leaves a permission's `condition` out, and a
 * permission whose condition nobody sees would grant without it.
 */
export function createRights(options: RightsOptions): Rights {
  const send = createArmHttp(options);
  const forSeconds = Math.min(options.cacheSeconds ?? longestCacheSeconds, longestCacheSeconds);
  const cache = { clock: options.clock, keptMs: forSeconds * 1_000 };
  const assignments = createCache<readonly RoleAssignment[]>({ ...cache, size: keptCallers });
  const definitions = createCache<RoleDefinition | undefined>({ ...cache, size: keptDefinitions });

  return {
    async assignments(caller, subscriptionId) {
      // NB. The ids become part of an address and of a filter expression: nothing but GUIDs may.
      const objectId = guid.parse(caller.objectId).toLowerCase();
      const subscription = guid.parse(subscriptionId).toLowerCase();
      // An object id is unique in its tenant only.
      const key = `${caller.tenantId.toLowerCase()}/${objectId}/${subscription}`;
      return await assignments.get(key, () => listAssignments(send, subscription, objectId));
    },
    async definition(roleDefinitionId, subscriptionId) {
      const key = definitionKey(roleDefinitionId);
      const subscription = guid.parse(subscriptionId).toLowerCase();
      return guid.safeParse(key).success
        ? await definitions.get(`${subscription}/${key}`, () =>
            readDefinition(send, subscription, key),
          )
        : undefined;
    },
  };
}

const addressOf = (subscription: string, collection: string, query = ""): string =>
  `/subscriptions/${subscription}/providers/Microsoft.Authorization/${collection}?api-version=${apiVersion}${query}`;

const condition = z.string().nullish();
const assignmentPage = z.object({
  value: z.array(
    z.object({
      id: z.string(),
      properties: z.object({ scope: z.string(), roleDefinitionId: z.string(), condition }),
    }),
  ),
  nextLink: z.string().nullish(),
});

/** Without `atScope()` the list holds what is assigned at, above and below the subscription. */
async function listAssignments(
  send: SendToArm,
  subscription: string,
  objectId: string,
): Promise<readonly RoleAssignment[]> {
  const filter = encodeURIComponent(`assignedTo('${objectId}')`);
  const found: RoleAssignment[] = [];
  let url: string | undefined = addressOf(subscription, "roleAssignments", `&$filter=${filter}`);
  while (url !== undefined) {
    const answer = await send({ method: "GET", url });
    const page = assignmentPage.parse(okBody(answer, "The role assignments of the caller"));
    for (const { id, properties } of page.value) {
      const { scope, roleDefinitionId } = properties;
      found.push({ id, scope, roleDefinitionId, hasCondition: isCondition(properties.condition) });
    }
    url = page.nextLink || undefined;
  }
  return found;
}

const patterns = z.array(z.string()).nullish();
const definitionBody = z.object({
  id: z.string(),
  properties: z.object({
    permissions: z
      .array(z.object({ actions: patterns, notActions: patterns, condition }))
      .nullish(),
  }),
});

async function readDefinition(
  send: SendToArm,
  subscription: string,
  key: string,
): Promise<RoleDefinition | undefined> {
  const url = addressOf(subscription, `roleDefinitions/${key}`);
  const answer = await send({ method: "GET", url });
  if (answer.status === 404) {
    return undefined;
  }
  const { id, properties } = definitionBody.parse(okBody(answer, `The role definition ${key}`));
  const permissions = (properties.permissions ?? []).map((permission) => ({
    actions: permission.actions ?? [],
    notActions: permission.notActions ?? [],
    hasCondition: isCondition(permission.condition),
  }));
  return { id, permissions };
}

const isCondition = (text: string | null | undefined): boolean => (text ?? "").trim() !== "";

function okBody(answer: ArmAnswer, what: string): unknown {
  if (answer.status !== 200) {
    throw armErrorFrom(answer, `${what} cannot be read`);
  }
  return parseJson(answer.text);
}

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
    get(key, load) {
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
