import type { Requestor } from "../access/request.ts";
import type { Principal } from "../caller/caller.ts";
import { idKey } from "../policy/resource-id.ts";
import type { Digest } from "../ports.ts";
import type { Fact } from "./fact.ts";
import { invertedDay, invertedTime, keyText, millisecondsOf } from "./row-keys.ts";
import type { FactsOf } from "./store.ts";

/** Where a fact lies in one of the chains that hold it. */
export interface FactPlace {
  /** Month and partition: `2026-11/vm|…`. */
  readonly chain: string;
  /** Its key there: sorts the newest first, and two facts never share one. */
  readonly rowKey: string;
}

/** All places at which a fact has to lie, whole: with its subscription and day, its VM, each person and its request. */
export function placesOf(fact: Fact, digest: Digest): readonly FactPlace[] {
  const month = monthOf(fact.at);
  const rowKey = `${invertedTime(fact.at)}|${keyText(fact.id, digest)}`;
  const partitions = new Set(historiesOf(fact).map((of) => partitionOf(of, fact.at, digest)));
  return [...partitions].map((partition) => ({ chain: chainName(month, partition), rowKey }));
}

/** Where the facts asked for lie in each month: one partition, or those of days that begin so, the newest first. */
export function historyOf(
  of: FactsOf,
  digest: Digest,
): { readonly partition: string; readonly isByDay: boolean } {
  if ("vmId" in of) {
    return { partition: `vm|${keyText(idKey(of.vmId), digest)}`, isByDay: false };
  }
  if ("subscriptionId" in of) {
    const key = keyText(of.subscriptionId.toLowerCase(), digest);
    return { partition: `subscription|${key}|`, isByDay: true };
  }
  return "person" in of
    ? { partition: `person|${keyText(personKey(of.person), digest)}`, isByDay: false }
    : { partition: `request|${keyText(of.requestId.toLowerCase(), digest)}`, isByDay: false };
}

/** The UTC month of a moment, such as `2026-11`; of one before 1970 or after 9999 the first or last there is. */
export function monthOf(time: Date | string | number): string {
  const moment = typeof time === "number" ? time : millisecondsOf(time);
  return new Date(Math.min(Math.max(moment, 0), lastMoment)).toISOString().slice(0, 7);
}

/** The month before. */
export function monthBefore(month: string): string {
  return monthOf(Date.parse(`${month}-01T00:00:00Z`) - 1);
}

/** The name of a chain. */
export function chainName(month: string, partition: string): string {
  return `${month}/${partition}`;
}

/** What {@link chainName} made the name of. */
export function chainParts(chain: string): { readonly month: string; readonly partition: string } {
  const slash = chain.indexOf("/");
  return { month: chain.slice(0, slash), partition: chain.slice(slash + 1) };
}

const lastMoment = Date.parse("9999-12-31T23:59:59.999Z");

function historiesOf({
  subscriptionId,
  vmId,
  requestId,
  actor,
  requestor,
}: Fact): readonly FactsOf[] {
  const people = [actor, requestor].filter((one): one is Requestor => one !== undefined);
  return [
    { subscriptionId },
    ...(vmId === undefined ? [] : [{ vmId }]),
    ...people.map((person) => ({ person })),
    ...(requestId === undefined ? [] : [{ requestId }]),
  ];
}

function partitionOf(of: FactsOf, at: string, digest: Digest): string {
  const { partition, isByDay } = historyOf(of, digest);
  return isByDay ? `${partition}${invertedDay(at)}` : partition;
}

const personKey = ({ tenantId, objectId }: Principal): string =>
  `${tenantId}.${objectId}`.toLowerCase();
