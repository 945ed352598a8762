import { resourceName } from "../policy/resource-id.ts";
import type { Fact } from "./fact.ts";
import { groupOf } from "./filter.ts";
import type { ChainPosition } from "./store.ts";

/** What a row of the table tells: a fact, and where it stands in its chain where the reader may know. */
export interface FactRow {
  readonly fact: Fact;
  readonly position?: ChainPosition | undefined;
}

type Cell = string | number | undefined;

/**
 * The columns of a fact in a table for people, in order. Names and order are told in docs/api.md and only ever grow at the end.
 * Lists are joined by a semicolon and a space.
 */
export const columns: readonly (readonly [name: string, of: (row: FactRow) => Cell])[] = [
  ["time", ({ fact }) => fact.at],
  ["operation", ({ fact }) => fact.operation],
  ["outcome", ({ fact }) => fact.outcome],
  ["actor", ({ fact }) => fact.actor?.name],
  ["actorId", ({ fact }) => fact.actor?.objectId],
  ["actorKind", ({ fact }) => fact.actor?.kind],
  ["application", ({ fact }) => fact.actor?.application],
  ["address", ({ fact }) => fact.origin?.address],
  ["requestor", ({ fact }) => fact.requestor?.name],
  ["requestorId", ({ fact }) => fact.requestor?.objectId],
  ["subscriptionId", ({ fact }) => fact.subscriptionId],
  ["resourceGroup", ({ fact }) => groupOf(fact)],
  ["vm", ({ fact }) => (fact.vmId === undefined ? undefined : resourceName(fact.vmId))],
  ["port", ({ fact }) => fact.port],
  ["protocol", ({ fact }) => fact.protocol],
  ["sources", ({ fact }) => joined(fact.sources)],
  ["closesAt", ({ fact }) => fact.closesAt],
  ["endReason", ({ fact }) => fact.endReason],
  ["breakGlass", ({ fact }) => (fact.breakGlass === true ? "true" : undefined)],
  ["justification", ({ fact }) => fact.justification],
  ["comment", ({ fact }) => fact.comment],
  [
    "reasons",
    ({ fact }) => joined(fact.reasons?.map(({ code, message }) => `${code}: ${message}`)),
  ],
  ["gates", ({ fact }) => joined(fact.gates?.map(({ id }) => id))],
  ["rules", ({ fact }) => joined(fact.gates?.flatMap(({ rules }) => rules))],
  ["changes", ({ fact }) => fact.changes?.length],
  ["vmId", ({ fact }) => fact.vmId],
  ["policyId", ({ fact }) => fact.policyId],
  ["requestId", ({ fact }) => fact.requestId],
  ["windowId", ({ fact }) => fact.windowId],
  ["followsRequestId", ({ fact }) => fact.followsRequestId],
  ["callId", ({ fact }) => fact.origin?.callId],
  ["correlationId", ({ fact }) => fact.origin?.correlationId],
  ["factId", ({ fact }) => fact.id],
  ["chain", ({ position }) => position?.chain],
  ["sequence", ({ position }) => position?.sequence],
  ["hash", ({ position }) => position?.hash],
];

const joined = (texts: readonly string[] | undefined): string | undefined => texts?.join("; ");
