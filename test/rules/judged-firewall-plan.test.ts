import { describe, expect, it } from "@jest/globals";
import type { FirewallRule } from "../../src/rules/firewall.ts";
import type { DesiredWindow } from "../../src/rules/intent.ts";
import { judgedFirewallPlan } from "../../src/rules/judged-plan.ts";
import {
  aDesiredDeny,
  aDesiredWindow,
  aFirewall,
  aFirewallRule,
  anOwner,
  noon,
  publicAddresses,
} from "../support/builders.ts";

const deny = (name: string, values: Partial<FirewallRule>) =>
  aFirewallRule({
    name,
    access: "Deny",
    protocols: ["Any"],
    destinations: ["*"],
    destinationPorts: ["*"],
    order: [100],
    collection: "first",
    ...values,
  });

const halves = [
  deny("lower-half", { sources: ["203.0.113.0/25"] }),
  deny("upper-half", { sources: ["203.0.113.128/25"] }),
];

describe("a plan of a firewall that the evaluator has judged", () => {
  const planOf = (rules: readonly FirewallRule[], values: Partial<DesiredWindow> = {}) => {
    const windows = [aDesiredWindow({ publicAddresses, ...values })];
    return judgedFirewallPlan(
      aFirewall(...rules),
      { denies: [aDesiredDeny()], windows },
      noon,
      anOwner,
    );
  };
  const resultOf = (...given: Parameters<typeof planOf>) =>
    Object.values(planOf(...given).results)[0];

  it("leaves a window open that gets through", () => {
    expect(resultOf([aFirewallRule()])).toMatchObject({ state: "open" });
    expect(resultOf([aFirewallRule()], { sources: ["192.168.1.7"] })).toMatchObject({
      state: "open",
    });
  });

  it("fails a window of which two of the customer's rules together let nothing through, and writes no rule for it", () => {
    const windows = { sources: ["203.0.113.0/24", "198.51.100.7"] };

    const { changes } = planOf(halves, windows);

    expect(resultOf(halves, windows)).toMatchObject({
      state: "failed",
      reasons: [
        {
          code: "BlockedByCustomerRule",
          message:
            "Firewall 'edge' lets nothing from 203.0.113.0/24 to port 22 of 'web-1' through, whatever allow rule of ours stands there: first/lower-half, first/upper-half deny it before. Their owner has to narrow them.",
          target: "first/lower-half",
        },
      ],
    });
    expect(changes).toMatchObject([{ kind: "put", rule: { access: "Deny" } }]);
  });

  it("judges people from inside by the VM's own address", () => {
    const inside = [
      deny("lower-half", { sources: ["192.168.0.0/17"] }),
      deny("upper-half", { sources: ["192.168.128.0/17"] }),
    ];

    expect(resultOf(inside, { sources: ["192.168.0.0/16"] })).toMatchObject({ state: "failed" });
    expect(resultOf(inside, { sources: ["192.168.0.0/15"] })).toMatchObject({ state: "open" });
  });

  it("does not judge where it hangs on what cannot be known", () => {
    const unknown = deny("unknown", { sources: [], isPartlyUnknown: true });

    expect(resultOf([unknown])).toMatchObject({ state: "open" });
  });

  it("asks of IPv4 only, which is all that a firewall lets through", () => {
    const sources = ["203.0.113.7", "2001:db8::7"];

    expect(resultOf([], { addresses: ["10.0.0.4", "fd00::4"], sources })).toMatchObject({
      state: "open",
    });
  });
});
