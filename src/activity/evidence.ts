import { agreed } from "../access/approval.ts";
import { isLive, requestState } from "../access/life.ts";
import type { AccessRequest, Decision, Origin, Requestor, Window } from "../access/request.ts";
import { idKey } from "../policy/resource-id.ts";
import type {
  Evidence,
  EvidenceDecision,
  EvidencePolicy,
  EvidenceWindow,
  Incident,
  UsedFact,
  Witness,
} from "./evidence-document.ts";
import { isAsking, isDenyRule, isWrite, rulesOf, type Told, touching } from "./evidence-gates.ts";
import { missingOf } from "./evidence-missing.ts";
import { incident, windowEvidence } from "./evidence-windows.ts";
import type { Fact } from "./fact.ts";
import type { FiledFact } from "./store.ts";

/** What is known of a request, and what of it the reader may see. */
export interface EvidenceInput {
  /** As the time has left it. */
  readonly request: AccessRequest;
  readonly policy: EvidencePolicy;
  /** Of the request, of its policy's version, and of the gates of its VMs, in any order. */
  readonly facts: readonly FiledFact[];
  /** How many more facts there are that were not read. */
  readonly unread: number;
  readonly now: Date;
  shows(vmKey: string): boolean;
  /** Whether the reader may know from where that person called. */
  seesOrigin(person: Requestor | undefined): boolean;
}

/** The longest stories are cut there: entries of the whole document. */
const most = { facts: 1_000, windows: 200, writes: 1_000, incidents: 500, missing: 500 } as const;

const requestAddress = (id: string): string => `/api/requests/${id}/evidence`;

/** The story of a request as far as the reader may see it: the same facts and times give the same document. */
export function evidenceOf(input: EvidenceInput): Evidence {
  const { request, policy } = input;
  const shown = request.windows.filter(({ vmId }) => input.shows(idKey(vmId)));
  const windows = shown.slice(0, most.windows);
  const used = usedFacts(input, windows);
  const told = toldBy(request, used);
  const asOf = asOfTime(input, used);
  const document = {
    requestId: request.id,
    partial: shown.length < request.windows.length || policy.known === "not shown",
    request: requestPart(input, windows, told),
    ...followsPart(request),
    policy,
    decisions: (request.decisions ?? []).map((each) => decisionPart(input, told, each)),
    windows: windows.map((window) => windowEvidence(told, window, asOf)),
    refusals: told.ofRequest
      .filter(({ outcome }) => outcome === "refused")
      .map((fact): Incident => ({ ...incident(fact), actor: witness(input, fact.actor, fact) })),
  };
  const { cut, over } = cutShort(document);
  const leftOut = {
    facts: input.unread + Math.max(0, used.length - most.facts),
    windows: shown.length - windows.length,
    ...over,
  };
  const missing = missingOf({ ...document, leftOut }, request, told);
  return {
    version: 1,
    asOf: asOf.toISOString(),
    complete: missing.length === 0,
    missing: missing.slice(0, most.missing),
    ...document,
    ...cut,
    minutes: minutesOf(document.windows),
    facts: used.slice(0, most.facts).map(usedFact),
    leftOut,
  };
}

/** The first writes and incidents, and how many there are beyond. */
function cutShort({ windows, refusals }: Pick<Evidence, "windows" | "refusals">) {
  const writes = allowance(most.writes);
  const incidents = allowance(most.incidents);
  const cut = {
    refusals: incidents.take(refusals),
    windows: windows.map((window) => ({
      ...window,
      repairs: incidents.take(window.repairs),
      failures: incidents.take(window.failures),
      gates: window.gates.map((gate) => ({ ...gate, writes: writes.take(gate.writes) })),
    })),
  };
  return { cut, over: { writes: writes.over(), incidents: incidents.over() } };
}

function allowance(whole: number) {
  let [left, over] = [whole, 0];
  return {
    take<T>(items: readonly T[]): readonly T[] {
      const taken = items.slice(0, left);
      left -= taken.length;
      over += items.length - taken.length;
      return taken;
    },
    over: () => over,
  };
}

/** Those that the document speaks of, oldest first. NB. Of gates only what concerns rules of windows that are shown. */
function usedFacts(
  { facts, request, shows }: EvidenceInput,
  windows: readonly Window[],
): readonly FiledFact[] {
  const seesAll = request.windows.every(({ vmId }) => shows(idKey(vmId)));
  const isSeen = ({ vmId }: Fact) => (vmId === undefined ? seesAll : shows(idKey(vmId)));
  const told = toldBy(request, facts);
  const isMeant = rulesOf(told, ...windows);
  const gateFacts = [...told.ofGates.values()].flat();
  const ofGates = new Set([
    ...touching(gateFacts.filter(isWrite), isMeant),
    ...touching(gateFacts.filter(isRepair), (rule) => isMeant(rule) || isDenyRule(rule)),
  ]);
  const sorted = facts
    .filter(({ fact }) => isSeen(fact) || isOfPolicy(fact))
    .filter(
      ({ fact }) =>
        ofGates.has(fact) ||
        isOfPolicy(fact) ||
        (isOfRequest(fact, request) && !isWrite(fact) && !isRepair(fact)),
    )
    .toSorted(({ fact: one }, { fact: other }) => inOrder(one, other));
  // The same fact may have been met in two of its histories.
  return [...new Map(sorted.map((filed) => [filed.fact.id, filed])).values()];
}

/** By time; told at the same moment, what was asked for stands before what became of it. */
const inOrder = (one: Fact, other: Fact): number =>
  one.at === other.at ? compare(rank(one), rank(other)) : compare(one.at, other.at);

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

const rank = ({ outcome, id }: Fact): string => `${outcome === "asked" ? 0 : 1}${id}`;

const isOfRequest = ({ requestId }: Fact, { id }: AccessRequest): boolean =>
  requestId?.toLowerCase() === id.toLowerCase();

const isOfPolicy = ({ operation }: Fact): boolean =>
  operation === "policy.write" || operation === "policy.accessRules";

const isRepair = ({ operation }: Fact): boolean =>
  operation === "gate.repair" || operation === "gate.clean";

function toldBy(request: AccessRequest, filed: readonly FiledFact[]): Told {
  const facts = filed.map(({ fact }) => fact);
  const isOfGate = (fact: Fact) => isWrite(fact) || isRepair(fact);
  return {
    request,
    ofRequest: facts.filter((fact) => isOfRequest(fact, request) && !isOfGate(fact)),
    ofGates: Map.groupBy(facts.filter(isOfGate), ({ vmId = "" }) => idKey(vmId)),
  };
}

/** Of a request that is over the story is told up to the last thing that happened, so that it stays the same for ever. */
function asOfTime({ request, now }: EvidenceInput, used: readonly FiledFact[]): Date {
  const moments = [
    request.createdAt,
    ...(request.decisions ?? []).map(({ at }) => at),
    ...request.windows.flatMap(({ closedAt }) => closedAt ?? []),
    ...used.map(({ fact }) => fact.at),
  ];
  return isLive(request) ? now : new Date(Math.max(...moments.map((at) => Date.parse(at))));
}

function requestPart(input: EvidenceInput, windows: readonly Window[], { ofRequest }: Told) {
  const { request } = input;
  const asked = ofRequest.filter(({ outcome }) => outcome === "asked").filter(isAsking);
  return {
    state: requestState({ windows }),
    requestor: { ...witness(input, request.requestor, request) },
    createdAt: request.createdAt,
    justification: request.justification,
    breakGlass: breakGlassPart(input),
    approval: approvalPart(request),
    facts: asked.map(({ id }) => id),
  };
}

function breakGlassPart(input: EvidenceInput): Evidence["request"]["breakGlass"] {
  const { isBreakGlass, review, decisions = [] } = input.request;
  const done = decisions.find(({ kind }) => kind === "review");
  return isBreakGlass === true
    ? {
        reviewDueAt: review?.dueAt,
        reviewedBy: done?.by && witness(input, done.by, done),
        reviewedAt: done?.at,
        comment: done?.comment,
      }
    : undefined;
}

function approvalPart(request: AccessRequest): Evidence["request"]["approval"] {
  const { approval } = request;
  return (
    approval && {
      needed: approval.needed,
      given: agreed(request).length,
      answerBy: approval.answerBy,
      escalated: approval.isEscalated,
      approvedByRule: approval.automatic,
    }
  );
}

function followsPart({ follows, followedBy = [] }: AccessRequest) {
  return {
    ...(follows === undefined
      ? {}
      : { follows: { ...follows, evidence: requestAddress(follows.requestId) } }),
    followedBy: followedBy.map((requestId) => ({
      requestId,
      evidence: requestAddress(requestId),
    })),
  };
}

function decisionPart(input: EvidenceInput, told: Told, decision: Decision): EvidenceDecision {
  const { id, kind, at, by, comment, awaits } = decision;
  const { follows, createdAt } = input.request;
  return {
    id,
    kind,
    at,
    by: by && witness(input, by, decision),
    comment,
    awaits,
    // An approval goes with what is moved to another source; its facts are those of the older request.
    ...(follows !== undefined && at < createdAt ? { carriedFrom: follows.requestId } : {}),
    facts: told.ofRequest.filter((fact) => fact.id.endsWith(`.${id}`)).map((fact) => fact.id),
  };
}

/** NB. From where somebody called is for those alone who may read what it is about. */
function witness<P extends Requestor | undefined>(
  { seesOrigin }: EvidenceInput,
  person: P,
  { origin }: { readonly origin?: Origin | undefined },
): P | (P & Witness) {
  return person !== undefined && origin !== undefined && seesOrigin(person)
    ? { ...person, origin }
    : person;
}

function minutesOf(windows: readonly EvidenceWindow[]): Evidence["minutes"] {
  const sum = (of: "proven" | "possible") =>
    windows.reduce((total, { exposure }) => total + (exposure[of]?.minutes ?? 0), 0);
  const rounded = (minutes: number) => Math.round(minutes * 100) / 100;
  return { proven: rounded(sum("proven")), possible: rounded(sum("possible")) };
}

function usedFact({ fact, position }: FiledFact): UsedFact {
  const { id, at, operation, outcome, windowId } = fact;
  return { id, at, operation, outcome, windowId, position };
}
