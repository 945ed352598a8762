/** Fields of `properties.accessRules` that say who: people, groups, circles of both. */
import { z } from "zod";
import type { GroupRef, PeopleAndGroups, PersonRef } from "./access-rules.ts";
import { repeated } from "./fields.ts";

/** What the reading of access rules needs to know besides the body. */
export interface AccessRulesContext {
  /** The tenant of a person who is named without one. */
  readonly callerTenantId: string;
  /** Whether the directory can be asked who is in a group. */
  readonly groupsUsable: boolean;
}

/** How many one list may name. */
const circleLimits = { people: 50, groups: 20 } as const;

/** An object that holds these members and no others: a misspelt rule must not silently allow more, nor a misspelt wish be dropped. */
export function closed<T extends z.ZodRawShape>(shape: T) {
  const members = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `no such member is known; expected ${members}`
        : `expected an object with ${members}`,
  });
}

/** A member that may be left out; null leaves it out too. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}

const objectId = z
  .guid("expected an object id such as 22222222-0000-4000-8000-000000000001")
  .transform((text) => text.toLowerCase());

const name = optional(z.string("expected text").max(128, "expected at most 128 characters"));

/** The schemas of who, for one reading. */
export function circleSchemas({ callerTenantId, groupsUsable }: AccessRulesContext) {
  const tenantId = z
    .guid("expected a tenant id such as 11111111-0000-4000-8000-000000000001")
    .nullish()
    .transform((text) => (text ?? callerTenantId).toLowerCase());
  const person = z
    .union([objectId.transform((id) => ({ objectId: id })), closed({ objectId, tenantId, name })])
    .transform((given): PersonRef => ({ tenantId: callerTenantId.toLowerCase(), ...given }));
  const group = z
    .union([objectId.transform((id): GroupRef => ({ objectId: id })), closed({ objectId, name })])
    .transform((given): GroupRef => given);
  const people = listOf(person, "people", circleLimits.people, personKey);
  const groups = listOf(group, "groups", circleLimits.groups, (each) => each.objectId).check(
    ({ value, issues }) => {
      if (value.length > 0 && !groupsUsable) {
        const message =
          "groups cannot be looked up here, as the setting DIRECTORY is off; list people instead";
        issues.push({ code: "custom", message, input: value });
      }
    },
  );
  const circle = closed({ people: optional(people), groups: optional(groups) })
    .transform(
      (given): PeopleAndGroups => ({ people: given.people ?? [], groups: given.groups ?? [] }),
    )
    .check(({ value, issues }) => {
      if (value.people.length === 0 && value.groups.length === 0) {
        const message = "expected at least one person or group: nobody could answer";
        issues.push({ code: "custom", message, input: value });
      }
    });
  return { people, groups, circle };
}

/** What makes two mentions the same person. */
export function personKey({ tenantId, objectId }: PersonRef): string {
  return `${tenantId}/${objectId}`;
}

function listOf<T>(schema: z.ZodType<T>, what: string, most: number, keyOf: (entry: T) => string) {
  return z
    .array(schema, `expected a list of ${what}`)
    .max(most, `expected at most ${most} ${what}`)
    .check(({ value, issues }) => {
      for (const index of repeated(value.map(keyOf))) {
        const message = "is listed twice; expected each once";
        issues.push({ code: "custom", path: [index], message, input: value[index] });
      }
    });
}
