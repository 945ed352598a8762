import { isObject } from "../../answers.ts";
import { unreadable } from "../rule-errors.ts";
import { badPriority, noRules, sameName, samePriority } from "./errors.ts";

/** A rule collection without the wrapping that classic firewalls give it. */
export interface Collection {
  readonly name: string;
  readonly priority: unknown;
  readonly action: unknown;
  readonly rules: readonly Readonly<Record<string, unknown>>[];
}

/** The collection inside `members`. Throws when it is not one, has no rules, or rules share a name. */
export function readCollection(
  name: unknown,
  members: Readonly<Record<string, unknown>>,
): Collection {
  if (typeof name !== "string" || name === "") {
    throw unreadable("Required property 'name' not found in a rule collection.");
  }
  const { priority, action, rules } = members;
  checkPriority(`Rule collection ${name}`, priority);
  if (!Array.isArray(rules) || rules.length === 0) throw noRules(name);
  if (!rules.every((rule) => isObject(rule) && typeof rule["name"] === "string")) {
    throw unreadable(`Required property 'name' not found in a rule of '${name}'.`);
  }
  checkNames(
    `Rule collection ${name}`,
    rules.map((rule) => rule.name),
  );
  return { name, priority, action, rules };
}

/** Throws unless names and priorities are unique in `where`. */
export function checkApart(where: string, collections: readonly Collection[]): void {
  checkNames(
    where,
    collections.map(({ name }) => name),
  );
  const taken = new Map<unknown, string>();
  for (const { name, priority } of collections) {
    const other = taken.get(priority);
    if (other !== undefined) throw samePriority(name, other, priority);
    taken.set(priority, name);
  }
}

/** Names of children are compared without case. */
export function checkNames(where: string, names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name.toLowerCase())) throw sameName(where, name);
    seen.add(name.toLowerCase());
  }
}

export function checkPriority(what: string, priority: unknown): void {
  if (!Number.isInteger(priority)) {
    throw unreadable(`Property 'priority' must be an integer; the value is '${priority}'.`);
  }
  if (Number(priority) < 100 || Number(priority) > 65_000) throw badPriority(what, priority);
}

/** NB. Spelled to the letter: Azure's own enums for classic rules and for policies differ (`Dnat`, `DNAT`). */
export function checkAction(name: string, action: unknown, allowed: readonly string[]): void {
  const type = isObject(action) ? action["type"] : undefined;
  if (typeof type === "string" && allowed.includes(type)) return;
  throw unreadable(
    `Error converting value "${type}" to the action of rule collection '${name}'. Allowed are ${allowed.join(", ")}.`,
  );
}
