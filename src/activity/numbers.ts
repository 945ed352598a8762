import { agreed } from "../access/approval.ts";
import type { AccessRequest, Window } from "../access/request.ts";
import { idKey } from "../policy/resource-id.ts";
import type { Fact } from "./fact.ts";
import { allClipped, inHours, type Span, totalOf, union } from "./spans.ts";

/** Access to one VM in some days, in numbers. */
export interface VmNumbers {
  readonly vmId: string;
  /** Requests made in that time that were agreed to, or needed nobody's answer. */
  readonly approvedRequests: number;
  /** Requests made in that time that were denied, or that nobody answered. */
  readonly refusedRequests: number;
  /** When a window that was open in that time was opened last, ISO 8601, and whose it was. */
  readonly lastAccess?: string | undefined;
  readonly lastUser?: string | undefined;
  /** Windows that are open at the end of the time. */
  readonly openNow: number;
  /** Of every window the hours in which it was open, added up: two ports for an hour are two. */
  readonly portHours: number;
  /** Hours in which at least one window was open. */
  readonly hoursOpen: number;
  /** Hours in which something that is not ours kept a protected port open, outside any window. */
  readonly exposedHours: number;
}

/** The numbers of a VM. `within` ends now; `exposed` are the times in which it was exposed, which may overlap. */
export function vmNumbers(
  vmId: string,
  requests: readonly AccessRequest[],
  exposed: readonly Span[],
  within: Span,
): VmNumbers {
  const mine = requests
    .map((request) => ({ request, windows: windowsOf(request, vmId) }))
    .filter(({ windows }) => windows.length > 0);
  const made = mine.filter(({ request: { createdAt } }) => {
    const at = Date.parse(createdAt);
    return within.from <= at && at <= within.to;
  });
  const open = mine.flatMap(({ request, windows }) =>
    windows.flatMap((window) =>
      allClipped(spanOf(window, within.to), within).map((span) => ({ request, window, span })),
    ),
  );
  const last = open.toSorted((one, other) => (openedOf(one) < openedOf(other) ? 1 : -1)).at(0);
  const spans = open.map(({ span }) => span);
  return {
    vmId,
    approvedRequests: made.filter((one) =>
      one.windows.some((window) => isApproved(one.request, window)),
    ).length,
    refusedRequests: made.filter(({ windows }) => windows.some(isRefused)).length,
    lastAccess: last?.window.openedAt,
    lastUser: last?.request.requestor.name,
    openNow: open.filter(({ window }) => window.closedAt === undefined).length,
    portHours: inHours(totalOf(spans)),
    hoursOpen: inHours(totalOf(union(spans))),
    exposedHours: inHours(totalOf(union(allClipped(exposed, within)))),
  };
}

const windowsOf = ({ windows }: AccessRequest, vmId: string): readonly Window[] =>
  windows.filter((window) => idKey(window.vmId) === idKey(vmId));

const openedOf = ({ window }: { readonly window: Window }): string => window.openedAt ?? "";

/** From when it was proven open until it was proven closed; nothing of one that never was. */
function spanOf({ openedAt, closedAt }: Window, now: number): readonly Span[] {
  return openedAt === undefined
    ? []
    : [{ from: Date.parse(openedAt), to: closedAt === undefined ? now : Date.parse(closedAt) }];
}

/** Whether it got so far that it was to be opened, whatever became of it then. */
function isApproved(request: AccessRequest, { openedAt, state }: Window): boolean {
  const { approval } = request;
  const isAgreed =
    approval === undefined ||
    approval.automatic !== undefined ||
    agreed(request).length >= approval.needed;
  return (
    openedAt !== undefined || (isAgreed && state !== "pending approval" && !isRefused({ state }))
  );
}

const isRefused = ({ state }: Pick<Window, "state">): boolean =>
  state === "denied" || state === "expired unanswered";

/**
 * The times in which a VM was exposed, by the facts of some time in any order. `goesOn` says how many exposures there are at its
 * end: what did not begin within the time began before. They may overlap.
 */
export function exposedSpans(
  facts: readonly Pick<Fact, "at" | "operation" | "policyId" | "gates" | "reasons">[],
  goesOn: number,
  within: Span,
): readonly Span[] {
  const spans: Span[] = [];
  const begun = new Map<string, number>();
  for (const fact of facts.toSorted(inOrder)) {
    const at = Date.parse(fact.at);
    const key = exposureKey(fact);
    if (fact.operation === "exposure.begin") {
      begun.set(key, begun.get(key) ?? at);
    } else if (fact.operation === "exposure.end") {
      spans.push({ from: begun.get(key) ?? within.from, to: at });
      begun.delete(key);
    }
  }
  const goingOn = [...begun.values()].map((from) => ({ from, to: within.to }));
  return goesOn > goingOn.length ? [within] : [...spans, ...goingOn];
}

/** What ends at the same moment as the like of it begins ends before. */
const inOrder = (one: Pick<Fact, "at" | "operation">, other: Pick<Fact, "at" | "operation">) =>
  Date.parse(one.at) - Date.parse(other.at) ||
  (one.operation === other.operation ? 0 : one.operation === "exposure.end" ? -1 : 1);

/** What was found, and where: an end is that of the beginning that says the same. */
const exposureKey = ({ policyId, gates, reasons }: Parameters<typeof exposedSpans>[0][number]) =>
  JSON.stringify([
    gates?.map(({ id }) => idKey(id)) ?? policyId,
    reasons?.map(({ code, target, message }) => [code, target, message]),
  ]);
