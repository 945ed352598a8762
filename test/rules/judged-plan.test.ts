import { describe, expect, it } from "@jest/globals";
import type { DesiredWindow } from "../../src/rules/intent.ts";
import { judgedPlan } from "../../src/rules/judged-plan.ts";
import type { SecurityRule } from "../../src/rules/nsg.ts";
import {
  aDesiredDeny,
  aDesiredWindow,
  afterNoon,
  aGroup,
  anOwner,
  aRule,
  noon,
} from "../support/builders.ts";

const deny = (name: string, priority: number, more: object) =>
  aRule({ name, priority, access: "Deny", protocol: "*", destinationPorts: ["*"], ...more });

describe("a plan that the evaluator has judged", () => {
  const resultOf = (rules: readonly SecurityRule[], window: Partial<DesiredWindow> = {}) => {
    const intent = { denies: [aDesiredDeny()], windows: [aDesiredWindow(window)] };
    return Object.values(judgedPlan(aGroup(...rules), intent, noon, anOwner).results)[0];
  };

  it("leaves a window open that gets through", () => {
    expect(resultOf([aRule()])).toMatchObject({ state: "open" });
  });

  it("fails a window of which two of the customer's rules together let nothing through", () => {
    const result = resultOf(
      [
        deny("lower-half", 100, { sources: ["203.0.113.0/25"] }),
        deny("upper-half", 101, { sources: ["203.0.113.128/25"] }),
      ],
      { sources: ["203.0.113.0/24"] },
    );

    expect(result).toMatchObject({
      state: "failed",
      reasons: [{ code: "BlockedByCustomerRule", target: "lower-half" }],
    });
    expect(JSON.stringify(result)).toContain("lower-half, upper-half deny it before");
  });

  it("writes no rule for a window that fails, not even for those of its sources that would get through", () => {
    const rules = [
      deny("lower-half", 100, { sources: ["203.0.113.0/25"] }),
      deny("upper-half", 101, { sources: ["203.0.113.128/25"] }),
    ];
    const windows = [aDesiredWindow({ sources: ["203.0.113.0/24", "198.51.100.7"] })];
    const intent = { denies: [aDesiredDeny()], windows };

    const { changes, results } = judgedPlan(aGroup(...rules), intent, noon, anOwner);

    expect(Object.values(results)).toMatchObject([{ state: "failed" }]);
    expect(changes).toMatchObject([{ kind: "put", rule: { access: "Deny" } }]);
  });

  it("fails a window that one of the customer's rules denies by the tag of the network", () => {
    const rule = deny("vnet", 100, { sources: ["203.0.113.7"], destinations: ["VirtualNetwork"] });

    expect(resultOf([rule])).toMatchObject({ state: "failed" });
  });

  it("fails a window of which the firewall's subnet does not get through", () => {
    const subnet = deny("no-firewall", 100, { sources: ["10.1.0.0/25"] });
    const upper = deny("upper-half", 101, { sources: ["10.1.0.128/25"] });
    const resultFor = (...rules: readonly SecurityRule[]) =>
      resultOf(rules, { through: ["10.1.0.0/24"] });

    expect(resultFor(subnet)).toMatchObject({ state: "open" });
    expect(resultFor(subnet, upper)).toMatchObject({ state: "failed" });
  });

  it("does not judge where it hangs on what cannot be known", () => {
    expect(resultOf([deny("tagged", 100, { sources: ["AzureCloud"] })])).toMatchObject({
      state: "open",
    });
  });

  it("asks of each family only what a source can reach", () => {
    const window = { addresses: ["10.0.0.4", "fd00::4"], sources: ["203.0.113.7", "2001:db8::7"] };

    expect(resultOf([aRule()], window)).toMatchObject({ state: "open" });
    expect(resultOf([aRule()], { ...window, addresses: ["fd00::4"] })).toMatchObject({
      state: "open",
    });
  });

  it("does not judge windows that are over", () => {
    expect(resultOf([], { closesAt: afterNoon(-1) })).toBeUndefined();
  });
});
