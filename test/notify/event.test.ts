import { createHash } from "node:crypto";
import { describe, expect, it } from "@jest/globals";
import type { Fact } from "../../src/activity/fact.ts";
import { closingSoonNotifications } from "../../src/notify/closing-soon.ts";
import { notificationsOf } from "../../src/notify/event.ts";
import { afterNoon, alice, anAccessRequest, aPolicy, aWindow, vmId } from "../support/builders.ts";
import { aWindowFact } from "../support/notifications.ts";

const digest = (text: string) => createHash("sha256").update(text).digest("hex");
const told = (...facts: readonly Fact[]) => notificationsOf(facts, digest);

describe("what people are told of a fact", () => {
  it.each([
    { operation: "access.initiate", outcome: "asked", event: "asked" },
    { operation: "access.initiate", outcome: "asked", breakGlass: true, event: "breakGlass" },
    { operation: "access.initiate", outcome: "refused", event: undefined },
    { operation: "access.extend", outcome: "asked", event: "asked" },
    { operation: "access.rebind", outcome: "asked", event: "asked" },
    { operation: "access.extend", outcome: "asked", breakGlass: true, event: "breakGlass" },
    { operation: "access.rebind", outcome: "asked", breakGlass: true, event: "breakGlass" },
    { operation: "access.escalate", outcome: "done", event: "asked" },
    { operation: "access.approve", outcome: "done", event: "decided" },
    { operation: "access.deny", outcome: "done", event: "decided" },
    { operation: "access.expire", outcome: "done", event: "decided" },
    { operation: "access.approve", outcome: "refused", event: undefined },
    { operation: "access.review", outcome: "done", event: "breakGlass" },
    { operation: "access.revoke", outcome: "done", event: "decided" },
    { operation: "access.open", outcome: "asked", event: undefined },
    { operation: "access.open", outcome: "done", event: "opened" },
    { operation: "access.open", outcome: "failed", event: "failed" },
    { operation: "access.close", outcome: "asked", event: undefined },
    { operation: "access.close", outcome: "done", event: "closed" },
    { operation: "access.close", outcome: "failed", event: "overdue" },
    { operation: "gate.repair", outcome: "asked", event: undefined },
    { operation: "gate.repair", outcome: "done", event: "healed" },
    { operation: "gate.repair", outcome: "failed", event: "failed" },
    { operation: "gate.clean", outcome: "done", event: undefined },
    { operation: "policy.write", outcome: "done", event: undefined },
  ] as const)("$operation $outcome is told as $event", ({ event, ...fact }) => {
    expect(told(aWindowFact(fact)).map((one) => one.event)).toEqual(
      event === undefined ? [] : [event],
    );
  });

  it("says who asked, why, who can answer and until when", () => {
    const awaits = { approvals: 2, answerBy: afterNoon(900), approvers: ["bob", "carol"] };

    const [one] = told(
      aWindowFact({ operation: "access.initiate", outcome: "asked", actor: alice, awaits }),
    );

    expect(one).toMatchObject({ actor: alice, justification: "disk full", awaits });
  });

  it("names every window, VM and reason of one recording once, by request", () => {
    const facts = [
      aWindowFact({ port: 22 }),
      aWindowFact({ port: 3389, vmId: vmId("web-2") }),
      aWindowFact({ port: 22, requestId: "another", id: "another" }),
      aWindowFact({
        outcome: "failed",
        port: 5986,
        reasons: [{ code: "GateFull", message: "No place is left." }],
      }),
    ];

    const [opened, another, failed] = told(...facts);

    expect(opened?.subjects.map(({ port }) => port)).toEqual([22, 3389]);
    expect(another?.requestId).toBe("another");
    expect(failed?.subjects[0]?.reasons).toEqual([
      { code: "GateFull", message: "No place is left." },
    ]);
  });

  it("is the same notification when the facts are told again, later and in another order", () => {
    const facts = [aWindowFact({ port: 22 }), aWindowFact({ port: 3389 })];
    const again = facts.toReversed().map((fact) => ({ ...fact, at: afterNoon(90_000) }));

    expect(told(...again)[0]?.id).toBe(told(...facts)[0]?.id);
    expect(told(...facts)[0]?.id).toMatch(/^[\da-f]{32}$/);
  });

  it("is another notification for other facts, and for another event", () => {
    const ids = [
      aWindowFact({ port: 22 }),
      aWindowFact({ port: 23 }),
      aWindowFact({ operation: "access.close" }),
    ].map((fact) => told(fact)[0]?.id);

    expect(new Set(ids).size).toBe(3);
  });

  it("reminds once a day of what is overdue, however often closing fails", () => {
    const tries = [10, 20, 3_600, 86_400, 86_500].map((seconds, index) =>
      aWindowFact({
        id: `try-${index}`,
        operation: "access.close",
        outcome: "failed",
        at: afterNoon(seconds),
      }),
    );

    const ids = tries.map((fact) => told(fact)[0]?.id);

    expect(new Set(ids).size).toBe(2);
  });

  it("reminds once a day of drift on the same rules that cannot be put right", () => {
    const gates = [{ id: "/gate", rules: ["JitAccess-1"] }];
    const failed = (id: string, more: Partial<Fact> = {}) => ({
      version: 1 as const,
      id,
      at: afterNoon(0),
      operation: "gate.repair" as const,
      outcome: "failed" as const,
      subscriptionId: "s",
      gates,
      ...more,
    });

    expect(told(failed("a"))[0]?.id).toBe(told(failed("b"))[0]?.id);
    expect(told(failed("c", { vmId: vmId() }))[0]?.id).not.toBe(told(failed("a"))[0]?.id);
  });

  it("lists 20 windows and counts the others", () => {
    const facts = Array.from({ length: 50 }, (_, index) => aWindowFact({ port: index + 1 }));

    const [one] = told(...facts);

    expect(one?.subjects).toHaveLength(20);
    expect(one?.moreSubjects).toBe(30);
  });
});

describe("a window that closes soon", () => {
  const request = (...windows: readonly Partial<Parameters<typeof aWindow>[0]>[]) =>
    anAccessRequest({
      justification: "disk full",
      windows: windows.map((values) =>
        aWindow({ state: "open", openedAt: afterNoon(0), ...values }),
      ),
    });
  const soon = (seconds: number, ...requests: readonly ReturnType<typeof request>[]) =>
    closingSoonNotifications(requests, new Date(afterNoon(seconds)), digest);

  it("is told of from five minutes before its end until then", () => {
    const hour = request({});

    expect(soon(3_299, hour)).toEqual([]);
    expect(soon(3_300, hour)).toEqual([
      expect.objectContaining({
        event: "closingSoon",
        requestor: alice,
        policyId: aPolicy().id,
        subjects: [expect.objectContaining({ port: 22, closesAt: afterNoon(3_600) })],
      }),
    ]);
    expect(soon(3_600, hour)).toEqual([]);
  });

  it("is one notification for all windows of a request with that end, the same at each look", () => {
    const both = request({}, { port: 3389 }, { port: 80, closesAt: afterNoon(3_500) });

    const [first, second] = [soon(3_310, both), soon(3_370, both)];

    expect(first.map(({ subjects }) => subjects.length)).toEqual([2, 1]);
    expect(second.map(({ id }) => id)).toEqual(first.map(({ id }) => id));
  });

  it("is told of anew when its end has been put off", () => {
    const [before] = soon(3_400, request({}));
    const [after] = soon(7_000, request({ closesAt: afterNoon(7_200) }));

    expect(after?.id).not.toBe(before?.id);
  });

  it.each([
    { case: "not open yet", window: { state: "opening", openedAt: undefined } },
    { case: "closing", window: { state: "closing" } },
    { case: "closed", window: { state: "closed" } },
    { case: "opened within these five minutes", window: { openedAt: afterNoon(3_350) } },
  ] as const)("is not told of when it is $case", ({ window }) => {
    expect(soon(3_400, request(window))).toEqual([]);
  });
});
