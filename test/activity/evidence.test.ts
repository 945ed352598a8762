import { describe, expect, it } from "@jest/globals";
import type { Fact } from "../../src/activity/fact.ts";
import { idKey } from "../../src/policy/resource-id.ts";
import { afterNoon, alice, requestId, vmId } from "../support/builders.ts";
import {
  aRequest,
  aWrite,
  closedWindow,
  evidence,
  filed,
  gateId,
  put,
  ruleFor,
  take,
  toldFact,
  wholeStory,
  windowId,
} from "./support/told-story.ts";

const other = `${requestId}-1-22`;
const stranger = "33333333-0000-4000-8000-000000000009-0-22";
const without = (operation: string, outcome?: string) =>
  wholeStory().filter(
    (fact) =>
      !(fact.operation === operation && (outcome === undefined || fact.outcome === outcome)),
  );
const codes = (facts: readonly Fact[], request = aRequest()) =>
  evidence(facts, { request }).missing.map(({ code }) => code);

describe("the evidence of a request", () => {
  it("is complete when asking, writing, opening and closing are all told", () => {
    const told = evidence(wholeStory());

    expect(told).toMatchObject({ complete: true, missing: [], partial: false });
    expect(told.asOf).toBe(afterNoon(606));
    expect(told.facts).toHaveLength(8);
    expect(told.facts[0]).toMatchObject({
      operation: "access.initiate",
      position: { chain: "2030-01/request|x", sequence: 1 },
    });
  });

  it("tells of each gate what was changed, and what was read back when", () => {
    const [window] = evidence(wholeStory()).windows;
    const [gate] = window?.gates ?? [];

    expect(gate?.writes.map(({ outcome, readAt }) => [outcome, readAt])).toEqual([
      ["asked", undefined],
      ["done", afterNoon(5)],
      ["asked", undefined],
      ["done", afterNoon(605)],
    ]);
    expect(gate?.writes[0]?.changes).toEqual([
      { rule: ruleFor(windowId), before: undefined, after: '{"access":"Allow"}' },
    ]);
    expect(gate?.opened).toMatchObject({
      proven: true,
      readAt: afterNoon(5),
      etag: 'W/"5"',
      rules: [ruleFor(windowId)],
    });
    expect(gate?.closed).toMatchObject({ proven: true, readAt: afterNoon(605), etag: 'W/"605"' });
  });

  it("counts as proven from the first reading to the write that closes, and as possible from the first write to the last reading", () => {
    const [window] = evidence(wholeStory()).windows;

    expect(window?.exposure).toEqual({
      proven: { from: afterNoon(5), to: afterNoon(600), minutes: 9.92 },
      possible: { from: afterNoon(1), to: afterNoon(605), minutes: 10.07 },
    });
    expect(evidence(wholeStory()).minutes).toEqual({ proven: 9.92, possible: 10.07 });
  });

  it("stays the same, whenever it is asked for, once the request is over", () => {
    const later = evidence(wholeStory(), { now: new Date(afterNoon(9_000_000)) });

    expect(later).toEqual(evidence(wholeStory()));
    expect(evidence(wholeStory().toReversed())).toMatchObject({ windows: later.windows });
  });

  it("of an open window goes on until now, and misses no closing", () => {
    const request = aRequest({
      windows: [closedWindow({ state: "open", closedAt: undefined, endReason: undefined })],
    });
    const facts = wholeStory().slice(0, 4);

    const told = evidence(facts, { request });

    expect(told).toMatchObject({ complete: true, asOf: afterNoon(3_600) });
    expect(told.windows[0]?.exposure.proven).toEqual({ from: afterNoon(5), minutes: 59.92 });
    expect(told.windows[0]?.gates[0]?.closed).toMatchObject({
      proven: false,
      message: "Not proven yet: the window is not closed.",
    });
  });

  it.each([
    { lost: "asking", facts: without("access.initiate"), code: "AskedNotRecorded" },
    { lost: "the opening", facts: without("access.open"), code: "OpenNotProven" },
    { lost: "the closing", facts: without("access.close", "done"), code: "CloseNotProven" },
    { lost: "the writes", facts: without("gate.write"), code: "WriteNotRecorded" },
  ])("says so where $lost is not told", ({ facts, code }) => {
    expect(codes(facts)).toEqual([code]);
  });

  it("says so where nobody knows what was read back when it was opened", () => {
    const facts = wholeStory().map((fact) =>
      fact.operation === "access.open" ? { ...fact, gates: [{ id: gateId, rules: [] }] } : fact,
    );

    expect(codes(facts)).toEqual(["OpenNotProven"]);
  });

  it("says so where a decision, or the policy's version, is not told", () => {
    const request = aRequest({
      decisions: [{ id: "d-1", kind: "approve", by: alice, at: afterNoon(1), isTold: true }],
    });
    const policy = { id: "p", known: "not known", facts: [] } as const;

    const { missing } = evidence(wholeStory(), { request, policy });

    expect(missing.map(({ code }) => code)).toEqual(["PolicyNotKnown", "DecisionNotRecorded"]);
  });

  it("takes older facts, that do not tell when a gate was read, by when they were told", () => {
    const facts = wholeStory().map((fact) => ({
      ...fact,
      gates: fact.gates?.map(({ id, rules }) => ({ id, rules })),
    }));

    const told = evidence(facts);

    expect(told.complete).toBe(true);
    expect(told.windows[0]?.exposure).toMatchObject({
      proven: { from: afterNoon(6) },
      possible: { to: afterNoon(606) },
    });
  });

  it("names a gate that was gone as one that could not be read back", () => {
    const facts = wholeStory().map(
      (fact): Fact =>
        fact.operation === "access.close" && fact.outcome === "done"
          ? { ...fact, reasons: [{ code: "GateNotFound", message: "It is gone.", target: gateId }] }
          : fact,
    );

    expect(evidence(facts).windows[0]?.gates[0]?.closed).toMatchObject({
      proven: true,
      message: "The gate does not exist any more, so it was not read back: It is gone.",
    });
  });

  it("follows a rule that windows share, whoever's name it bears", () => {
    const shared = ruleFor(stranger);
    const facts = wholeStory()
      .filter(({ operation }) => operation !== "gate.write")
      .map((fact) =>
        fact.operation === "access.open"
          ? { ...fact, gates: [{ id: gateId, rules: [shared], readAt: afterNoon(5) }] }
          : fact,
      );

    const told = evidence([...facts, aWrite(300, "asked", [take(shared), put(ruleFor(other))])]);

    expect(told.complete).toBe(true);
    expect(told.windows[0]?.gates[0]?.writes).toHaveLength(1);
    // Another rule took its place in that write: it stays open.
    expect(told.windows[0]?.exposure.proven?.to).toBe(afterNoon(600));
  });

  it("leaves out a write of other people's rules, beside which its own stood as they were", () => {
    const theirs = aWrite(300, "asked", [put(ruleFor(stranger))]);
    const done = aWrite(302, "done", [put(ruleFor(windowId)), put(ruleFor(stranger))], {
      name: 300,
    });

    expect(evidence([...wholeStory(), theirs, done])).toEqual(evidence(wholeStory()));
    // Whoever reads the facts need not read what was to be changed of others.
    expect(evidence([...wholeStory(), done])).toEqual(evidence(wholeStory()));
  });

  it("does not miss a write in one of which only the first changes are told", () => {
    const facts = wholeStory().map((fact) =>
      fact.operation === "gate.write" && fact.outcome === "asked"
        ? { ...fact, changes: [{ path: "70 more", after: "70" }] }
        : fact,
    );

    const told = evidence(facts);

    expect(told.complete).toBe(true);
    expect(told.windows[0]?.gates[0]?.writes[0]).toMatchObject({ changes: [], untold: 70 });
  });

  it("ends what is proven where a firewall's rule is taken away before the end", () => {
    const facts = [...wholeStory(), aWrite(400, "asked", [take(ruleFor(windowId))])];

    expect(evidence(facts).windows[0]?.exposure.proven?.to).toBe(afterNoon(400));
  });

  it.each(["RuleMissing", "RuleEdited"] as const)(
    "ends what is proven with the last reading before somebody's change was found (%s)",
    (code) => {
      const repair = (at: number, target = ruleFor(windowId)) =>
        toldFact({
          operation: "gate.repair",
          outcome: "asked",
          id: `repair.${at}`,
          at: afterNoon(at),
          gates: [{ id: gateId, rules: [target] }],
          reasons: [{ code, message: "Found.", target }],
        });
      const again = [put(ruleFor(windowId))];
      const written = [aWrite(190, "asked", again), aWrite(200, "done", again, { name: 190 })];
      const provenTo = (...more: readonly Fact[]) =>
        evidence([...wholeStory(), ...more]).windows[0]?.exposure.proven?.to;

      expect(provenTo(repair(300))).toBe(afterNoon(5));
      expect(provenTo(repair(300), ...written)).toBe(afterNoon(200));
      expect(provenTo(repair(3))).toBe(afterNoon(600));
      expect(provenTo(repair(300, ruleFor(stranger)))).toBe(afterNoon(600));
    },
  );

  it("leaves out what is told of other people's windows", () => {
    const repair = toldFact({
      operation: "gate.repair",
      outcome: "done",
      id: "gate.repair.1.done.0",
      requestId: undefined,
      windowId: undefined,
      gates: [{ id: gateId, rules: [ruleFor(windowId), ruleFor(stranger)] }],
      reasons: [
        { code: "RuleMissing", message: "Mine.", target: ruleFor(windowId) },
        { code: "RuleMissing", message: "Theirs.", target: ruleFor(stranger) },
      ],
    });
    const theirs = { ...repair, id: "theirs", gates: [{ id: gateId, rules: [ruleFor(stranger)] }] };
    const both = aWrite(1, "asked", [put(ruleFor(windowId)), put(ruleFor(stranger))]);

    const told = evidence([
      ...wholeStory().filter(({ id }) => id !== both.id),
      both,
      repair,
      theirs,
    ]);

    expect(told.windows[0]?.repairs).toMatchObject([
      { rules: [ruleFor(windowId)], reasons: [{ message: "Mine." }] },
    ]);
    expect(JSON.stringify(told)).not.toContain(stranger);
  });

  it("leaves out VMs that the reader may not see, and says that it is a part", () => {
    const request = aRequest({
      windows: [closedWindow(), closedWindow({ id: other, vmId: vmId("web-2") })],
    });
    const ofOther = wholeStory().map((fact) => ({
      ...fact,
      id: `other.${fact.id}`,
      windowId: other,
      vmId: vmId("web-2"),
    }));

    const told = evidence([...wholeStory(), ...ofOther], {
      request,
      shows: (key) => key === idKey(vmId()),
    });

    expect(told).toMatchObject({ partial: true, complete: true });
    expect(JSON.stringify(told)).not.toContain("web-2");
    expect(told.facts).toHaveLength(8);
  });

  it("tells from where people called to those alone who may know", () => {
    const origin = { address: "203.0.113.7", callId: "call-1" };
    const request = aRequest({
      origin,
      decisions: [{ id: "d-1", kind: "approve", by: alice, at: afterNoon(1), origin }],
    });

    const hidden = evidence(wholeStory(), { request, seesOrigin: () => false });

    expect(JSON.stringify(hidden)).not.toContain("call-1");
    expect(evidence(wholeStory(), { request }).request.requestor.origin).toEqual(origin);
  });

  it("shows an approval that came with a request that was moved as given to the older one", () => {
    const request = aRequest({
      follows: { requestId: "older", as: "rebind" },
      decisions: [{ id: "d-0", kind: "approve", by: alice, at: afterNoon(-60), isTold: true }],
    });

    const told = evidence(wholeStory(), { request });

    expect(told.decisions[0]).toMatchObject({ carriedFrom: "older", facts: [] });
    expect(told.follows).toEqual({
      requestId: "older",
      as: "rebind",
      evidence: "/api/requests/older/evidence",
    });
    expect(told.complete).toBe(true);
  });

  it("that is too long is cut, and says how much is left out", () => {
    const many = Array.from({ length: 1_500 }, (_, index) =>
      toldFact({
        operation: "access.extend",
        outcome: "refused",
        id: `call-${index}.refused.0`,
        at: afterNoon(700),
      }),
    );

    const told = evidence([...wholeStory(), ...many], { unread: 20 });

    expect(told.facts).toHaveLength(1_000);
    expect(told.refusals).toHaveLength(500);
    expect(told.leftOut).toEqual({ facts: 528, windows: 0, writes: 0, incidents: 1_000 });
    expect(told.missing[0]?.code).toBe("TooLong");
  });

  it("holds a fact once that was read from two histories", () => {
    const facts = filed(wholeStory());

    expect(evidence([], { facts: [...facts, ...facts] }).facts).toHaveLength(8);
  });
});
