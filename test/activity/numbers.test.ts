import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { AccessRequest } from "../../src/access/request.ts";
import type { Fact } from "../../src/activity/fact.ts";
import { hoursExposed, vmNumbers } from "../../src/activity/numbers.ts";
import type { Finding } from "../../src/reasons.ts";
import {
  afterNoon,
  alice,
  anAccessRequest,
  aWindow,
  noon,
  subscriptionId,
  vmId,
} from "../support/builders.ts";
import { propertyRuns } from "../support/property-runs.ts";

const hour = 3_600;
const bob = { ...alice, objectId: "bob", name: "bob@contoso.example" };
/** The seven days before noon. */
const week = { from: noon.getTime() - 7 * 24 * hour * 1_000, to: noon.getTime() };

/** Made at that hour before noon, open from and until. */
const open = (
  made: number,
  from: number,
  until: number | undefined,
  values: Partial<AccessRequest> = {},
): AccessRequest =>
  anAccessRequest({
    id: `request-${made}-${from}`,
    createdAt: afterNoon(-made * hour),
    windows: [
      aWindow({
        state: until === undefined ? "open" : "closed",
        openedAt: afterNoon(-from * hour),
        closedAt: until === undefined ? undefined : afterNoon(-until * hour),
      }),
    ],
    ...values,
  });
const numbers = (requests: readonly AccessRequest[]) => vmNumbers(vmId(), requests, week);

describe("the numbers of a VM", () => {
  it("count requests, and say when it was opened last and for whom", () => {
    const told = numbers([
      open(30, 30, 28),
      open(5, 5, 4, { requestor: bob }),
      open(4, 3, undefined),
      anAccessRequest({ id: "denied", windows: [aWindow({ state: "denied" })] }),
    ]);

    expect(told).toEqual({
      vmId: vmId(),
      approvedRequests: 3,
      refusedRequests: 1,
      lastAccess: afterNoon(-3 * hour),
      lastUser: alice.name,
      openNow: 1,
      portHours: 6,
      hoursOpen: 6,
    });
  });

  it("count what was open when the time began from then on", () => {
    const told = numbers([open(8 * 24, 7 * 24 + 2, 7 * 24 - 3)]);

    expect(told).toMatchObject({ approvedRequests: 0, portHours: 3, openNow: 0 });
    expect(told.lastAccess).toBe(afterNoon(-(7 * 24 + 2) * hour));
  });

  it("know of no access to a VM that was never opened", () => {
    const told = numbers([
      anAccessRequest({
        approval: { needed: 1, answerBy: afterNoon(hour) },
        windows: [aWindow({ state: "pending approval" })],
      }),
      open(10 * 24, 10 * 24, 9 * 24),
    ]);

    expect(told).toMatchObject({ approvedRequests: 0, refusedRequests: 0, portHours: 0 });
    expect(told.lastAccess).toBeUndefined();
  });

  it("count as approved what was agreed to and then failed, and not what was withdrawn before", () => {
    const failed = anAccessRequest({ id: "failed", windows: [aWindow({ state: "failed" })] });
    const withdrawn = anAccessRequest({
      id: "withdrawn",
      approval: { needed: 1, answerBy: afterNoon(hour) },
      windows: [aWindow({ state: "closed", endReason: "UserRequested" })],
    });

    expect(numbers([failed, withdrawn]).approvedRequests).toBe(1);
  });

  it("add up the hours of every port, and count an hour once in which several were open", () => {
    const told = numbers([open(4, 4, 2), open(3, 3, 1)]);

    expect(told).toMatchObject({ portHours: 4, hoursOpen: 3 });
  });

  it("never tell of more hours than there were, nor of more with one open than ports", () => {
    const hours = fc.integer({ min: 0, max: 300 });
    fc.assert(
      fc.property(fc.array(fc.tuple(hours, hours), { maxLength: 6 }), (pairs) => {
        const sorted = pairs.map(([one, two]) => [Math.max(one, two), Math.min(one, two)] as const);
        const told = numbers(sorted.map(([from, until]) => open(from, from, until)));
        const each = sorted.map(([from, until]) => Math.min(from, 168) - Math.min(until, 168));

        expect(told.portHours).toBe(each.reduce((sum, one) => sum + one, 0));
        expect(told.hoursOpen).toBeLessThanOrEqual(Math.min(168, told.portHours));
        expect(told.hoursOpen).toBeGreaterThanOrEqual(Math.max(0, ...each));
      }),
      propertyRuns,
    );
  });
});

describe("the hours in which a VM was exposed", () => {
  const finding = (target: string): Finding => ({
    code: "ExposedByCustomerRule",
    message: "It is open.",
    target,
  });
  const fact = (
    hoursAgo: number,
    operation: "exposure.begin" | "exposure.end",
    target = "any-ssh",
  ): Fact => ({
    version: 1,
    id: `${operation}.${hoursAgo}`,
    at: afterNoon(-hoursAgo * hour),
    operation,
    outcome: "done",
    subscriptionId,
    vmId: vmId(),
    gates: [{ id: "/gate", rules: [] }],
    reasons: [finding(target)],
  });
  const exposed = (facts: readonly Fact[], ...found: readonly string[]) =>
    hoursExposed(facts, found.map(finding), week);

  it("are those from a beginning to its end, or until now", () => {
    expect(exposed([fact(5, "exposure.begin"), fact(3, "exposure.end")])).toBe(2);
    expect(exposed([fact(5, "exposure.begin")], "any-ssh")).toBe(5);
    expect(exposed([])).toBe(0);
  });

  it("begin with the time where only an end is told", () => {
    expect(exposed([fact(160, "exposure.end")])).toBe(8);
  });

  it("are all of it where something is found that did not begin within it", () => {
    expect(exposed([], "any-ssh")).toBe(168);
    expect(exposed([fact(5, "exposure.begin")], "any-ssh", "any-rdp")).toBe(168);
  });
});
