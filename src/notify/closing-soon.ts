import type { AccessRequest, Window } from "../access/request.ts";
import { subscriptionOf } from "../policy/resource-id.ts";
import type { Digest } from "../ports.ts";
import { type Notification, notificationId, notificationLimits, personOf } from "./event.ts";
import { firstOf, oneLine } from "./text.ts";

/** People are told so many milliseconds before the end, or up to a minute later: the sweep looks once a minute. */
const before = 5 * 60_000;

/**
 * What is told of windows that end within five minutes: one notification for each request and end, so that an extension
 * warns anew. A window that opened within these five minutes is left out: that it opened was told with its end.
 */
export function closingSoonNotifications(
  requests: readonly AccessRequest[],
  now: Date,
  digest: Digest,
): readonly Notification[] {
  return requests.flatMap((request) => {
    const closing = request.windows.filter((window) => closesSoon(window, now));
    return [...Map.groupBy(closing, (window) => window.closesAt)].map(([closesAt, windows]) =>
      closingSoon(request, closesAt, windows, now, digest),
    );
  });
}

function closesSoon({ state, openedAt, closesAt }: Window, now: Date): boolean {
  const end = Date.parse(closesAt);
  const left = end - now.getTime();
  const hasLastedLonger = openedAt !== undefined && Date.parse(openedAt) < end - before;
  return state === "open" && hasLastedLonger && left > 0 && left <= before;
}

function closingSoon(
  request: AccessRequest,
  closesAt: string,
  windows: readonly Window[],
  now: Date,
  digest: Digest,
): Notification {
  const { subjects, sources, text } = notificationLimits;
  const listed = firstOf(windows, subjects);
  return {
    id: notificationId(["closingSoon", request.id, closesAt], digest),
    event: "closingSoon",
    at: now.toISOString(),
    subscriptionId: subscriptionOf(request.policyId) ?? "",
    policyId: request.policyId,
    requestId: request.id,
    requestor: personOf(request.requestor),
    ...(request.justification === undefined
      ? {}
      : { justification: oneLine(request.justification, text) }),
    subjects: listed.items.map((window) => ({
      vmId: window.vmId,
      windowId: window.id,
      port: window.port,
      protocol: window.protocol,
      sources: window.sources.slice(0, sources),
      closesAt,
    })),
    moreSubjects: listed.more,
  };
}
