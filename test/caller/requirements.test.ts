import { describe, expect, it } from "@jest/globals";
import { missingRights, type Requirement } from "../../src/caller/permissions.ts";
import {
  createReader,
  toConfigureVms,
  toDeletePolicy,
  toRequest,
  toWritePolicy,
} from "../../src/caller/requirements.ts";
import { aPolicy, vmId } from "../support/builders.ts";
import { rightsOf } from "../support/rights-builders.ts";

const J = "Microsoft.Security/locations/jitNetworkAccessPolicies";
const policyId = aPolicy().id;
const group = "/subscriptions/5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31/resourceGroups/shop";

describe("what an act needs", () => {
  const lacking = (
    given: Readonly<Record<string, readonly string[]>>,
    needs: readonly Requirement[],
  ) =>
    missingRights(
      rightsOf(
        Object.entries(given).map(([scope, actions]) => ({ scope, permissions: [{ actions }] })),
      ),
      needs,
      "alice",
    ).map(({ message, target }) => `${/action '([^']+)'/.exec(message)?.[1]} ${target}`);
  const initiate = `${J}/initiate/action`;
  const see = "Microsoft.Compute/virtualMachines/read";
  const change = "Microsoft.Compute/virtualMachines/write";

  it("to request is the right to ask, on the VM or its policy, and to see each VM on its own scope", () => {
    const needs = toRequest(policyId, [vmId("web-1"), vmId("web-2")]);

    expect(lacking({ [group]: [initiate, see] }, needs)).toEqual([]);
    expect(lacking({ [policyId]: [initiate], [vmId("web-1")]: [see] }, needs)).toEqual([
      `${see} ${vmId("web-2")}`,
    ]);
    expect(lacking({ [vmId("web-1")]: [initiate, see] }, needs)).toEqual([
      `${initiate} ${vmId("web-2")}`,
      `${see} ${vmId("web-2")}`,
    ]);
    expect(lacking({ [policyId]: [initiate, see] }, needs)).toEqual([
      `${see} ${vmId("web-1")}`,
      `${see} ${vmId("web-2")}`,
    ]);
  });

  it("to configure is to write the policy, and to change each VM on its own scope", () => {
    const needs = [...toWritePolicy(policyId), ...toConfigureVms([vmId()])];

    expect(lacking({ [policyId]: [`${J}/write`], [vmId()]: [change] }, needs)).toEqual([]);
    expect(lacking({ [policyId]: [`${J}/write`, change] }, needs)).toEqual([`${change} ${vmId()}`]);
    expect(lacking({ [vmId()]: [`${J}/write`, change] }, needs)).toEqual([
      `${J}/write ${policyId}`,
    ]);
    expect(lacking({ [policyId]: [`${J}/write`], [vmId()]: [see] }, needs)).toEqual([
      `${change} ${vmId()}`,
    ]);
  });

  it("to delete is to delete the policy; to write it is not enough", () => {
    expect(lacking({ [policyId]: [`${J}/delete`] }, toDeletePolicy(policyId))).toEqual([]);
    expect(lacking({ [policyId]: [`${J}/write`] }, toDeletePolicy(policyId))).toEqual([
      `${J}/delete ${policyId}`,
    ]);
  });

  it.each([
    [`${J}/read`, true],
    [`${J}/*/read`, true],
    ["*/read", true],
    ["Microsoft.Security/*", true],
    [`${J}/initiate/action`, false],
    ["Microsoft.Compute/virtualMachines/read", false],
  ])("to read is what '%s' gives, on the VM or on its policy: %s", (pattern, expected) => {
    const reads = (scope: string) =>
      createReader(rightsOf([{ scope, permissions: [{ actions: [pattern] }] }]))(vmId(), policyId);

    expect([reads(vmId()), reads(policyId), reads(vmId("web-2"))]).toEqual([
      expected,
      expected,
      false,
    ]);
  });
});
