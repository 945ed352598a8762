import { isOver } from "../access/life.ts";
import type { AccessRequest, Window } from "../access/request.ts";
import { windowOfRule } from "../rules/owned.ts";
import type { EvidenceGate, EvidenceWindow, Incident, TimeOpen } from "./evidence-document.ts";
import {
  gateEvidence,
  gateFactsOf,
  isDenyRule,
  isWrite,
  ofWindow,
  ruleOf,
  rulesOf,
  type Told,
  touches,
} from "./evidence-gates.ts";
import type { Fact } from "./fact.ts";
import { inMinutes } from "./spans.ts";

/** Everything that is told of one window, up to `asOf`. */
export function windowEvidence(told: Told, window: Window, asOf: Date): EvidenceWindow {
  const { id, vmId, port, protocol, sources, state, closesAt } = window;
  const gates = (window.gates ?? []).map((gateId) => gateEvidence(told, window, gateId));
  return {
    id,
    vmId,
    port,
    protocol,
    sources,
    state,
    closesAt,
    openedAt: window.openedAt,
    closedAt: window.closedAt,
    endReason: window.endReason,
    reasons: window.reasons,
    gates,
    exposure: {
      proven: provenTime(told, window, gates, asOf),
      possible: possibleTime(told, window, gates, asOf),
    },
    repairs: repairsOf(told, window),
    failures: told.ofRequest
      .filter((fact) => fact.windowId === id && fact.outcome === "failed")
      .map((fact) => incident(fact)),
  };
}

/**
 * How long it is certain to have been open: from when every gate had been read back, until something began that may have closed
 * one of them. Nothing of a window that was never proven open.
 */
function provenTime(
  told: Told,
  window: Window,
  gates: readonly EvidenceGate[],
  asOf: Date,
): TimeOpen | undefined {
  const from = latest(gates.map(({ opened }) => opened.readAt)) ?? window.openedAt;
  if (from === undefined) {
    return undefined;
  }
  const asked = ofWindow(told, window, "access.close").find(({ outcome }) => outcome === "asked");
  const ends = [
    ...gates.flatMap((gate) => removals(told, window, gate)),
    asked?.at,
    window.closingSince,
    isOver(window) ? window.closedAt : undefined,
  ].filter((at) => at !== undefined && at > from);
  const [end] = [...ends, ...lastReadings(told, window, from)].toSorted();
  return timeOpen(from, end, asOf);
}

/**
 * Where rules of the window were found gone, or edited by somebody: when the window's own writes were read back on that gate for the last
 * time before, `from` at the earliest. NB. Nobody knows when after that the port was closed.
 */
function lastReadings(told: Told, window: Window, from: string): readonly string[] {
  const isMeant = rulesOf(told, window);
  const facts = gateFactsOf(told, window);
  const losses = facts.filter((fact) => fact.at > from && tellsLoss(fact, isMeant));
  return losses.map(({ at, gates: [lost] = [] }) => {
    const readings = facts
      .filter((fact) => isWrite(fact) && fact.outcome === "done")
      .flatMap(({ gates = [] }) => gates)
      .filter(({ id, rules }) => id === lost?.id && rules.some(isMeant))
      .flatMap(({ readAt }) => (readAt !== undefined && readAt < at ? [readAt] : []));
    return [from, ...readings].toSorted().at(-1) ?? from;
  });
}

const tellsLoss = (
  { operation, reasons = [] }: Fact,
  isMeant: (rule: string) => boolean,
): boolean =>
  operation === "gate.repair" &&
  reasons.some(
    ({ code, target = "" }) =>
      (code === "RuleMissing" || code === "RuleEdited") && isMeant(ruleOf({ path: target })),
  );

/** When writes were begun that take a rule of the window away, or may, and put no other window's of the VM in its place. */
function removals(told: Told, window: Window, gate: EvidenceGate): readonly string[] {
  const isMeant = rulesOf(told, window);
  const byId = new Map(gateFactsOf(told, window).map((fact) => [fact.id, fact]));
  return gate.writes
    .filter(({ outcome, fact, untold }) => {
      const changes = byId.get(fact)?.changes ?? [];
      const takes = changes.some((one) => isMeant(ruleOf(one)) && one.after === undefined);
      const puts = changes.some(
        (one) => windowOfRule(ruleOf(one)) !== undefined && one.before === undefined,
      );
      // NB. Nobody knows of changes that are not told: what is proven ends there.
      return outcome === "asked" && ((takes && !puts) || untold !== undefined);
    })
    .map(({ at }) => at);
}

/**
 * How long it may have been open at the most: from the first write that could open it until every gate was read back without its
 * rules. Nothing of a window for which no gate was ever meant.
 */
function possibleTime(
  told: Told,
  window: Window,
  gates: readonly EvidenceGate[],
  asOf: Date,
): TimeOpen | undefined {
  if (gates.length === 0) {
    return undefined;
  }
  const puts = gates.flatMap(({ writes }) =>
    writes
      .filter(({ changes }) => changes.some(({ after }) => after !== undefined))
      .map(({ at }) => at),
  );
  // Where no write is told, it was no earlier than the last word that was needed for it.
  const [first = lastWord(told.request, window)] = puts.toSorted();
  const isProven = gates.every(({ closed }) => closed.proven);
  const to = latest(gates.map(({ closed }) => closed.readAt)) ?? gates[0]?.closed.toldAt;
  return timeOpen(first, isProven ? to : undefined, asOf);
}

/** When the last approval came before it was open; without one, when it was asked for. */
function lastWord({ createdAt, decisions = [] }: AccessRequest, { openedAt }: Window): string {
  const given = decisions
    .filter(({ kind, at }) => kind === "approve" && (openedAt === undefined || at <= openedAt))
    .map(({ at }) => at);
  return [createdAt, ...given].toSorted().at(-1) ?? createdAt;
}

/** The latest of the moments, where all of them are known. */
function latest(moments: readonly (string | undefined)[]): string | undefined {
  return moments.length > 0 && moments.every((at) => at !== undefined)
    ? moments.toSorted().at(-1)
    : undefined;
}

function timeOpen(from: string, to: string | undefined, asOf: Date): TimeOpen {
  const end = to === undefined ? asOf.getTime() : Date.parse(to);
  const minutes = inMinutes(Math.max(0, end - Date.parse(from)));
  return { from, ...(to === undefined ? {} : { to }), minutes };
}

/** What was put right while it lived: on its own rules, and on those that hold its VM closed. */
function repairsOf(told: Told, window: Window): readonly Incident[] {
  const isOwn = rulesOf(told, window);
  const isMeant = (rule: string) => isOwn(rule) || isDenyRule(rule);
  return gateFactsOf(told, window)
    .filter((fact) => !isWrite(fact) && touches(fact, isMeant))
    .map((fact) => incident(fact, isMeant));
}

/** NB. One repair tells of all rules of a VM, other people's too: only those that are meant go on. */
export function incident(fact: Fact, isMeant: (rule: string) => boolean = () => true): Incident {
  const [gate] = fact.gates ?? [];
  const isOthers = (target: string | undefined) =>
    target !== undefined && windowOfRule(target) !== undefined && !isMeant(target);
  return {
    at: fact.at,
    operation: fact.operation,
    outcome: fact.outcome,
    gateId: gate?.id,
    rules: gate?.rules.filter(isMeant),
    reasons: fact.reasons?.filter(({ target }) => !isOthers(target)),
    fact: fact.id,
  };
}
