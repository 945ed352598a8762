import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { z } from "zod";
import { parseInitiate } from "../src/access/initiate.ts";
import { parsePolicy } from "../src/policy/policy-body.ts";
import {
  bounded,
  firstFew,
  type Outcome,
  quote,
  type Reason,
  reasonLimits,
  reasonsFrom,
  refused,
  refusedFor,
} from "../src/reasons.ts";
import { aContext, subscriptionId, vmId } from "./support/builders.ts";
import { propertyRuns } from "./support/property-runs.ts";

const aReason = (index = 0): Reason => ({ code: "GateFull", message: `reason ${index}` });
const reasons = (count: number) => Array.from({ length: count }, (_, index) => aReason(index));

/** Any text, often one that is far too long or hides a source or an id. */
const texts = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .tuple(fc.constantFrom("1", "/", "é", "💥", "10.0.0.1/", "::", vmId("x")), fc.nat(5_000))
    .map(([part, count]) => part.repeat(count)),
  fc
    .tuple(fc.nat(3_000), fc.constantFrom("Microsoft.ClassicCompute", "Microsoft.Compute"))
    .map(
      ([count, type]) =>
        `/subscriptions/${"s".repeat(count)}/providers/${type}/virtualMachines/${"v".repeat(count)}`,
    ),
);
const values = fc.oneof(texts, fc.integer(), fc.constant(null), fc.array(texts, { maxLength: 3 }));
const bodies = fc
  .record({
    kind: values,
    justification: values,
    id: texts,
    number: values,
    protocol: values,
    duration: values,
    endTimeUtc: values,
    maxRequestAccessDuration: values,
    allowedSourceAddressPrefix: values,
  })
  .map(({ kind, justification, id, ...port }) => {
    const virtualMachines = [{ id, ports: [port, { ...port, number: 22 }] }];
    const accessRules = { [String(id)]: id, justification: { pattern: id, [String(id)]: id } };
    return { kind, justification, virtualMachines, properties: { virtualMachines, accessRules } };
  });

function expectBounded(outcome: Outcome<unknown>): void {
  const given = outcome.outcome === "refused" ? outcome.reasons : [];
  for (const { message, target = "" } of given) {
    expect(message.length).toBeLessThanOrEqual(500);
    expect(target.length).toBeLessThanOrEqual(300);
    expect(message.isWellFormed()).toBe(true);
  }
}

describe("the reasons of a refusal", () => {
  it("are short, whatever was sent", () => {
    fc.assert(
      fc.property(bodies, (body) => {
        expectBounded(parsePolicy(body, subscriptionId, aContext));
        expectBounded(parseInitiate(body, subscriptionId));
      }),
      propertyRuns,
    );
  });

  it("are cut where whoever made them did not take care", () => {
    const outcome = refused({
      code: "GateFull",
      message: "💥".repeat(1_000),
      target: "t".repeat(1_000),
    });

    expectBounded(outcome);
    expect(outcome.reasons[0]?.message).toMatch(/💥…$/u);
  });

  it("are all there when they are few", () => {
    expect(refusedFor(reasons(101)).reasons).toEqual(reasons(101));
  });

  it("are a hundred at most, and then how many more there are", () => {
    expect(refusedFor(reasons(500_000)).reasons).toEqual([
      ...reasons(100),
      { code: "GateFull", message: "499900 more like these are not listed." },
    ]);
  });

  it("stay as they are when they were cut already", () => {
    const once = bounded(reasons(1_000));

    expect(refused(...once).reasons).toEqual(once);
  });

  it("are told of the first hundred faults of a body, and how many more it has", () => {
    const parsed = z.array(z.int()).safeParse(Array.from({ length: 300_000 }, () => "x"));

    const found = reasonsFrom(parsed.error ?? new z.ZodError([]), "InvalidPolicy");

    expect(found).toHaveLength(reasonLimits.reasons + 1);
    expect(found[99]?.target).toBe("[99]");
    expect(found[100]?.message).toBe("299900 more like these are not listed.");
  });
});

describe("a text from outside", () => {
  it("is quoted whole when it is short, and in part when it is long", () => {
    expect(quote("10.1")).toBe("'10.1'");
    expect(quote("x".repeat(81))).toBe(`'${"x".repeat(79)}…'`);
  });

  it("in a list is named while the list is short, and counted after that", () => {
    expect(firstFew([22, 80], 2)).toBe("22, 80");
    expect(firstFew([22, 80, 443], 2)).toBe("22, 80 and 1 more");
  });
});
