import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { type Firewall, type FirewallRule, firewallLimits } from "../../src/rules/firewall.ts";
import { isBefore } from "../../src/rules/firewall-order.ts";
import type { DesiredWindow, GateIntent } from "../../src/rules/intent.ts";
import { closesAtOf, isOwnCollection } from "../../src/rules/owned.ts";
import { portListIncludes } from "../../src/rules/ports.ts";
import { aDnatRule, aFirewall, afterNoon, anOwner } from "../support/builders.ts";
import { fewRuns } from "../support/property-runs.ts";
import { isOurs } from "./support/apply-firewall-changes.ts";
import { lastEnd } from "./support/arbitraries.ts";
import { firewallIntents, firewalls, onFirewall } from "./support/firewall-arbitraries.ts";
import { customersOn, onAnyFirewall, oursOn, planOn, settleOn } from "./support/firewall-past.ts";
import { touches } from "./support/touches.ts";

const byName = (rules: readonly FirewallRule[]) =>
  rules.toSorted((left, right) =>
    `${left.collection} ${left.name}` < `${right.collection} ${right.name}` ? -1 : 1,
  );

/** Customer rules as they are; of those in a collection of ours all but the place, as the collection may move. */
const customersAsTheyAre = (firewall: Firewall) =>
  byName(customersOn(firewall)).map((rule) =>
    isOwnCollection(rule.collection, anOwner) ? { ...rule, order: "ours" } : rule,
  );

const isV4 = (text: string) => !text.includes(":");

/** Whether the rule is for the very traffic of the window. */
const speaksOf = (rule: FirewallRule, window: DesiredWindow): boolean => {
  const sameSet = (list: readonly string[], other: readonly string[]) =>
    new Set(list).symmetricDifference(new Set(other)).size === 0;
  return (
    sameSet(rule.sources, window.sources.includes("*") ? ["*"] : window.sources.filter(isV4)) &&
    sameSet(rule.protocols, window.protocol === "*" ? ["TCP", "UDP"] : [window.protocol]) &&
    Date.parse(closesAtOf(rule) ?? "") >= Date.parse(window.closesAt)
  );
};

describe("the plan for a firewall with any past", () => {
  it("is accepted by Azure, leaves customer rules as they are, and made again changes nothing", () => {
    onAnyFirewall((firewall, intent) => {
      const after = settleOn(firewall, intent);

      expect(customersAsTheyAre(after)).toEqual(customersAsTheyAre(firewall));
      expect(planOn(after, intent).changes).toEqual([]);
      const { results, findings } = planOn(firewall, intent);
      expect(planOn(after, intent)).toMatchObject({ results, findings });
    });
  });

  it("reads every allow rule of ours before every deny rule of ours", () => {
    onAnyFirewall((firewall, intent) => {
      const rules = oursOn(settleOn(firewall, intent)).filter(({ kind }) => kind === "network");

      const [allows = [], denies = []] = (["Allow", "Deny"] as const).map((access) =>
        rules.filter((rule) => rule.access === access),
      );
      for (const deny of denies) {
        expect(allows.every((allow) => isBefore(allow.order, deny.order))).toBe(true);
      }
    });
  });

  it("has an allow rule for every open window, an entrance for people from outside, and no other rule", () => {
    onAnyFirewall((firewall, intent) => {
      const { results } = planOn(firewall, intent);
      const after = settleOn(firewall, intent);
      const opening = oursOn(after).filter(({ access }) => access === "Allow");
      const used = intent.windows.flatMap((window) => {
        const result = results[window.windowId];
        const names = result?.state === "open" ? result.rules : [];
        const own = opening.filter((rule) => names.includes(rule.name) && speaksOf(rule, window));

        expect(own.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
        if (result?.state === "open" && result.entrance !== undefined) {
          const { address, port } = result.entrance;
          const leading = after.rules.filter(
            (rule) =>
              rule.kind === "dnat" &&
              rule.destinations.includes(address) &&
              rule.destinationPorts.includes(String(port)) &&
              window.addresses.includes(rule.translatedAddress ?? "") &&
              rule.translatedPort === String(window.port),
          );
          expect(leading.length).toBeGreaterThan(0);
        }
        return names;
      });
      expect([...new Set(used)].toSorted()).toEqual(opening.map(({ name }) => name).toSorted());
    });
  });

  it("tells of every customer's rule that keeps a protected port open", () => {
    onAnyFirewall((firewall, intent) => {
      const after = settleOn(firewall, intent);
      const { findings } = planOn(after, intent);
      const told = findings.map(({ target, vmId }) => `${target} ${vmId}`);

      for (const deny of oursOn(after).filter(({ access }) => access === "Deny")) {
        const vmId = intent.denies.find(({ vmKey }) => deny.name.includes(vmKey))?.vmId;
        const exposing = customersOn(after).filter(
          (rule) =>
            rule.access === "Allow" &&
            (rule.kind === "network"
              ? isBefore(rule.order, deny.order) && touches(rule, deny)
              : deny.destinations.includes(rule.translatedAddress ?? "") &&
                deny.destinationPorts.includes(rule.translatedPort ?? "")),
        );
        expect(told).toEqual(expect.arrayContaining(exposing.map(({ name }) => `${name} ${vmId}`)));
      }
    });
  });

  it("puts the firewall back as it was when all windows are over", () => {
    onAnyFirewall((firewall, intent) => {
      const before = settleOn(firewall, { ...intent, windows: [] });
      const during = settleOn(before, intent);

      const after = settleOn(during, intent, new Date(afterNoon(lastEnd)));

      expect(byName(oursOn(after))).toEqual(byName(oursOn(before)));
      expect(customersAsTheyAre(after)).toEqual(customersAsTheyAre(before));
    });
  });

  it("leaves the customer's rules and nothing else when nothing is wanted any longer", () => {
    onAnyFirewall((firewall, intent) => {
      const during = settleOn(firewall, intent);

      const after = settleOn(during, { denies: [], windows: [] });

      expect(oursOn(after)).toEqual([]);
      expect(customersAsTheyAre(after)).toEqual(customersAsTheyAre(firewall));
    });
  });
});

describe("a mapped port", () => {
  it("is nobody else's, neither a customer's nor another VM's or port's, and one for each VM and port", () => {
    onAnyFirewall((firewall, intent) => {
      const after = settleOn(firewall, intent);
      const ours = oursOn(after).filter(({ kind }) => kind === "dnat");
      const theirs = customersOn(after).filter(({ kind }) => kind === "dnat");
      const places = ours.map((rule) => `${rule.destinations[0]} ${rule.destinationPorts[0]}`);
      const targets = ours.map((rule) => `${rule.translatedAddress} ${rule.translatedPort}`);

      expect(new Set(places).size).toBe(new Set(targets).size);
      expect(new Set(ours.map((_, index) => `${places[index]} ${targets[index]}`)).size).toBe(
        new Set(targets).size,
      );
      for (const rule of ours) {
        const taking = theirs.filter(
          (other) =>
            other.destinations.some((text) =>
              ["*", "198.51.100.0/30", rule.destinations[0]].includes(text),
            ) && portListIncludes(other.destinationPorts, Number(rule.destinationPorts[0])),
        );
        expect(taking).toEqual([]);
      }
    });
  });

  const entrancesOf = (firewall: Firewall, { windows, ...rest }: GateIntent) =>
    Object.entries(planOn(firewall, { windows, ...rest }).results).map(
      ([windowId, result]) =>
        [windowId, result.state === "open" ? (result.entrance ?? "none") : "failed"] as const,
    );

  it("does not depend on who asks first, nor on other windows that come and go", () => {
    fc.assert(
      fc.property(
        firewalls,
        firewallIntents.chain((intent) =>
          fc.record({
            intent: fc.constant(intent),
            order: fc.shuffledSubarray([...intent.windows], { minLength: intent.windows.length }),
            leaving: fc.subarray([...intent.windows]),
          }),
        ),
        (firewall, { intent, order, leaving }) => {
          const { denies, windows: all } = onFirewall(firewall, intent);
          // What no policy protects has no port of its own while nobody asks for it.
          const windows = all.filter((window) =>
            denies.some((deny) => deny.vmId === window.vmId && deny.ports.includes(window.port)),
          );
          const wanted = order.flatMap(({ windowId }) =>
            windows.filter((each) => each.windowId === windowId),
          );
          const isLeaving = (window: DesiredWindow) =>
            leaving.some(({ windowId }) => windowId === window.windowId);

          const atOnce = new Map(entrancesOf(firewall, { denies, windows }));
          const one = wanted.reduce(
            (now, _, index) => settleOn(now, { denies, windows: wanted.slice(0, index + 1) }),
            firewall,
          );
          const fewer = { denies, windows: windows.filter((window) => !isLeaving(window)) };
          const left = settleOn(one, fewer);

          const byOne = new Map(entrancesOf(one, { denies, windows }));
          expect(byOne).toEqual(atOnce);
          for (const [windowId, entrance] of entrancesOf(left, fewer)) {
            expect(byOne.get(windowId)).toEqual(entrance);
          }
        },
      ),
      fewRuns,
    );
  });
});

describe("Azure's limit for DNAT rules", () => {
  const filled = fc.integer({ min: 235, max: 252 });

  it("is kept, TCP and UDP counted each, whatever the customer has", () => {
    fc.assert(
      fc.property(firewallIntents, filled, fc.boolean(), (intent, count, isBoth) => {
        const rules = Array.from({ length: isBoth ? Math.floor(count / 2) : count }, (_, index) =>
          aDnatRule({
            name: `nat-${index}`,
            protocols: isBoth ? ["Any"] : ["TCP"],
            destinationPorts: [String(1_000 + index)],
          }),
        );
        const firewall = aFirewall(...rules);
        const wanted = onFirewall(firewall, intent);
        const after = settleOn(firewall, wanted);

        const counted = new Set(
          after.rules
            .filter(({ kind }) => kind === "dnat")
            .flatMap(({ destinations, destinationPorts, protocols }) =>
              protocols
                .flatMap((name) => (name === "Any" ? ["TCP", "UDP"] : [name]))
                .map((name) => `${destinations[0]} ${destinationPorts[0]} ${name}`),
            ),
        );
        const isOver = counted.size + firewall.publicAddresses.length > firewallLimits.dnat;
        expect(isOver && after.rules.some((rule) => isOurs(rule) && rule.kind === "dnat")).toBe(
          false,
        );
        expect(planOn(after, wanted).changes).toEqual([]);
      }),
      fewRuns,
    );
  });
});
