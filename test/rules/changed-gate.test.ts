import { describe, expect, it } from "@jest/globals";
import { changedFirewall, changedGate } from "../../src/rules/changed-gate.ts";
import { denyRuleName, ownCollections } from "../../src/rules/owned.ts";
import {
  aDesiredDeny,
  aFirewall,
  aFirewallPolicy,
  aFirewallRule,
  aGroup,
  anOwner,
  aRule,
} from "../support/builders.ts";

const name = denyRuleName(anOwner, aDesiredDeny(), 4);
const collection = ownCollections(anOwner).deny;
const ours = aFirewallRule({ name, collection, access: "Deny", order: [101] });

describe("a gate after changes", () => {
  it("has a group's rules as they were put, and those no more that were deleted", () => {
    const [first, second] = [aRule(), aRule({ name: "second", priority: 500 })];
    const put = { ...first, priority: 450 };

    const after = changedGate(aGroup(first, second), [
      { kind: "delete", name: "SECOND" },
      { kind: "put", rule: put },
    ]);

    expect(after.rules).toEqual([put]);
  });

  it("has a customer's rule under a name of ours as it was, in a collection of their own", () => {
    const theirs = aFirewallRule({ name });

    const after = changedGate(aFirewall(theirs, ours), [{ kind: "delete", name }]);

    expect(after.rules).toEqual([theirs]);
  });

  it("has what stands beside a rule of ours where that was put", () => {
    const guest = aFirewallRule({ name: "guest", collection, access: "Deny", order: [101] });
    const put = { ...ours, order: [401] };

    const after = changedFirewall(aFirewall(guest, ours), [{ kind: "put", rule: put }]);

    expect(after.rules).toEqual([{ ...guest, order: [401] }, put]);
  });

  it("has all of a policy's group where a rule of it was put, and other groups where they were", () => {
    const stays = aFirewallRule({ order: [1, 400, 100] });
    const guest = aFirewallRule({ name: "guest", order: [1, 100, 150] });
    const put = { ...ours, order: [1, 401, 300] };

    const after = changedFirewall(
      { ...aFirewallPolicy(stays), rules: [stays, guest, { ...ours, order: [1, 100, 300] }] },
      [{ kind: "put", rule: put }],
    );

    expect(after.rules).toEqual([stays, { ...guest, order: [1, 401, 150] }, put]);
  });
});
