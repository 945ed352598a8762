import { z } from "zod";
import { definitionKey, type RoleDefinition } from "../caller/permissions.ts";
import { type Answered, type Moment, oldest, type Questions } from "./questions.ts";
import type { RightsReads } from "./rights-reads.ts";

/** Role definitions by `definitionKey`. */
type Roles = ReadonlyMap<string, RoleDefinition>;

export interface Definitions {
  /** Those of these roles that exist, with the age of the oldest answer; none at all when the list of them may not be read. */
  of(
    subscription: string,
    keys: readonly string[],
    since: Moment | undefined,
  ): Promise<Answered<Roles | undefined>>;
}

const keptDefinitions = 5_000;
/** A list has all built-in roles too, some hundred. */
const keptLists = 16;
/** Roles that the list did not have are looked up one by one, so many at most; others are unknown and grant nothing. */
const mostSingle = 20;

/**
 * The definitions of a caller's roles with the fewest calls: most callers have one role that nobody asked about lately, which
 * is one small answer; several are one list, which then serves every caller of the subscription.
 */
export function createDefinitions(questions: Questions, reads: RightsReads): Definitions {
  const singles = questions.answers<RoleDefinition | undefined>(keptDefinitions);
  const lists = questions.answers<Roles | undefined>(keptLists);

  async function listOf(subscription: string): Promise<Roles | undefined> {
    const found = await reads.definitions(subscription);
    return found && new Map(found.map((role) => [definitionKey(role.id), role]));
  }

  return {
    async of(subscription, given, since) {
      const keys = [...new Set(given)].filter((key) => z.guid().safeParse(key).success);
      const singleKey = (key: string) => `${subscription}/${key}`;
      const unknown = keys.filter((key) => singles.peek(singleKey(key), since) === undefined);
      const list = await (unknown.length > 1
        ? lists.get(subscription, () => listOf(subscription), since)
        : lists.peek(subscription, since));
      if (list !== undefined && list.answer === undefined) {
        return list;
      }
      const isListed = (key: string) => list?.answer?.has(key) === true;
      const unlisted = keys.filter((key) => !isListed(key));
      const beyond = new Set(unlisted.filter((key) => unknown.includes(key)).slice(mostSingle));
      const alone = await Promise.all(
        unlisted
          .filter((key) => !beyond.has(key))
          .map((key) =>
            singles.get(singleKey(key), () => reads.definition(subscription, key), since),
          ),
      );
      const found = [
        ...keys.map((key) => list?.answer?.get(key)),
        ...alone.map(({ answer }) => answer),
      ].filter((role) => role !== undefined);
      return {
        answer: new Map(found.map((role) => [definitionKey(role.id), role])),
        askedAt: oldest(...(list === undefined ? [] : [list]), ...alone),
      };
    },
  };
}
