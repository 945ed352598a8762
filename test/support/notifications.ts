import type { Fact } from "../../src/activity/fact.ts";
import type { Notification } from "../../src/notify/event.ts";
import { afterNoon, alice, aPolicy, aWindow, requestId, subscriptionId, vmId } from "./builders.ts";

/** A fact of Alice's request: SSH of web-1 for an hour. */
export function aWindowFact(values: Partial<Fact> = {}): Fact {
  const window = aWindow(values.port === undefined ? {} : { port: values.port });
  const { operation = "access.open", outcome = "done" } = values;
  return {
    version: 1,
    id: `${window.id}.${operation}.${outcome}`,
    at: afterNoon(0),
    operation,
    outcome,
    subscriptionId,
    policyId: aPolicy().id,
    vmId: window.vmId,
    requestId,
    windowId: window.id,
    port: window.port,
    protocol: window.protocol,
    sources: window.sources,
    closesAt: window.closesAt,
    justification: "disk full",
    ...values,
  };
}

/** SSH of web-1 is open. */
export function aNotification(values: Partial<Notification> = {}): Notification {
  return {
    id: "0123456789abcdef0123456789abcdef",
    event: "opened",
    at: afterNoon(0),
    operation: "access.open",
    subscriptionId,
    policyId: aPolicy().id,
    requestId,
    requestor: alice,
    subjects: [
      {
        vmId: vmId(),
        windowId: `${requestId}-0-22`,
        port: 22,
        protocol: "TCP",
        sources: ["203.0.113.7"],
        closesAt: afterNoon(3_600),
      },
    ],
    moreSubjects: 0,
    ...values,
  };
}
