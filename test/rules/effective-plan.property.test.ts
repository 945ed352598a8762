import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { accessThrough, type GroupAccess } from "../../src/rules/effective.ts";
import { type ReadGroup, readGroup } from "../../src/rules/effective-group.ts";
import type { DesiredWindow, GateIntent } from "../../src/rules/intent.ts";
import type { NetworkSecurityGroup, SecurityRule } from "../../src/rules/nsg.ts";
import { type GatePlan, planGate } from "../../src/rules/nsg-plan.ts";
import { isOwned } from "../../src/rules/owned.ts";
import { aGroup, anOwner, aRule, noon } from "../support/builders.ts";
import { propertyRuns } from "../support/property-runs.ts";
import { applyChanges } from "./support/apply-changes.ts";
import { beginnings, intents, rulesOf } from "./support/arbitraries.ts";

/** A gate on which something was wanted before, and what is wanted of it now. */
const cases = fc.record({ beginning: beginnings, before: intents, intent: intents });

/** A settled gate, what its plan promised, and how it is read by the evaluator, which knows nothing of plans. */
interface Settled {
  readonly intent: GateIntent;
  readonly plan: GatePlan;
  readonly after: NetworkSecurityGroup;
  readonly group: ReadGroup;
}

function always(claim: (settled: Settled) => void): void {
  fc.assert(
    fc.property(cases, ({ beginning, before, intent }) => {
      const gate = settle(aGroup(...rulesOf(beginning)), before);
      const plan = planGate(gate, intent, noon, anOwner);
      const after = applyChanges(gate, plan.changes);
      claim({ intent, plan, after, group: readGroup(after) });
    }),
    propertyRuns,
  );
}

const settle = (group: NetworkSecurityGroup, intent: GateIntent) =>
  applyChanges(group, planGate(group, intent, noon, anOwner).changes);

const isOurs = (rule: SecurityRule) => isOwned(rule, anOwner);
const isV6 = (text: string) => text.includes(":");

/** A window's traffic, source by source: to each address of the source's family (any source has two). */
function trafficOf(window: DesiredWindow) {
  return window.sources.flatMap((source) =>
    [false, true].flatMap((family) => {
      const destinations = window.addresses.filter((address) => isV6(address) === family);
      const isMeant = source === "*" || isV6(source) === family;
      return isMeant && destinations.length > 0 ? [{ source, destinations }] : [];
    }),
  );
}

const accessesOf = (group: ReadGroup, window: DesiredWindow) =>
  trafficOf(window).map(({ source, destinations }) =>
    destinations.map((destination) => accessThrough(group, { ...window, source, destination })),
  );

/** The rule alone, before one that lets everything in. */
const alone = (rule: SecurityRule): ReadGroup =>
  readGroup(
    aGroup(
      rule,
      aRule({ name: "all", priority: rule.priority + 1, protocol: "*", destinationPorts: ["*"] }),
    ),
  );

/** Whether a group takes all of one source of the window, at every address. */
const takesSourceOf = (window: DesiredWindow, group: ReadGroup): boolean =>
  accessesOf(group, window).some((accesses) => accesses.every(({ access }) => access === "denied"));

const named = ({ after }: Settled, { rules }: GroupAccess): readonly SecurityRule[] =>
  after.rules.filter((rule) => rule.direction === "Inbound" && rules.includes(rule.name));

describe("a window that the plan calls open", () => {
  it("lets everybody through whom it is for, but for a customer's deny rule that stands before it", () => {
    always((settled) => {
      const { intent, plan, group } = settled;
      for (const window of intent.windows) {
        if (plan.results[window.windowId]?.state === "open") {
          for (const answer of accessesOf(group, window).flat()) {
            const denies = named(settled, answer).filter((rule) => rule.access === "Deny");

            expect(answer.access === "allowed" || denies.length > 0).toBe(true);
            expect(denies.filter(isOurs)).toEqual([]);
          }
        }
      }
    });
  });

  it("has no customer's deny rule before it that takes all of one of its sources", () => {
    always(({ intent, plan, after }) => {
      const denies = after.rules
        .filter((rule) => rule.direction === "Inbound" && rule.access === "Deny")
        .map((rule) => ({ ...rule, group: alone(rule) }));
      for (const window of intent.windows) {
        const result = plan.results[window.windowId];
        const own = result?.state === "open" ? result.rules : [];
        const taking = after.rules
          .filter((rule) => own.includes(rule.name))
          .flatMap(({ priority, destinations }) =>
            denies.filter(
              (deny) =>
                deny.priority < priority &&
                takesSourceOf({ ...window, addresses: destinations }, deny.group),
            ),
          );

        expect(taking.map(({ name }) => name)).toEqual([]);
      }
    });
  });
});

describe("a window that the plan calls blocked", () => {
  it("is not open to anybody by a rule made for it", () => {
    always((settled) => {
      const { intent, plan, group } = settled;
      for (const window of intent.windows.filter(
        ({ windowId }) => plan.results[windowId]?.state === "failed",
      )) {
        const rules = accessesOf(group, window)
          .flat()
          .flatMap((answer) => named(settled, answer));

        expect(
          rules.filter((rule) => isOurs(rule) && rule.name.includes(window.requestId)),
        ).toEqual([]);
      }
    });
  });

  it("is blocked by the rule that is named, which takes all of a source of it or of a window beside it", () => {
    always(({ intent, plan, after }) => {
      for (const window of intent.windows) {
        const beside = intent.windows.filter((other) => other.requestId === window.requestId);
        for (const target of blockingRules(plan, window)) {
          const blocking = after.rules.filter((rule) => rule.name === target && !isOurs(rule));

          expect(blocking).toHaveLength(1);
          expect(
            blocking.map(alone).every((group) => beside.some((each) => takesSourceOf(each, group))),
          ).toBe(true);
        }
      }
    });
  });
});

function blockingRules({ results }: GatePlan, { windowId }: DesiredWindow) {
  const result = results[windowId];
  const reasons = result?.state === "failed" ? result.reasons : [];
  return reasons.filter(({ code }) => code === "BlockedByCustomerRule").map(({ target }) => target);
}

describe("a protected port", () => {
  /** Nobody's source in any test, but for those that are for everybody. */
  const strangers = { v4: "198.51.100.99", v6: "2001:db9::99" };
  const isForEverybody = (window: DesiredWindow) =>
    window.sources.some((source) => ["*", "0.0.0.0/0", "::/0"].includes(source));

  /** Every protected port of every address, and from whom it should be closed: everybody, or who has no window. */
  const closedTraffic = ({ denies, windows }: GateIntent) =>
    denies.flatMap(({ addresses, ports }) =>
      addresses.flatMap((destination) =>
        ports.flatMap((port) => {
          const open = windows.filter(
            (window) => window.port === port && window.addresses.includes(destination),
          );
          const stranger = isV6(destination) ? strangers.v6 : strangers.v4;
          const source = open.length === 0 ? "*" : stranger;
          return open.some(isForEverybody)
            ? []
            : [{ source, destination, port, protocol: "*" as const }];
        }),
      ),
    );

  it("is closed to whoever has no window, unless the plan says which rule keeps it open or that it has no place", () => {
    always((settled) => {
      const { intent, plan, group } = settled;
      if (plan.findings.some(({ code }) => code === "GateFull")) {
        return;
      }
      const exposing = plan.findings.flatMap(({ code, target }) =>
        code === "ExposedByCustomerRule" ? [target] : [],
      );
      for (const traffic of closedTraffic(intent)) {
        const answer = accessThrough(group, traffic);
        const allows = named(settled, answer).filter((rule) => rule.access === "Allow");

        expect(answer.access === "denied" || allows.length > 0).toBe(true);
        for (const { name } of allows) {
          expect(exposing).toContain(name);
        }
      }
    });
  });
});
