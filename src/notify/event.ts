import type { EndReason, Requestor } from "../access/request.ts";
import type { Fact, Operation } from "../activity/fact.ts";
import type { Digest } from "../ports.ts";
import { firstOf, oneLine } from "./text.ts";

/** What people can be told of, in the words of the setting and of the bodies. */
export const notificationEvents = [
  /** Somebody asked for access; where it has to be approved, who can answer and until when. */
  "asked",
  /** A request was approved, denied, ended before its time, or expired unanswered. */
  "decided",
  /** Ports are open, proven by what was read back. */
  "opened",
  /** Ports could not be opened, or drift could not be put right. */
  "failed",
  /** Open ports close within five minutes. */
  "closingSoon",
  /** Nothing of the windows is left on any gate, proven; told of windows that failed, too. */
  "closed",
  /** Ports should be closed and are not; told again every day while it lasts. */
  "overdue",
  /** Somebody opened without an approval in an emergency, or that was looked at afterwards. */
  "breakGlass",
  /** Rules or places were not as they had been proven, and the service put that right. */
  "healed",
] as const;

export type NotificationEvent = (typeof notificationEvents)[number];

/** What a notification is about: a window, a virtual machine, or rules of a gate. */
export interface Subject {
  readonly vmId?: string;
  readonly windowId?: string;
  readonly port?: number;
  readonly protocol?: string;
  readonly sources?: readonly string[];
  /** ISO 8601, UTC. */
  readonly closesAt?: string;
  readonly gates?: readonly string[];
  readonly reasons?: readonly { readonly code: string; readonly message: string }[];
}

/** One thing that people are told. Every text is one printable line of bounded length, every list is bounded. */
export interface Notification {
  /** The same facts give the same id, however often they are recorded: 32 lower-case hex digits. */
  readonly id: string;
  readonly event: NotificationEvent;
  /** When it happened; ISO 8601, UTC. */
  readonly at: string;
  /** What was done; absent when time alone passed. */
  readonly operation?: Operation;
  readonly subscriptionId: string;
  readonly policyId?: string;
  readonly requestId?: string;
  /** Who acted; absent when the service acted by itself. */
  readonly actor?: Requestor;
  /** Whose request it is about. */
  readonly requestor?: Requestor;
  readonly justification?: string;
  readonly comment?: string;
  readonly breakGlass?: true;
  readonly awaits?: {
    readonly approvals: number;
    readonly answerBy: string;
    readonly approvers: readonly string[];
  };
  readonly endReason?: EndReason;
  readonly subjects: readonly Subject[];
  /** How many subjects more there are than are listed. */
  readonly moreSubjects: number;
}

/** How much of a fact is told. */
export const notificationLimits = {
  subjects: 20,
  sources: 10,
  gates: 3,
  reasons: 3,
  approvers: 20,
  id: 300,
  name: 100,
  word: 50,
  text: 500,
} as const;

/**
 * What the facts of one recording tell people. Facts of the same event, request and policy are one notification, in the order
 * in which they are first met.
 */
export function notificationsOf(facts: readonly Fact[], digest: Digest): readonly Notification[] {
  const told = facts.flatMap((fact) => {
    const event = eventOf(fact);
    return event === undefined ? [] : [{ event, fact }];
  });
  const alike = Map.groupBy(told, ({ event, fact }) =>
    JSON.stringify([event, fact.requestId, fact.policyId]),
  );
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    const ofGroup = group.map(({ fact }) => fact);
    return first === undefined ? [] : [notification(first.event, ofGroup, digest)];
  });
}

/** The event that a fact is, if people are told of it at all. */
function eventOf({ operation, outcome, breakGlass }: Fact): NotificationEvent | undefined {
  switch (`${operation} ${outcome}`) {
    case "access.initiate asked":
    case "access.extend asked":
    case "access.rebind asked":
      return breakGlass === true ? "breakGlass" : "asked";
    // The second circle is asked as the first one was.
    case "access.escalate done":
      return "asked";
    case "access.approve done":
    case "access.deny done":
    case "access.expire done":
    case "access.revoke done":
      return "decided";
    case "access.review done":
      return "breakGlass";
    case "access.open done":
      return "opened";
    case "access.open failed":
    case "gate.repair failed":
      return "failed";
    case "access.close done":
      return "closed";
    case "access.close failed":
      return "overdue";
    case "gate.repair done":
      return "healed";
    default:
      return undefined;
  }
}

function notification(
  event: NotificationEvent,
  facts: readonly Fact[],
  digest: Digest,
): Notification {
  const [fact] = facts as [Fact, ...Fact[]];
  const listed = firstOf(facts, notificationLimits.subjects);
  const { name, text, id } = notificationLimits;
  const { actor, requestor, awaits } = fact;
  return {
    id: notificationId([event, ...keysOf(fact, facts)], digest),
    event,
    at: oneLine(fact.at, notificationLimits.word),
    operation: fact.operation,
    subscriptionId: oneLine(fact.subscriptionId, id),
    ...given("policyId", fact.policyId, id),
    ...given("requestId", fact.requestId, id),
    ...(actor === undefined ? {} : { actor: personOf(actor) }),
    ...(requestor === undefined ? {} : { requestor: personOf(requestor) }),
    ...given("justification", fact.justification, text),
    ...given("comment", fact.comment, text),
    ...(fact.breakGlass === true ? { breakGlass: true } : {}),
    ...(awaits === undefined
      ? {}
      : {
          awaits: {
            approvals: awaits.approvals,
            answerBy: oneLine(awaits.answerBy, notificationLimits.word),
            approvers: lines(awaits.approvers, notificationLimits.approvers, name),
          },
        }),
    ...(fact.endReason === undefined ? {} : { endReason: fact.endReason }),
    subjects: listed.items.map(subjectOf),
    moreSubjects: listed.more,
  };
}

/** A person as people are told of one. */
export function personOf({ tenantId, objectId, name }: Requestor): Requestor {
  const longest = notificationLimits.name;
  return {
    tenantId: oneLine(tenantId, longest),
    objectId: oneLine(objectId, longest),
    name: oneLine(name, longest),
  };
}

/** An id from what makes a notification the one it is; the order of the keys does not matter. */
export function notificationId(keys: readonly string[], digest: Digest): string {
  return digest(JSON.stringify([...new Set(keys)].toSorted())).slice(0, 32);
}

/**
 * What makes it the same notification: the facts. What is tried again and again is a fact of its own each time; people are
 * told of it once a day.
 */
function keysOf({ operation, outcome, at }: Fact, facts: readonly Fact[]): readonly string[] {
  const isRepeated = outcome === "failed" && operation !== "access.open";
  return isRepeated
    ? [at.slice(0, 10), ...facts.map((fact) => fact.windowId ?? placeOf(fact))]
    : facts.map((fact) => fact.id);
}

const placeOf = ({ vmId, policyId, gates }: Fact): string =>
  JSON.stringify([vmId, policyId, gates?.map((gate) => gate.id)]);

function subjectOf(fact: Fact): Subject {
  const { id, word, text, ...most } = notificationLimits;
  return {
    ...given("vmId", fact.vmId, id),
    ...given("windowId", fact.windowId, id),
    ...(fact.port === undefined ? {} : { port: fact.port }),
    ...given("protocol", fact.protocol, word),
    ...(fact.sources === undefined ? {} : { sources: lines(fact.sources, most.sources, word) }),
    ...given("closesAt", fact.closesAt, word),
    ...(fact.gates === undefined || fact.gates.length === 0
      ? {}
      : {
          gates: lines(
            fact.gates.map((gate) => gate.id),
            most.gates,
            id,
          ),
        }),
    ...(fact.reasons === undefined || fact.reasons.length === 0
      ? {}
      : {
          reasons: fact.reasons.slice(0, most.reasons).map(({ code, message }) => ({
            code: oneLine(code, word),
            message: oneLine(message, text),
          })),
        }),
  };
}

function given<K extends string>(
  key: K,
  text: string | undefined,
  most: number,
): Partial<Record<K, string>> {
  return text === undefined || text === ""
    ? {}
    : ({ [key]: oneLine(text, most) } as Record<K, string>);
}

/** A list of people's texts; where it is cut, the last entry says so. */
function lines(texts: readonly string[], most: number, length: number): readonly string[] {
  const { items, more } = firstOf(texts, most);
  const cut = items.map((text) => oneLine(text, length));
  return more === 0 ? cut : [...cut, `and ${more} more`];
}
