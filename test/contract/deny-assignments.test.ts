import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Estate } from "../../local/cloud/estate.ts";
import { createDirectory, noDirectory } from "../../src/azure/directory.ts";
import { createRights } from "../../src/azure/rights.ts";
import { actions } from "../../src/caller/requirements.ts";
import { createLog } from "../../src/log.ts";
import type { Directory } from "../../src/ports.ts";
import { createFixedClock } from "../support/fixed-clock.ts";
import { grantingAssignment } from "../support/rights-builders.ts";
import { startTestCloud, type TestCloud } from "../support/test-cloud.ts";
import { accounts, groups } from "./directory.ts";
import { people, subscription, vmIds } from "./rights.ts";

const group = `${subscription}/resourceGroups/rg-demo`;
const everybody = { id: "00000000-0000-0000-0000-000000000000", type: "SystemDefined" };
const asGroup = (id: string) => ({ id, type: "Group" });

/** Nobody may initiate on vm-windows but jit-approvers; jit-requesters may not on vm-dual. */
const withDenies = (sample: Estate): Estate => ({
  ...sample,
  denyAssignments: [
    denyOf("windows", vmIds.windows, [everybody], [asGroup(groups.approvers)]),
    denyOf("dual", vmIds.dual, [asGroup(groups.requesters)], []),
    { ...denyOf("group", group, [everybody], []), ...doesNotReachChildren(group) },
  ],
  roleAssignments: [...sample.roleAssignments, ...danMayRequest(sample)],
});

function denyOf(name: string, scope: string, principals: object[], excludePrincipals: object[]) {
  return {
    id: `${scope}/providers/Microsoft.Authorization/denyAssignments/${name}`,
    name,
    type: "Microsoft.Authorization/denyAssignments",
    properties: {
      denyAssignmentName: name,
      scope,
      permissions: [{ actions: [actions.initiate], notActions: [] }],
      doNotApplyToChildScopes: false,
      principals,
      excludePrincipals,
    },
  };
}

function doesNotReachChildren(scope: string) {
  const { properties } = denyOf("group", scope, [everybody], []);
  return { properties: { ...properties, doNotApplyToChildScopes: true } };
}

/** As Bob of the sample may: on every VM in rg-demo. */
function danMayRequest(sample: Estate) {
  const bob = sample.people.find(({ name }) => name === "bob")?.objectId;
  return sample.roleAssignments
    .filter(({ properties }) => properties["principalId"] === bob)
    .map((his) => ({
      ...his,
      id: his.id.replace(his.name, "dan"),
      name: "dan",
      properties: { ...his.properties, principalId: accounts.dan.objectId },
    }));
}

describe("deny assignments of the pretend cloud", () => {
  let cloud: TestCloud;
  beforeAll(async () => {
    cloud = await startTestCloud({ estateFrom: withDenies });
  }, 30_000);
  afterAll(() => cloud?.stop());

  const clock = createFixedClock("2026-11-22T12:00:00Z");
  async function mayInitiate(
    who: { readonly tenantId: string; readonly objectId: string },
    scopes: readonly string[],
    directory: Directory | undefined = createDirectory({ ...cloud.graphOptions, clock }),
  ): Promise<readonly boolean[]> {
    const rights = createRights({
      ...cloud.armOptions,
      clock,
      log: createLog(() => undefined),
      tenantIds: [cloud.estate.tenantId],
      directory: directory === noDirectory ? undefined : directory,
    });
    const held = await rights.of(who, cloud.estate.subscriptionId);
    return scopes.map((scope) => grantingAssignment(held, actions.initiate, scope) !== undefined);
  }
  const all = [vmIds.linux, vmIds.windows, vmIds.dual, group];

  it("stand before an owner's role, at their own scope and below it, but where they say otherwise", async () => {
    expect(await mayInitiate(people.olivia, all)).toEqual([true, false, true, false]);
  });

  it("spare those in an excluded group, through other groups too", async () => {
    expect(await mayInitiate(accounts.dan, all)).toEqual([true, true, true, false]);
  });

  it("hold for all in doubt where there is no directory to ask", async () => {
    expect(await mayInitiate(accounts.dan, all, noDirectory)).toEqual([true, false, false, false]);
  });
});
