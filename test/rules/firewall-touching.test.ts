import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { FirewallRule } from "../../src/rules/firewall.ts";
import { closings } from "../../src/rules/firewall-drafts.ts";
import { touchedBy } from "../../src/rules/firewall-touching.ts";
import { aDesiredDeny, aFirewall, aFirewallRule, anOwner, vmId } from "../support/builders.ts";
import { fewRuns } from "../support/property-runs.ts";
import { firewalls } from "./support/firewall-arbitraries.ts";
import { planOn, settleOn } from "./support/firewall-past.ts";
import { touches } from "./support/touches.ts";

const vm = (index: number, values: Parameters<typeof aDesiredDeny>[0] = {}) =>
  aDesiredDeny({
    vmId: vmId(`vm-${index}`),
    vmKey: index.toString(16).padStart(16, "0"),
    addresses: [`10.0.${index >> 8}.${index & 255}`],
    ...values,
  });
const vms = (count: number) => Array.from({ length: count }, (_, index) => vm(index));

/** How often a plan looks at the ports of rules that concern no VM. */
function looks(count: number): number {
  let seen = 0;
  const rules = Array.from({ length: 20 }, (_, index): FirewallRule => {
    const rule = aFirewallRule({
      name: `r${index}`,
      order: [1_000 + index],
      access: index % 2 ? "Deny" : "Allow",
    });
    return Object.defineProperty(rule, "destinationPorts", {
      enumerable: true,
      get: () => {
        seen += 1;
        return ["443"];
      },
    });
  });
  planOn(aFirewall(...rules), { denies: vms(count), windows: [] });
  return seen;
}

describe("the rules that touch what a firewall closes", () => {
  it("are those that touch it by themselves, wherever it lies", () => {
    const addresses = fc.uniqueArray(
      fc.constantFrom("10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.9", "10.0.1.0", "192.0.2.1"),
      { minLength: 1, maxLength: 3 },
    );
    const ports = fc.constantFrom([22], [3389], [22, 443]);
    const denies = fc.array(fc.record({ addresses, ports }), { minLength: 1, maxLength: 4 });

    fc.assert(
      fc.property(firewalls, denies, ({ rules }, closed) => {
        const ours = closings(
          { denies: closed.map((deny, index) => vm(index, deny)), windows: [] },
          anOwner,
        );

        const touched = touchedBy(rules, ours);

        for (const one of ours) {
          expect(touched.get(one)).toEqual(rules.filter((rule) => touches(rule, one.rule)));
        }
      }),
      fewRuns,
    );
  });

  it("are found without comparing each with every VM", () => {
    expect(looks(64)).toBe(looks(4));
  });

  it("are counted, all of them, where there are too many to be told", () => {
    const everywhere = aFirewallRule({ destinationPorts: ["*"] });
    const firewall = settleOn(aFirewall(everywhere), { denies: vms(200), windows: [] });

    const { findings } = planOn(firewall, { denies: vms(200), windows: [] });

    expect(findings).toHaveLength(51);
    expect(findings.at(-1)?.message).toBe("150 more like these are not listed.");
  });
});
