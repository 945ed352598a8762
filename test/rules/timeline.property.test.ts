import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { DesiredWindow, GateIntent } from "../../src/rules/intent.ts";
import type { NetworkSecurityGroup, SecurityRule } from "../../src/rules/nsg.ts";
import { planGate, type RuleChange } from "../../src/rules/nsg-plan.ts";
import { planOverdue } from "../../src/rules/overdue.ts";
import { closesAtOf, isOwned } from "../../src/rules/owned.ts";
import { afterNoon, aGroup, anOwner } from "../support/builders.ts";
import { propertyRuns } from "../support/property-runs.ts";
import { applyChanges } from "./support/apply-changes.ts";
import { beginnings, customerRules, intents, lastEnd, rulesOf } from "./support/arbitraries.ts";

/** What happens to a gate between two settles. Numbers pick a request or a rule, modulo how many there are. */
type Happening =
  | { readonly kind: "asked"; readonly pick: number }
  | { readonly kind: "ended early"; readonly pick: number }
  | { readonly kind: "time passes"; readonly seconds: number }
  | { readonly kind: "customer adds"; readonly rule: SecurityRule }
  | { readonly kind: "customer moves"; readonly pick: number; readonly priority: number }
  | { readonly kind: "customer removes"; readonly pick: number };

const pick = fc.nat(1_000);
const happenings: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("asked" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("ended early" as const), pick }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("time passes" as const),
      seconds: fc.integer({ min: 1, max: lastEnd / 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("customer adds" as const), rule: customerRules }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("customer moves" as const),
      pick,
      priority: fc.integer({ min: 100, max: 310 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("customer removes" as const), pick }) },
);

/** A gate on its way: what stands there, which of its rules are the customer's, what is wanted, and since noon how late it is. */
interface Moment {
  readonly gate: NetworkSecurityGroup;
  readonly customer: readonly SecurityRule[];
  readonly wanted: readonly DesiredWindow[];
  readonly seconds: number;
}

/** The story goes through windows of `intent`, request by request; denies are wanted from the beginning. */
const stories = fc.record({
  beginning: beginnings,
  intent: intents,
  happenings: fc.array(happenings, { minLength: 3, maxLength: 20 }),
});

const isOurs = (rule: SecurityRule): boolean => isOwned(rule, anOwner);
const customersOf = ({ rules }: NetworkSecurityGroup) => rules.filter((rule) => !isOurs(rule));

/** Comparing a thousand rules by content, at each of the story's steps, would take longer than planning them: nobody makes a rule anew. */
const differing = (rules: readonly SecurityRule[], others: readonly SecurityRule[]) => [
  ...new Set(rules).symmetricDifference(new Set(others)),
];

/** As `expect(items).toEqual([])`, which costs much where it is asked at each step. */
function expectNone(items: readonly unknown[]): void {
  if (items.length > 0) {
    expect(items).toEqual([]);
  }
}

function happen(moment: Moment, event: Happening, { windows }: GateIntent): Moment {
  const { customer, wanted } = moment;
  switch (event.kind) {
    case "asked": {
      const of = requestPicked(windows, event.pick);
      return { ...moment, wanted: [...wanted.filter((window) => !of.includes(window)), ...of] };
    }
    case "ended early": {
      const of = requestPicked(wanted, event.pick);
      return { ...moment, wanted: wanted.filter((window) => !of.includes(window)) };
    }
    case "time passes":
      return { ...moment, seconds: moment.seconds + event.seconds };
    case "customer adds":
      return edited(moment, [...customer, event.rule]);
    case "customer moves": {
      const rule = customer[event.pick % customer.length];
      const { priority } = event;
      return edited(
        moment,
        customer.map((each) => (each === rule ? { ...each, priority } : each)),
      );
    }
    case "customer removes":
      return edited(moment, customer.toSpliced(event.pick % customer.length, 1));
  }
}

function requestPicked(windows: readonly DesiredWindow[], number: number) {
  const requests = [...Map.groupBy(windows, (window) => window.requestId).values()];
  return requests[number % requests.length] ?? [];
}

/** What the customer makes of it; what Azure would refuse does not happen. */
function edited(moment: Moment, customer: readonly SecurityRule[]): Moment {
  const rules = [...moment.gate.rules.filter(isOurs), ...customer];
  const places = new Set(rules.map((rule) => `${rule.direction} ${rule.priority}`));
  const names = new Set(rules.map((rule) => rule.name.toLowerCase()));
  const isAccepted =
    places.size === rules.length && names.size === rules.length && rules.length <= 1_000;
  return isAccepted ? { ...moment, gate: { ...moment.gate, rules }, customer } : moment;
}

/** A plan's changes as the network carries them out: by themselves when they are few and of a kind, else at once. */
function steps(changes: readonly RuleChange[]): readonly (readonly RuleChange[])[] {
  const isWhole = changes.length > 2 || new Set(changes.map((change) => change.kind)).size > 1;
  return isWhole ? [changes] : changes.map((change) => [change]);
}

/** Whether some rules of ours let all of a window's traffic through that share an address family with it. */
function isOpenIn({ rules }: NetworkSecurityGroup, window: DesiredWindow, count: number): boolean {
  const own = rules.filter(
    (rule) =>
      isOurs(rule) &&
      rule.access === "Allow" &&
      rule.protocol.toUpperCase() === window.protocol &&
      rule.destinationPorts.includes(String(window.port)) &&
      rule.sources.every((source) => window.sources.includes(source)) &&
      rule.destinations.every((address) => window.addresses.includes(address)),
  );
  return own.length >= count;
}

function settle(moment: Moment, denies: GateIntent["denies"]): Moment {
  const { gate, wanted, seconds } = moment;
  const now = new Date(afterNoon(seconds));
  const { changes, results, expired } = planGate(gate, { denies, windows: wanted }, now, anOwner);
  const open = wanted.flatMap((window) => {
    const result = results[window.windowId];
    return result?.state === "open" ? [{ window, count: result.rules.length }] : [];
  });
  const stayOpen = open.filter(({ window, count }) => isOpenIn(gate, window, count));

  const after = steps(changes).reduce((group, step) => {
    const next = applyChanges(group, step);
    expectNone(stayOpen.filter(({ window, count }) => !isOpenIn(next, window, count)));
    return next;
  }, gate);

  expectNone(differing(customersOf(after), moment.customer));
  expectNone(open.filter(({ window, count }) => !isOpenIn(after, window, count)));
  const ends = after.rules
    .filter((rule) => isOurs(rule) && rule.access === "Allow")
    .map(closesAtOf);
  expectNone(ends.filter((end) => Date.parse(end ?? "") <= now.getTime()));
  return {
    ...moment,
    gate: after,
    wanted: wanted.filter((window) => !expired.includes(window.windowId)),
  };
}

/** Tells a story to its end: every happening, and a settle after it. */
function tell({ beginning, intent, happenings: story }: Story): Moment {
  const gate = aGroup(...rulesOf(beginning));
  const start: Moment = { gate, customer: gate.rules, wanted: [], seconds: 0 };
  return story.reduce(
    (moment, event) => settle(happen(moment, event, intent), intent.denies),
    settle(start, intent.denies),
  );
}
type Story = typeof stories extends fc.Arbitrary<infer T> ? T : never;

describe("a gate on which windows of many people come and go while its customer works on it", () => {
  it("never lacks an open window, never keeps one that is over, and never loses a customer's rule", () => {
    fc.assert(
      fc.property(stories, (story) => void tell(story)),
      propertyRuns,
    );
  });

  it("has deny rules alone when all windows are over, and nothing of ours when the policy is gone", () => {
    fc.assert(
      fc.property(stories, (story) => {
        const late = { ...tell(story), seconds: lastEnd };

        const closed = settle(late, story.intent.denies);
        const after = settle(closed, []);

        const own = closed.gate.rules.filter(isOurs);
        expect(own.filter((rule) => rule.access === "Allow")).toEqual([]);
        expect(differing(after.gate.rules, late.customer)).toEqual([]);
      }),
      propertyRuns,
    );
  });

  it("closes by its rules alone what is over, and nothing else, should storage be lost", () => {
    fc.assert(
      fc.property(stories, fc.integer({ min: 0, max: lastEnd }), (story, seconds) => {
        const { gate } = tell(story);
        const now = new Date(afterNoon(seconds));

        const { changes, findings } = planOverdue(gate, now, anOwner);
        const after = applyChanges(gate, changes);

        const isOver = (rule: SecurityRule) =>
          isOurs(rule) &&
          rule.access === "Allow" &&
          Date.parse(closesAtOf(rule) ?? "") <= now.getTime();
        expect(after.rules).toEqual(gate.rules.filter((rule) => !isOver(rule)));
        expect(findings).toEqual([]);
      }),
      propertyRuns,
    );
  });
});
