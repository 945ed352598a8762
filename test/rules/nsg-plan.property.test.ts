import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { DesiredWindow, GateIntent } from "../../src/rules/intent.ts";
import type { NetworkSecurityGroup, SecurityRule } from "../../src/rules/nsg.ts";
import { type GatePlan, planGate } from "../../src/rules/nsg-plan.ts";
import { isOwned } from "../../src/rules/owned.ts";
import { allowBand } from "../../src/rules/places.ts";
import { afterNoon, aGroup, anOwner, noon } from "../support/builders.ts";
import { propertyRuns } from "../support/property-runs.ts";
import { applyChanges } from "./support/apply-changes.ts";
import {
  beginnings,
  type Event,
  events,
  intents,
  lastEnd,
  rulesOf,
  withoutClashes,
} from "./support/arbitraries.ts";

const plan = (group: NetworkSecurityGroup, intent: GateIntent, now = noon): GatePlan =>
  planGate(group, intent, now, anOwner);

const settle = (group: NetworkSecurityGroup, intent: GateIntent, now = noon) =>
  applyChanges(group, plan(group, intent, now).changes);

const ours = (group: NetworkSecurityGroup) => group.rules.filter((rule) => isOwned(rule, anOwner));
const customers = (group: NetworkSecurityGroup) =>
  group.rules.filter((rule) => !isOwned(rule, anOwner));
/**
 * The customer's rules but for those under the very name of a rule that is wanted: one of ours that somebody turned outbound
 * is the customer's until its name is needed.
 */
const customersBeside = (group: NetworkSecurityGroup, intent: GateIntent) => {
  const needed = plan(aGroup(), intent).changes.map((change) =>
    change.kind === "put" ? change.rule.name.toLowerCase() : "",
  );
  return customers(group).filter(
    (rule) =>
      !(
        needed.includes(rule.name.toLowerCase()) &&
        isOwned({ ...rule, direction: "Inbound" }, anOwner)
      ),
  );
};
const byName = (rules: readonly SecurityRule[]) =>
  rules.toSorted((left, right) => (left.name < right.name ? -1 : 1));

/** What the event makes of the group; an edit that Azure would refuse for its priority does not happen. */
function happen(group: NetworkSecurityGroup, event: Event): NetworkSecurityGroup {
  switch (event.kind) {
    case "settle":
      return settle(group, event.intent, new Date(afterNoon(event.at)));
    case "customer adds":
      return { ...group, rules: withoutClashes([...group.rules, event.rule]).slice(0, 1_000) };
    case "customer removes":
      return without(group, picked(customers(group), event.pick));
    case "ours removed":
      return without(group, picked(ours(group), event.pick));
    case "ours edited": {
      const rule = picked(ours(group), event.pick);
      const edited = rule === undefined ? [] : [{ ...rule, ...event.edit }];
      const rules = [...without(group, rule).rules, ...edited];
      return withoutClashes(rules).length === rules.length ? { ...group, rules } : group;
    }
  }
}

const picked = (rules: readonly SecurityRule[], pick: number) => rules[pick % rules.length];

const without = (group: NetworkSecurityGroup, gone: SecurityRule | undefined) => ({
  ...group,
  rules: group.rules.filter((rule) => rule !== gone),
});

/** A gate with a past: settled, edited by hand, changed by its customer, in any order. */
const pasts = fc.record({ beginning: beginnings, past: fc.array(events, { maxLength: 8 }) });
type Past = typeof pasts extends fc.Arbitrary<infer T> ? T : never;

const gateOf = ({ beginning, past }: Past): NetworkSecurityGroup =>
  past.reduce(happen, aGroup(...rulesOf(beginning)));

/** Tries a claim on gates with any past and any intent. */
function always(claim: (gate: NetworkSecurityGroup, intent: GateIntent) => void): void {
  fc.assert(
    fc.property(pasts, intents, (past, intent) => claim(gateOf(past), intent)),
    propertyRuns,
  );
}

describe("the plan for a gate with any past", () => {
  it("is accepted by Azure step by step, leaves customer rules as they are, and made again changes nothing", () => {
    always((gate, intent) => {
      const after = settle(gate, intent);

      expect(byName(customers(after))).toEqual(byName(customersBeside(gate, intent)));
      expect(plan(after, intent).changes).toEqual([]);
    });
  });

  it("puts every allow rule of ours into its band, before every deny rule of ours", () => {
    always((gate, intent) => {
      for (const rule of ours(settle(gate, intent))) {
        expect(rule.direction).toBe("Inbound");
        expect(rule.priority <= allowBand.last).toBe(rule.access === "Allow");
      }
    });
  });

  it("has a rule for every address family of an open window, and none for a failed one", () => {
    always((gate, intent) => {
      const { results, changes } = plan(gate, intent);
      const names = ours(applyChanges(gate, changes)).map((rule) => rule.name);

      for (const window of intent.windows) {
        const result = results[window.windowId];
        const present = names.filter((name) => isOfRequest(name, window));

        expect(result?.state === "open" ? result.rules.toSorted() : []).toEqual(present.toSorted());
        expect(present.map((name) => Number(name.at(-1))).toSorted()).toEqual(
          result?.state === "open" ? commonFamilies(window) : [],
        );
      }
    });
  });

  it("puts the group back as it was when all windows are over", () => {
    always((gate, intent) => {
      const before = settle(gate, { ...intent, windows: [] });
      const during = settle(before, intent);

      const after = settle(during, intent, new Date(afterNoon(lastEnd)));

      expect(byName(after.rules)).toEqual(
        byName([...ours(before), ...customersBeside(before, intent)]),
      );
    });
  });

  it("leaves the customer's rules and nothing else when nothing is wanted any longer", () => {
    always((gate, intent) => {
      const during = settle(gate, intent);

      const after = settle(during, { denies: [], windows: [] });

      expect(byName(after.rules)).toEqual(byName(customersBeside(gate, intent)));
    });
  });
});

/** A request of {@link intents} has one VM, source set and end: its ports share their rules. */
const isOfRequest = (name: string, window: DesiredWindow): boolean =>
  name.includes(`-Allow-${window.requestId}-`);

const commonFamilies = ({ addresses, sources }: DesiredWindow): readonly number[] =>
  [4, 6].filter((family) => speaksOf(addresses, family) && speaksOf(sources, family));

const speaksOf = (list: readonly string[], family: number): boolean =>
  list.some((text) => text === "*" || text.includes(":") === (family === 6));
