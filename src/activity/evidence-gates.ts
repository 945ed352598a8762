import type { AccessRequest, Window } from "../access/request.ts";
import { idKey } from "../policy/resource-id.ts";
import { windowOfRule } from "../rules/owned.ts";
import type { EvidenceGate, Proof, WriteTold } from "./evidence-document.ts";
import type { Fact, FactGate } from "./fact.ts";

/** Facts as the evidence reads them, oldest first. */
export interface Told {
  readonly request: AccessRequest;
  /** Of the request's own history. */
  readonly ofRequest: readonly Fact[];
  /** `gate.write`, `gate.repair` and `gate.clean`, by the key of the VM that they are about. */
  readonly ofGates: ReadonlyMap<string, readonly Fact[]>;
}

/** Facts about gates of the window's VM. */
export const gateFactsOf = ({ ofGates }: Told, { vmId }: Window): readonly Fact[] =>
  ofGates.get(idKey(vmId)) ?? [];

/** Facts of that operation about the window. */
export function ofWindow(
  { ofRequest }: Pick<Told, "ofRequest">,
  window: Window,
  operation: Fact["operation"],
): readonly Fact[] {
  return ofRequest.filter((fact) => fact.windowId === window.id && fact.operation === operation);
}

/**
 * Tells whether a rule let people of these windows in: it bears a window's name, or was found when the window was proven open, as
 * windows that would be the same rule share it. Of one that never was, the rules of the request's other windows of the VM
 * count too: it may have shared theirs.
 */
export function rulesOf(
  told: Pick<Told, "request" | "ofRequest">,
  ...windows: readonly Window[]
): (rule: string) => boolean {
  const names = new Set<string>();
  const known = new Set<string>();
  for (const window of windows) {
    const found = ofWindow(told, window, "access.open")
      .filter(({ outcome }) => outcome === "done")
      .flatMap(({ gates = [] }) => gates.flatMap(({ rules }) => rules));
    const alike = told.request.windows.filter(({ vmId }) => idKey(vmId) === idKey(window.vmId));
    for (const rule of found) {
      known.add(rule.toLowerCase());
    }
    for (const { id } of found.length > 0 ? [window] : alike) {
      names.add(id.toLowerCase());
    }
  }
  return (rule) => known.has(rule.toLowerCase()) || names.has(windowOfRule(rule) ?? "");
}

/** Whether the fact tells that a request was made. */
export const isAsking = ({ operation }: Pick<Fact, "operation">): boolean =>
  operation === "access.initiate" || operation === "access.extend" || operation === "access.rebind";

/** Whether a rule is one of those that hold a VM closed. */
export const isDenyRule = (rule: string): boolean => /^JitAccess-[0-9a-f]{6}-Deny-/i.test(rule);

/** The rule that an entry of `changes` is about. */
export const ruleOf = ({ path }: { readonly path: string }): string =>
  path.split("/").at(-1) ?? path;

/** Whether a fact about gates has to do with a rule for which the answer is yes. */
export function touches(fact: Fact, isMeant: (rule: string) => boolean): boolean {
  return (
    (fact.gates ?? []).some(({ rules }) => rules.some(isMeant)) ||
    (fact.changes ?? []).some((change) => isMeant(ruleOf(change)))
  );
}

/**
 * Those facts about gates that have to do with such rules. Of a write only the fact before it tells what is changed; those that
 * tell what became of it go with that one, and name all rules that stood then: these count only where that one does not tell all of
 * its changes.
 */
export function touching(
  facts: readonly Fact[],
  isMeant: (rule: string) => boolean,
): readonly Fact[] {
  const cut = new Set(facts.filter(isCutWrite).map(writeOf));
  const writes = new Set(
    facts
      .filter((fact) => isAskedWrite(fact) || (isWrite(fact) && cut.has(writeOf(fact))))
      .filter((fact) => touches(fact, isMeant))
      .map(writeOf),
  );
  return facts.filter((fact) =>
    isWrite(fact) ? writes.has(writeOf(fact)) : touches(fact, isMeant),
  );
}

export const isWrite = ({ operation }: Fact): boolean => operation === "gate.write";

const isAskedWrite = (fact: Fact): boolean => isWrite(fact) && fact.outcome === "asked";

/** Whether it does not tell everything that a write is to change. */
export const isCutWrite = (fact: Fact): boolean =>
  isAskedWrite(fact) && (fact.changes ?? []).some((change) => countOfMore(change) > 0);

/** The write that a fact tells of: its id without the outcome. */
const writeOf = ({ id, outcome }: Fact): string => id.replace(`.${outcome}`, "");

/** Everything that is told of the window on one gate. */
export function gateEvidence(told: Told, window: Window, gateId: string): EvidenceGate {
  return {
    id: gateId,
    writes: writesOn(told, window, gateId),
    opened: openProof(told, window, gateId),
    closed: closeProof(told, window, gateId),
  };
}

/** The writes on a gate that touched rules of the window, with what they changed of those alone. */
function writesOn(told: Told, window: Window, gateId: string): readonly WriteTold[] {
  const isMeant = rulesOf(told, window);
  return touching(gateFactsOf(told, window).filter(isWrite), isMeant).flatMap((fact) => {
    const gate = gateIn(fact, gateId);
    if (gate === undefined) {
      return [];
    }
    const { at, outcome, reasons, changes = [], id } = fact;
    return [
      {
        at,
        outcome,
        changes: changes
          .filter((change) => isMeant(ruleOf(change)))
          .map((change) => ({
            rule: ruleOf(change),
            before: change.before,
            after: change.after,
          })),
        untold: changes.map(countOfMore).find((count) => count > 0),
        readAt: gate.readAt,
        etag: gate.etag,
        reasons,
        fact: id,
      },
    ];
  });
}

/** A fact tells the first changes of a write, and in a last entry how many more there were. */
const countOfMore = ({ path }: { readonly path: string }): number =>
  Number(/^(\d+) more$/.exec(path)?.[1] ?? 0);

function openProof(told: Told, window: Window, gateId: string): Proof {
  const facts = ofWindow(told, window, "access.open");
  const done = facts.find((fact) => fact.outcome === "done");
  const gate = done && gateIn(done, gateId);
  if (done === undefined || gate === undefined) {
    const message =
      done === undefined
        ? "Not proven: it is not recorded that the port was found open here."
        : "Not proven: the gate is not among those on which the port was found open.";
    return { proven: false, message };
  }
  const when = { toldAt: done.at, readAt: gate.readAt, etag: gate.etag, fact: done.id };
  return gate.rules.length > 0
    ? {
        ...when,
        proven: true,
        message: "The rules were read back on the gate.",
        rules: gate.rules,
      }
    : {
        ...when,
        proven: false,
        message:
          "Not proven: the port is recorded as open, but not which rules were read back here.",
      };
}

function closeProof(told: Told, window: Window, gateId: string): Proof {
  const done = ofWindow(told, window, "access.close").find(({ outcome }) => outcome === "done");
  const gate = done && gateIn(done, gateId);
  if (done === undefined || gate === undefined) {
    return { proven: false, message: whyNotClosed(window, done) };
  }
  const gone = done.reasons?.find(
    ({ code, target }) =>
      code === "GateNotFound" && (target === undefined || idKey(target) === idKey(gateId)),
  );
  return {
    proven: true,
    message:
      gone === undefined
        ? "The gate was read back, and nothing there was for this window any more."
        : `The gate does not exist any more, so it was not read back: ${gone.message}`,
    toldAt: done.at,
    readAt: gate.readAt,
    etag: gate.etag,
    fact: done.id,
  };
}

function whyNotClosed({ state }: Window, done: Fact | undefined): string {
  if (done !== undefined) {
    return "Not proven: the gate is not among those that were read back when the window was closed.";
  }
  return state === "closed" || state === "failed"
    ? "Not proven: it is not recorded that the gate was read back without the window's rules."
    : "Not proven yet: the window is not closed.";
}

const gateIn = ({ gates = [] }: Fact, gateId: string): FactGate | undefined =>
  gates.find(({ id }) => idKey(id) === idKey(gateId));
