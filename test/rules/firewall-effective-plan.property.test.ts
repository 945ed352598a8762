import { describe, expect, it } from "@jest/globals";
import { type Firewall, type FirewallRule, fullName } from "../../src/rules/firewall.ts";
import {
  accessThroughFirewall,
  dnatReadings,
  readFirewall,
} from "../../src/rules/firewall-effective.ts";
import type { DesiredWindow, Entrance, GateIntent } from "../../src/rules/intent.ts";
import { judgedFirewallPlan } from "../../src/rules/judged-plan.ts";
import type { GatePlan } from "../../src/rules/nsg-plan.ts";
import { afterNoon, anOwner, noon } from "../support/builders.ts";
import { applyToFirewall, isOurs } from "./support/apply-firewall-changes.ts";
import { lastEnd } from "./support/arbitraries.ts";
import { customersOn, onAnyFirewall, settleOn } from "./support/firewall-past.ts";

/** A settled firewall, what its plan promised, and how the evaluator reads it, which knows nothing of plans. */
interface Settled {
  readonly intent: GateIntent;
  readonly plan: GatePlan<FirewallRule>;
  readonly after: Firewall;
  readonly read: ReturnType<typeof readFirewall>;
}

function always(claim: (settled: Settled) => void, now = noon): void {
  onAnyFirewall((firewall, intent) => {
    const gate = settleOn(firewall, intent);
    const plan = judgedFirewallPlan(gate, intent, now, anOwner);
    const after = applyToFirewall(gate, plan.changes);
    claim({ intent, plan, after, read: readFirewall(after) });
  });
}

/** Nobody's source in any test, but for those that are for everybody. */
const stranger = "198.51.100.99";
const everybody = ["*", "0.0.0.0/0"];
const isV4 = (text: string) => !text.includes(":");
const isPrivate = (text: string) => text.startsWith("10.");

/** A window's traffic, source by source: to the entrance from outside, to the VM's addresses from inside. */
function waysOf(window: DesiredWindow, entrance: Entrance | undefined) {
  const { port } = window;
  return window.sources.filter(isV4).flatMap((source) => {
    const inside = window.addresses.filter(isV4).map((destination) => ({ destination, port }));
    return isPrivate(source) || entrance === undefined
      ? inside.map((way) => ({ source, ...way }))
      : [{ source, destination: entrance.address, port: entrance.port }];
  });
}

const publicWaysOf = (window: DesiredWindow, entrance: Entrance | undefined) =>
  entrance === undefined ? [] : waysOf(window, entrance).filter(({ source }) => !isPrivate(source));

const customersNamed = ({ after }: Settled, names: readonly string[]) =>
  customersOn(after).filter((rule) => names.includes(fullName(rule)));

/** Every window that the plan calls open, and its entrance if it has one. */
const openWindows = ({ intent, plan }: Settled) =>
  intent.windows.flatMap((window) => {
    const result = plan.results[window.windowId];
    return result?.state === "open" ? [{ window, entrance: result.entrance }] : [];
  });

describe("a window that the plan of a firewall calls open", () => {
  it("lets everybody through whom it is for, whatever DNAT is, but for a customer's rule that is told of", () => {
    always((settled) => {
      for (const { window, entrance } of openWindows(settled)) {
        const ways = waysOf(window, entrance).flatMap((way) =>
          dnatReadings.map((reading) => ({ way: { ...way, protocol: window.protocol }, reading })),
        );
        for (const { way, reading } of ways) {
          const answer = accessThroughFirewall(settled.read, way, reading);

          const theirs = customersNamed(settled, answer.rules).filter(
            (rule) => rule.kind === "dnat" || rule.access === "Deny",
          );
          expect(answer.access === "allowed" || theirs.length > 0).toBe(true);
          expect(answer.access).not.toBe("denied");
        }
      }
    });
  });

  it("is led to by its entrance, to its own port alone", () => {
    always((settled) => {
      for (const { window, entrance } of openWindows(settled)) {
        for (const way of publicWaysOf(window, entrance)) {
          const { protocol } = window;
          const { leadsTo } = accessThroughFirewall(
            settled.read,
            { ...way, protocol },
            "dnat ends",
          );

          expect(leadsTo.length).toBeGreaterThan(0);
          for (const { address, port } of leadsTo) {
            expect(window.addresses).toContain(address);
            expect(port).toBe(window.port);
          }
        }
      }
    });
  });
});

/** The addresses and ports by which a VM's port may be reached: itself, and all entrances of ours that lead there. */
function waysTo(after: Firewall, address: string, port: number) {
  const entrances = after.rules
    .filter(
      (rule) =>
        isOurs(rule) && rule.translatedAddress === address && rule.translatedPort === String(port),
    )
    .map((rule) => ({
      destination: rule.destinations[0] ?? "",
      port: Number(rule.destinationPorts[0]),
    }));
  return [{ destination: address, port }, ...entrances];
}

describe("a protected port behind a firewall", () => {
  const protectedPorts = ({ denies }: GateIntent) =>
    denies.flatMap(({ addresses, ports }) =>
      addresses.filter(isV4).flatMap((address) => ports.map((port) => ({ address, port }))),
    );

  const expectClosed = (settled: Settled, source: string, address: string, port: number) => {
    const { after, plan, read } = settled;
    const told = plan.findings.map(({ target }) => target);
    const isThere = (rule: FirewallRule) =>
      rule.translatedAddress === address && rule.translatedPort === String(port);
    for (const way of waysTo(after, address, port)) {
      for (const reading of dnatReadings) {
        const answer = accessThroughFirewall(read, { ...way, source, protocol: "*" }, reading);
        const theirs = customersNamed(settled, answer.rules).filter(
          (rule) => rule.access === "Allow",
        );
        // A customer's rule may lead traffic elsewhere: then it is not this port that is open.
        const isDiverted = theirs.some((rule) => rule.kind === "dnat" && !isThere(rule));
        const names = isDiverted ? [] : theirs.map(({ name }) => name);

        expect(answer.access === "denied" || theirs.length > 0).toBe(true);
        expect(told).toEqual(expect.arrayContaining(names));
      }
    }
  };

  const isFull = ({ plan }: Settled) => plan.findings.some(({ code }) => code === "GateFull");

  it("is closed to whoever has no window, unless the plan says which rule keeps it open or that it has no place", () => {
    always((settled) => {
      const { intent } = settled;
      for (const { address, port } of isFull(settled) ? [] : protectedPorts(intent)) {
        const open = intent.windows.filter(
          (window) => window.port === port && window.addresses.includes(address),
        );
        const sources = open.flatMap((window) => window.sources);
        const unwelcome = open.length === 0 ? "*" : stranger;
        if (!sources.some((text) => everybody.includes(text))) {
          expectClosed(settled, unwelcome, address, port);
        }
      }
    });
  });

  it("is closed to everybody when all windows are over, unless a rule of the customer's keeps it open", () => {
    always(
      (settled) => {
        for (const { address, port } of isFull(settled) ? [] : protectedPorts(settled.intent)) {
          expectClosed(settled, "*", address, port);
        }
        expect(
          settled.after.rules.filter((rule) => isOurs(rule) && rule.access === "Allow"),
        ).toEqual([]);
      },
      new Date(afterNoon(lastEnd)),
    );
  });
});

describe("a window that the plan of a firewall calls failed", () => {
  it("has no rule, and tells why", () => {
    always(({ intent, plan, after }) => {
      for (const { windowId } of intent.windows) {
        const result = plan.results[windowId];
        if (result?.state === "failed") {
          expect(after.rules.filter(({ name }) => isOursFor(name, windowId))).toEqual([]);
          for (const { code } of result.reasons) {
            expect(["BlockedByCustomerRule", "GateFull"]).toContain(code);
          }
        }
      }
    });
  });

  const isOursFor = (name: string, windowId: string) =>
    name === `JitAccess-${anOwner.tag}-Dnat-${windowId}-v4` ||
    name === `JitAccess-${anOwner.tag}-Allow-${windowId}-v4`;
});
