import fc from "fast-check";
import type { Firewall, FirewallRule } from "../../../src/rules/firewall.ts";
import { planFirewall } from "../../../src/rules/firewall-plan.ts";
import type { GateIntent } from "../../../src/rules/intent.ts";
import { afterNoon, anOwner, noon } from "../../support/builders.ts";
import { fewRuns } from "../../support/property-runs.ts";
import { applyToFirewall, isOurs } from "./apply-firewall-changes.ts";
import {
  type FirewallEvent,
  firewallEvents,
  firewallIntents,
  firewalls,
  onFirewall,
  withCollection,
  withMoved,
  withTheirs,
} from "./firewall-arbitraries.ts";

export const planOn = (firewall: Firewall, intent: GateIntent, now = noon) =>
  planFirewall(firewall, intent, now, anOwner);

export const settleOn = (firewall: Firewall, intent: GateIntent, now = noon): Firewall =>
  applyToFirewall(firewall, planOn(firewall, intent, now).changes);

export const oursOn = ({ rules }: Firewall): readonly FirewallRule[] => rules.filter(isOurs);
export const customersOn = ({ rules }: Firewall): readonly FirewallRule[] =>
  rules.filter((rule) => !isOurs(rule));

/** A firewall with a past: settled, edited by hand, changed by its customer, in any order. */
const firewallPasts = fc.record({
  beginning: firewalls,
  past: fc.array(firewallEvents, { maxLength: 6 }),
});

/** Tries a claim on firewalls with any past and any intent. */
export function onAnyFirewall(claim: (firewall: Firewall, intent: GateIntent) => void): void {
  fc.assert(
    fc.property(firewallPasts, firewallIntents, ({ beginning, past }, intent) => {
      const firewall = past.reduce(happen, beginning);
      claim(firewall, onFirewall(firewall, intent));
    }),
    fewRuns,
  );
}

function happen(firewall: Firewall, event: FirewallEvent): Firewall {
  switch (event.kind) {
    case "settle":
      return settleOn(firewall, onFirewall(firewall, event.intent), new Date(afterNoon(event.at)));
    case "customer adds":
      return withCollection(firewall, event.collection);
    case "customer removes": {
      const collection = picked(customersOn(firewall), event.pick)?.collection;
      return without(firewall, (rule) => rule.collection === collection && !isOurs(rule));
    }
    case "customer adds to ours":
      return withTheirs(firewall, event.rule, event.pick);
    case "ours moved":
      return withMoved(firewall, event.pick, event.place);
    case "ours removed": {
      const gone = picked(oursOn(firewall), event.pick);
      return without(firewall, (rule) => rule === gone);
    }
    case "ours edited": {
      const rule = picked(oursOn(firewall), event.pick);
      const rules = firewall.rules.map((each) =>
        each === rule ? { ...each, ...event.edit } : each,
      );
      return { ...firewall, rules };
    }
  }
}

const picked = (rules: readonly FirewallRule[], pick: number) => rules[pick % rules.length];

const without = (firewall: Firewall, isGone: (rule: FirewallRule) => boolean): Firewall => {
  const rules = firewall.rules.filter((rule) => !isGone(rule));
  const isThere = (group: number) =>
    rules.some(({ order: [level, place] }) => level === 1 && place === group);
  return { ...firewall, rules, groupPriorities: firewall.groupPriorities.filter(isThere) };
};
