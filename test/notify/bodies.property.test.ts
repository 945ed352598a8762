import { createHash } from "node:crypto";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Fact } from "../../src/activity/fact.ts";
import { bodyFormats, bodyOf } from "../../src/notify/bodies.ts";
import { notificationsOf } from "../../src/notify/event.ts";
import { propertyRuns } from "../support/property-runs.ts";

const digest = (text: string) => createHash("sha256").update(text).digest("hex");

/** Texts as an attacker would choose them, long ones too. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom("<!channel>", "<!here|x>", "<@U123>", "@everyone", "[a](javascript:b)", "\ud83d"),
  fc
    .tuple(
      fc.constantFrom("&", "<!channel>", '"', "\\", "🚪", "\u0000", "{{DATE(1)}}", "{x}"),
      fc.nat(3_000),
    )
    .map(([part, times]) => part.repeat(times)),
);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const fact: fc.Arbitrary<Fact> = fc.record({
  version: fc.constant(1 as const),
  id: text,
  at: text,
  operation: fc.constantFrom(
    ...(["access.initiate", "access.approve", "access.expire", "access.review"] as const),
    ...(["access.open", "access.close", "access.escalate", "gate.repair"] as const),
  ),
  outcome: fc.constantFrom("asked", "done", "failed"),
  subscriptionId: text,
  policyId: maybe(text),
  vmId: maybe(text),
  requestId: maybe(fc.constantFrom("one", "two", "three/../four?<>")),
  windowId: maybe(text),
  actor: maybe(fc.record({ tenantId: text, objectId: text, name: text })),
  requestor: maybe(fc.record({ tenantId: text, objectId: text, name: text })),
  port: maybe(fc.nat(65_535)),
  protocol: maybe(text),
  sources: maybe(fc.array(text, { maxLength: 30 })),
  closesAt: maybe(text),
  justification: maybe(text),
  comment: maybe(text),
  breakGlass: maybe(fc.boolean()),
  awaits: maybe(
    fc.record({
      approvals: fc.nat(9),
      answerBy: text,
      approvers: fc.array(text, { maxLength: 40 }),
    }),
  ),
  endReason: maybe(fc.constantFrom("Expired", "UserRequested", "NewerRequestInitiated")),
  gates: maybe(fc.array(fc.record({ id: text, rules: fc.array(text) }), { maxLength: 9 })),
  reasons: maybe(
    fc.array(fc.record({ code: fc.constant("GateFull" as const), message: text }), {
      maxLength: 9,
    }),
  ),
});

/** Teams refuses 28 KB; Slack's own limits are for each block. */
const mostBytes = { json: 512 * 1_024, teams: 27_000, slack: 40_000 } as const;

describe("a body", () => {
  it("is JSON of bounded length without a raw mention, whatever the facts say", () => {
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 30 }), (facts) => {
        for (const notification of notificationsOf(facts, digest)) {
          for (const format of bodyFormats) {
            const body = bodyOf(format, notification, {
              deployment: "shop",
              publicUrl: "https://jit.example",
            });

            expect(Buffer.byteLength(body)).toBeLessThan(mostBytes[format]);
            expect(body).not.toContain("<");
            expect(body.isWellFormed()).toBe(true);
            const read = JSON.stringify(JSON.parse(body));
            if (format === "slack") {
              expect(read.replaceAll("<https://jit.example/", "")).not.toMatch(
                /<|@(channel|everyone|here)/i,
              );
            }
          }
        }
      }),
      propertyRuns,
    );
  });
});
