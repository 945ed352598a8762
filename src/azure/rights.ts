import { z } from "zod";
import type { Principal } from "../caller/caller.ts";
import { deniesFor, groupsInQuestion, type ListedDeny, type Memberships } from "../caller/deny.ts";
import {
  type CallerRights,
  definitionKey,
  noRights,
  type RoleAssignment,
} from "../caller/permissions.ts";
import type { Log } from "../log.ts";
import type { Clock, Directory, Freshness, Rights } from "../ports.ts";
import { type ArmOptions, createArmHttp } from "./arm-http.ts";
import {
  type Answered,
  createQuestions,
  type Moment,
  oldest,
  type Questions,
} from "./questions.ts";
import { createRightsReads, type RightsReads } from "./rights-reads.ts";
import { createDefinitions } from "./role-definitions.ts";

export interface RightsOptions extends ArmOptions {
  readonly clock: Clock;
  readonly log: Pick<Log, "rightsUnreadable">;
  /** Tenants whose callers are accepted. With one, every caller is of the subscriptions' tenant. */
  readonly tenantIds: readonly string[];
  /** Who is in which group, for deny assignments that name groups. Without it nobody can tell, which counts against the caller. */
  readonly directory?: Directory | undefined;
  /** How old an answer may be; never more than 60. @default 60 */
  readonly cacheSeconds?: number | undefined;
}

/** NB. A right that was taken away may still be used for as long as an answer is kept. */
const longestCacheSeconds = 60;
/** A subscription moves to another tenant seldom, and loses all its role assignments when it does. */
const tenantKeptMs = 86_400_000;
const keptCallers = 5_000;
const keptSubscriptions = 200;
/** Groups of deny assignments that the directory is asked about at most; whether others hold the caller is not known. */
const mostGroups = 400;

const guid = z.guid();

/**
 * Rights as Azure's role-based access control tells them, in at most three calls for a caller and subscription however many
 * VMs are asked about, and none while the answers are young:
 *
 * 1. the caller's role assignments at, above and below the subscription; Azure resolves groups (`assignedTo`). Who has none
 *    is done: a stranger costs one call;
 * 2. the deny assignments of the subscription, for all callers: whether one applies hangs on exclusions, which no filter knows;
 * 3. beside that the roles: the one definition by its id, or all the subscription has, once for everybody.
 *
 * One list per subscription and not one question per VM: a page of assignments holds all of a caller's, where questions at
 * every VM's scope would be 50 calls for 50 VMs. With several tenants one call more tells, once a day, whose a subscription is.
 */
export function createRights(options: RightsOptions): Rights {
  const keptMs = Math.min(options.cacheSeconds ?? longestCacheSeconds, longestCacheSeconds) * 1_000;
  const questions = createQuestions({ clock: options.clock, keptMs });
  const reads = tellingReads(
    createRightsReads(createArmHttp(options), options.endpoint),
    options.log,
  );
  const gather = createGather(options, questions, reads);
  const isOfTenant = createTenantCheck(options, reads);

  return {
    async of(principal, subscriptionId, { fresh = false }: Freshness = {}) {
      // NB. The ids become part of an address and of a filter expression: nothing but GUIDs may.
      const asked = {
        principal: { ...principal, objectId: guid.parse(principal.objectId).toLowerCase() },
        subscription: guid.parse(subscriptionId).toLowerCase(),
        since: fresh ? questions.moment() : undefined,
        fresh,
      };
      if (!(await isOfTenant(asked.principal, asked.subscription))) {
        return noRights;
      }
      return await questions.young(() => gather(asked));
    },
  };
}

interface Asked {
  readonly principal: Principal;
  /** Lower-case. */
  readonly subscription: string;
  readonly since: Moment | undefined;
  readonly fresh: boolean;
}

/** The rights, with the age of the oldest answer that they are made of. */
type Gather = (asked: Asked) => Promise<Answered<CallerRights>>;

function createGather(options: RightsOptions, questions: Questions, reads: RightsReads): Gather {
  const assignments = questions.answers<readonly RoleAssignment[] | undefined>(keptCallers);
  const denies = questions.answers<readonly ListedDeny[] | undefined>(keptSubscriptions);
  const definitions = createDefinitions(questions, reads);

  return async ({ principal, subscription, since, fresh }) => {
    // An object id is unique in its tenant only.
    const key = `${principal.tenantId.toLowerCase()}/${principal.objectId}/${subscription}`;
    const assigned = await assignments.get(
      key,
      () => reads.assignments(subscription, principal.objectId),
      since,
    );
    const held = assigned.answer ?? [];
    if (held.length === 0) {
      return { ...assigned, answer: noRights };
    }
    const keys = held.map((each) => definitionKey(each.roleDefinitionId));
    const [denied, roles] = await Promise.all([
      denies.get(subscription, () => reads.denies(subscription), since),
      definitions.of(subscription, keys, since),
    ]);
    const askedAt = oldest(assigned, denied, roles);
    const { answer: listed } = denied;
    if (listed === undefined || roles.answer === undefined) {
      // NB. Deny assignments that cannot be read are not the same as none.
      return { answer: noRights, askedAt };
    }
    const groups = groupsInQuestion(listed, principal);
    const memberships = await membershipsIn(options.directory, principal, groups, { fresh });
    const applying = deniesFor(listed, principal, memberships);
    return {
      answer: { assignments: held, definitions: roles.answer, denies: applying },
      askedAt,
    };
  };
}

/** As `reads`, and tells the operator what a caller's rights cannot be judged without and may not be read. */
function tellingReads(reads: RightsReads, log: RightsOptions["log"]): RightsReads {
  const told = async <T>(what: string, subscriptionId: string, list: Promise<T | undefined>) => {
    const found = await list;
    if (found === undefined) {
      log.rightsUnreadable({ subscriptionId, what });
    }
    return found;
  };
  return {
    ...reads,
    denies: (subscription) => told("deny assignments", subscription, reads.denies(subscription)),
    definitions: (subscription) =>
      told("role definitions", subscription, reads.definitions(subscription)),
    definition: (subscription, key) =>
      told(`role definition ${key}`, subscription, reads.definition(subscription, key)),
  };
}

/**
 * What the directory says for certain.
 * NB. Of somebody it does not know as an enabled account, or when it does not answer, it says nothing.
 */
async function membershipsIn(
  directory: Directory | undefined,
  principal: Principal,
  groups: readonly string[],
  freshness: Freshness,
): Promise<Memberships> {
  const asked = groups.filter((id) => guid.safeParse(id).success).slice(0, mostGroups);
  if (directory === undefined || asked.length === 0) {
    return new Map();
  }
  try {
    const [isKnown, held] = await Promise.all([
      directory.isEnabled(principal, freshness),
      directory.groupsOf(principal, asked, freshness),
    ]);
    return new Map(isKnown ? asked.map((id) => [id, held.has(id)] as const) : []);
  } catch {
    return new Map();
  }
}

/** Whether the subscription is of the principal's tenant, which nobody has to ask where there is only one. */
function createTenantCheck(
  { clock, tenantIds }: RightsOptions,
  reads: RightsReads,
): (principal: Principal, subscription: string) => Promise<boolean> {
  if (new Set(tenantIds.map((id) => id.toLowerCase())).size < 2) {
    return async () => true;
  }
  const tenants = createQuestions({ clock, keptMs: tenantKeptMs }).answers<string | undefined>(
    keptSubscriptions,
  );
  return async ({ tenantId }, subscription) => {
    const { answer } = await tenants.get(subscription, () => reads.tenantOf(subscription));
    if (answer === undefined) {
      // It may be ours tomorrow.
      tenants.forget(subscription);
    }
    return answer === tenantId.toLowerCase();
  };
}
