import { odata } from "@azure/data-tables";
import type { Fact } from "../activity/fact.ts";
import { groupOf } from "../activity/filter.ts";
import type { FactFilter } from "../activity/store.ts";
import { encodeId, encodeKey } from "./keys.ts";

/**
 * Columns by which the storage itself can filter facts. Ids are in lower case. NB. What comes from a path or a body is encoded as in keys:
 * a text that the storage does not take would keep its fact, and whatever is written together with it, out of a chain for ever.
 */
interface FactColumns {
  readonly operation: string;
  readonly outcome: string;
  readonly subscription: string;
  readonly vm?: string | undefined;
  readonly group?: string | undefined;
  readonly request?: string | undefined;
  readonly actor?: string | undefined;
  readonly requestor?: string | undefined;
}

/**
 * Table Storage takes 15 comparisons in a filter; four name partitions and rows.
 * @see https://learn.microsoft.com/rest/api/storageservices/querying-tables-and-entities
 */
const mostComparisons = 15 - 4;

/** The columns of a fact's rows. */
export function columnsOf(fact: Fact): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(allColumns(fact)).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
}

/** Whether a row's columns say what its fact says. */
export function saysTheSame(row: Readonly<Record<string, unknown>>, fact: Fact): boolean {
  return Object.entries(allColumns(fact)).every(([name, value]) => row[name] === value);
}

function allColumns(fact: Fact): FactColumns {
  const { operation, outcome, subscriptionId, vmId, requestId, actor, requestor } = fact;
  return {
    operation,
    outcome,
    subscription: plainKey(subscriptionId),
    vm: vmId === undefined ? undefined : encodeId(vmId),
    group: plainKey(groupOf(fact)),
    request: plainKey(requestId),
    actor: actor?.objectId.toLowerCase(),
    requestor: requestor?.objectId.toLowerCase(),
  };
}

/** What of a filter the storage can decide, as OData; empty where that is nothing. The rest is for who reads the rows. */
export function columnFilter(where: FactFilter = {}): string {
  let room = mostComparisons;
  const taken = comparisonsOf(where).filter(({ length }) => {
    const fits = length > 0 && length <= room;
    room -= fits ? length : 0;
    return fits;
  });
  return taken.map((any) => `(${any.join(" or ")})`).join(" and ");
}

/** Lists of which one has to hold each; what keeps out the most comes first. */
function comparisonsOf(where: FactFilter): readonly (readonly string[])[] {
  const { vmId, requestId, person, resourceGroup, subscriptionId, operations, outcomes } = where;
  return [
    about(plainKey(requestId), (value) => [odata`request eq ${value}`]),
    about(vmId === undefined ? undefined : encodeId(vmId), (value) => [odata`vm eq ${value}`]),
    about(person?.toLowerCase(), (value) => [
      odata`actor eq ${value}`,
      odata`requestor eq ${value}`,
    ]),
    about(plainKey(resourceGroup), (value) => [odata`group eq ${value}`]),
    about(plainKey(subscriptionId), (value) => [odata`subscription eq ${value}`]),
    (outcomes ?? []).map((value) => odata`outcome eq ${value}`),
    (operations ?? []).map((value) => odata`operation eq ${value}`),
  ];
}

function plainKey<T extends string | undefined>(text: T): T | string {
  return text === undefined ? text : encodeKey(text.toLowerCase());
}

function about(
  value: string | undefined,
  comparisons: (value: string) => readonly string[],
): readonly string[] {
  return value === undefined ? [] : comparisons(value);
}
