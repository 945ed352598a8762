import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Fact } from "../../src/activity/fact.ts";
import { factKinds } from "../../src/activity/kinds.ts";
import { siemEvent } from "../../src/activity/siem.ts";
import { alice, aPolicy, requestId, subscriptionId, vmId } from "../support/builders.ts";
import { aWindowFact } from "../support/notifications.ts";
import { fewRuns } from "../support/property-runs.ts";

const application = "33333333-0000-4000-8000-000000000001";

describe("a fact as an event for a SIEM", () => {
  it("has the names of OCSF, and ours where OCSF has none", () => {
    const fact = aWindowFact({
      operation: "access.approve",
      actor: { ...alice, kind: "user", application },
      requestor: alice,
      origin: { address: "203.0.113.7", callId: "call", correlationId: application },
      comment: "go ahead",
    });

    expect(siemEvent(fact)).toEqual({
      time_dt: fact.at,
      category_uid: 3,
      class_uid: 3005,
      class_name: "User Access Management",
      activity_id: 99,
      activity_name: "Approve",
      type_uid: 300_599,
      status_id: 1,
      status: "Success",
      status_detail: "done",
      severity_id: 1,
      severity: "Informational",
      "metadata.uid": fact.id,
      "metadata.version": "1.1.0",
      "metadata.product.name": "JIT Access",
      "metadata.event_code": "access.approve",
      "metadata.correlation_uid": application,
      "cloud.account.uid": subscriptionId,
      "actor.user.uid": alice.objectId,
      "actor.user.name": alice.name,
      "actor.user.org.uid": alice.tenantId,
      "actor.user.type": "User",
      "actor.app_uid": application,
      "user.uid": alice.objectId,
      "user.name": alice.name,
      "user.org.uid": alice.tenantId,
      "user.type": "User",
      "src_endpoint.ip": "203.0.113.7",
      "dst_endpoint.uid": vmId(),
      "dst_endpoint.port": 22,
      "connection_info.protocol_name": "TCP",
      resources: [
        { type: "virtual machine", uid: vmId(), owner: subscriptionId },
        { type: "policy", uid: aPolicy().id, owner: subscriptionId },
      ],
      "unmapped.version": 1,
      "unmapped.request_id": requestId,
      "unmapped.window_id": fact.windowId,
      "unmapped.call_id": "call",
      "unmapped.sources": fact.sources,
      "unmapped.closes_at": fact.closesAt,
      "unmapped.justification": "disk full",
      "unmapped.comment": "go ahead",
    });
  });

  it.each<[string, Partial<Fact>]>([
    ["High", { operation: "access.close", outcome: "failed" }],
    ["High", { operation: "exposure.begin" }],
    ["Medium", { operation: "access.open", outcome: "failed" }],
    ["Medium", { operation: "access.open", breakGlass: true }],
    ["Medium", { operation: "gate.repair" }],
    ["Low", { operation: "service.signIn", outcome: "refused" }],
    ["Informational", { operation: "access.open" }],
  ])("is of severity %s for %j", (severity, values) => {
    expect(siemEvent(aWindowFact(values))).toMatchObject({ severity });
  });

  it.each(Object.keys(factKinds) as Fact["operation"][])("has a class of OCSF: %s", (operation) => {
    const event = siemEvent(aWindowFact({ operation }));

    expect(event["class_uid"]).toEqual(expect.any(Number));
    expect(event["type_uid"]).toBe(Number(event["class_uid"]) * 100 + Number(event["activity_id"]));
  });

  it("never names as who acted whom a stranger claimed to be", () => {
    const claimed = { tenantId: alice.tenantId, objectId: alice.objectId };
    const event = siemEvent(aWindowFact({ operation: "service.signIn", claimed }));

    expect(event).toMatchObject({ "unmapped.claimed_user": alice.objectId });
    expect(Object.keys(event).filter((name) => /^(actor|user)\./.test(name))).toEqual([]);
  });

  it("is one line that a log keeps whole, whatever people write and however long its lists are", () => {
    const text = fc
      .tuple(
        fc.constantFrom("a", "\n", "\r\n", "\u2028", "\u0000", "\u202e", "𝒳", '"', "\\", "=1+1"),
        fc.constantFrom(1, 3, 5_000),
      )
      .map(([part, times]) => `x${part.repeat(times)}y`);
    const many = <T>(one: fc.Arbitrary<T>) =>
      fc.tuple(one, fc.constantFrom(1, 300)).map(([item, times]) => Array<T>(times).fill(item));
    const fact: fc.Arbitrary<Fact> = fc.record({
      ...{ version: fc.constant(1 as const), id: text, at: text, subscriptionId: text },
      operation: fc.constantFrom(...(Object.keys(factKinds) as Fact["operation"][])),
      outcome: fc.constantFrom("asked", "done", "failed", "refused"),
      ...{ vmId: text, policyId: text, justification: text, comment: text, protocol: text },
      sources: many(text),
      actor: fc.record({ tenantId: text, objectId: text, name: text, application: text }),
      requestor: fc.record({ tenantId: text, objectId: text, name: text }),
      awaits: fc.record({ approvals: fc.nat(), answerBy: text, approvers: many(text) }),
      gates: many(fc.record({ id: text, rules: many(text), etag: text })),
      reasons: many(fc.record({ code: fc.constant("GateFull" as const), message: text })),
      changes: many(fc.record({ path: text, before: text, after: text })),
    });

    fc.assert(
      fc.property(fact, (given) => {
        const line = JSON.stringify(siemEvent(given));

        expect(line).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\u202e]|\\u00|\\n|\\r/u);
        expect(line.length).toBeLessThan(31_000);
      }),
      fewRuns,
    );
  });
});
