import { agreed } from "../access/approval.ts";
import type { AccessRequest, Window } from "../access/request.ts";
import { idKey } from "../policy/resource-id.ts";
import type { Finding, Reason } from "../reasons.ts";
import { exposedTime } from "./exposure.ts";
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

/** The numbers of a VM but for its exposure. `within` ends now. */
export function vmNumbers(
  vmId: string,
  requests: readonly AccessRequest[],
  within: Span,
): Omit<VmNumbers, "exposedHours"> {
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
 * For how many hours something that is not ours kept a port of a VM open, by its facts of that time and by what is found now.
 * NB. What is found and did not begin within the time has been there all the time: it need not be looked for further back.
 */
export function hoursExposed(
  facts: readonly Fact[],
  found: readonly Finding[],
  within: Span,
): number {
  const begun = new Set(
    facts
      .filter(({ operation }) => operation === "exposure.begin")
      .flatMap(({ reasons = [] }) => reasons.map(textOf)),
  );
  const isAllNew = found.every((finding) => begun.has(textOf(finding)));
  return inHours(isAllNew ? exposedTime(facts, within) : totalOf([within]));
}

const textOf = ({ code, target, message }: Reason): string =>
  JSON.stringify([code, target, message]);
