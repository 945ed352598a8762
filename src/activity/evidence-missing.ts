import { isOver } from "../access/life.ts";
import type { AccessRequest } from "../access/request.ts";
import { windowOfRule } from "../rules/owned.ts";
import type { Evidence, EvidenceGate, EvidenceWindow, Missing } from "./evidence-document.ts";
import { isAsking, ofWindow, type Told } from "./evidence-gates.ts";

/** What should be proven by now, and is not. What is not due yet, such as the closing of an open window, is not missing. */
export function missingOf(
  document: Pick<Evidence, "windows" | "decisions" | "policy" | "leftOut">,
  request: AccessRequest,
  told: Told,
): readonly Missing[] {
  const { windows, decisions, policy, leftOut } = document;
  return [
    ...(Object.values(leftOut).some((count) => count > 0) ? [tooLong(leftOut)] : []),
    ...(policy.known === "not known" ? [policyNotKnown] : []),
    ...decisions
      .filter(({ facts, carriedFrom }) => facts.length === 0 && carriedFrom === undefined)
      .map(
        ({ kind, at }): Missing => ({
          code: "DecisionNotRecorded",
          message: `The audit does not tell of the decision '${kind}' of ${at}.`,
        }),
      ),
    ...request.windows
      .filter(({ id }) => windows.some((window) => window.id === id))
      .filter(
        (window) => !told.ofRequest.some((fact) => fact.windowId === window.id && isAsking(fact)),
      )
      .map(
        ({ id }): Missing => ({
          code: "AskedNotRecorded",
          message: "The audit does not tell that the window was asked for.",
          windowId: id,
        }),
      ),
    ...windows.flatMap((window) => ofOne(window, told, request)),
  ];
}

function tooLong(leftOut: Evidence["leftOut"]): Missing {
  const counts = Object.entries(leftOut).flatMap(([what, count]) =>
    count > 0 ? [`${count} ${what}`] : [],
  );
  const message = `The story is too long for one document: ${counts.join(", ")} are left out. The activity has all of them.`;
  return { code: "TooLong", message };
}

const policyNotKnown: Missing = {
  code: "PolicyNotKnown",
  message:
    "The policy has been changed or deleted since, and the audit does not tell what it said at the time.",
};

function ofOne(evidence: EvidenceWindow, told: Told, request: AccessRequest): readonly Missing[] {
  const window = request.windows.find(({ id }) => id === evidence.id);
  const wasOpen = evidence.openedAt !== undefined;
  const isClosed = isOver(evidence);
  const isToldOpen =
    window !== undefined &&
    ofWindow(told, window, "access.open").some(({ outcome }) => outcome === "done");
  const about = { windowId: evidence.id };
  const opening: readonly Missing[] =
    wasOpen && !isToldOpen && evidence.gates.length === 0
      ? [{ code: "OpenNotProven", message: "It is not recorded that the port was open.", ...about }]
      : [];
  const gates = evidence.gates.flatMap((gate): readonly Missing[] => {
    const at = { ...about, gateId: gate.id };
    return [
      ...(wasOpen && !gate.opened.proven
        ? [{ code: "OpenNotProven", message: gate.opened.message, ...at } as const]
        : []),
      ...(isClosed && !gate.closed.proven
        ? [{ code: "CloseNotProven", message: gate.closed.message, ...at } as const]
        : []),
      ...unwritten(gate, evidence).map(
        (rule): Missing => ({
          code: "WriteNotRecorded",
          message: `The audit does not tell of the write that put the rule '${rule}' there.`,
          ...at,
        }),
      ),
    ];
  });
  return [...opening, ...gates];
}

/** Rules with the window's own name that were found there, of which no write is told. Another's that is shared was written for that one, and a write may have had more changes than its fact tells. */
function unwritten({ opened, writes }: EvidenceGate, { id }: EvidenceWindow): readonly string[] {
  const written = new Set(
    writes.flatMap(({ changes }) =>
      changes.flatMap(({ rule, after }) => (after === undefined ? [] : rule.toLowerCase())),
    ),
  );
  const isCut = writes.some(({ untold }) => untold !== undefined);
  return (opened.rules ?? []).filter(
    (rule) =>
      windowOfRule(rule) === id.toLowerCase() && !(isCut || written.has(rule.toLowerCase())),
  );
}
