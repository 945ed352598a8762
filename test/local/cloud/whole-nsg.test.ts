import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { aRule } from "./support/a-rule.ts";
import { apiVersion, fastPolls, type Laboratory, openLaboratory } from "./support/running-cloud.ts";

let lab: Laboratory;
let cloud: Cloud;
beforeAll(async () => {
  lab = await openLaboratory();
  cloud = await lab.start();
});
afterAll(() => lab.dispose());

function nsgPath(name: string): string {
  return `/subscriptions/${lab.estate.subscriptionId}/resourceGroups/rg-demo/providers/Microsoft.Network/networkSecurityGroups/${name}?${apiVersion}`;
}

describe("writing a whole NSG", () => {
  it("replaces the rules when the caller has the latest etag", async () => {
    const { networkSecurityGroups } = lab.network(cloud);
    const group = await networkSecurityGroups.get("rg-demo", "nsg-linux");

    const written = await networkSecurityGroups.createOrUpdate(
      "rg-demo",
      "nsg-linux",
      { ...group, securityRules: [...(group.securityRules ?? []), { name: "added", ...aRule() }] },
      { ...fastPolls, requestOptions: { headers: { "If-Match": group.etag ?? "" } } },
    );

    expect(written.securityRules?.map(({ name }) => name)).toEqual([
      "allow-https-from-internet",
      "allow-ssh-from-office",
      "deny-smtp-out",
      "added",
    ]);
    expect(written).toMatchObject({ tags: group.tags, resourceGuid: group.resourceGuid });
    expect(written.etag).not.toBe(group.etag);
  });

  it("refuses a caller whose etag is old with 412 and changes nothing", async () => {
    const { networkSecurityGroups, securityRules } = lab.network(cloud);
    const old = await networkSecurityGroups.get("rg-demo", "nsg-both-nic");
    await securityRules.createOrUpdate("rg-demo", "nsg-both-nic", "theirs", aRule(), fastPolls);

    const answer = await lab.send(cloud, "PUT", nsgPath("nsg-both-nic"), {
      headers: { "If-Match": old.etag ?? "" },
      body: { location: "westeurope", properties: { securityRules: [] } },
    });

    expect(answer.status).toBe(412);
    expect(answer.body.error).toMatchObject({
      code: "PreconditionFailed",
      details: [{ code: "PreconditionFailedEtagMismatch" }],
    });
    await expect(securityRules.get("rg-demo", "nsg-both-nic", "theirs")).resolves.toBeDefined();
  });

  it("keeps members it does not know", async () => {
    const { body: group } = await lab.send(cloud, "GET", nsgPath("nsg-dual-back"));
    group.properties.securityRules[0].properties.note = "kept";

    await lab.send(cloud, "PUT", nsgPath("nsg-dual-back"), { body: group });
    const { body: after } = await lab.send(cloud, "GET", nsgPath("nsg-dual-back"));

    expect(after.properties.securityRules[0].properties).toMatchObject({
      changeTicket: "CHG-0042",
      note: "kept",
    });
    expect(after.tags).toEqual({ "Managed By": "terraform" });
  });

  it("drops the rules and tags the caller leaves out", async () => {
    const { networkSecurityGroups } = lab.network(cloud);

    const written = await networkSecurityGroups.createOrUpdate(
      "rg-demo",
      "nsg-dual-front",
      { location: "West Europe", securityRules: [] },
      fastPolls,
    );

    expect(written).toMatchObject({ securityRules: [], location: "westeurope" });
    expect(written.tags).toBeUndefined();
  });

  it("creates one and deletes it again", async () => {
    const { networkSecurityGroups } = lab.network(cloud);

    const made = await networkSecurityGroups.createOrUpdate(
      "rg-demo",
      "nsg-new",
      { location: "westeurope", securityRules: [{ name: "ssh", ...aRule() }] },
      fastPolls,
    );
    await networkSecurityGroups.delete("rg-demo", "nsg-new", fastPolls);

    expect(made).toMatchObject({ name: "nsg-new", provisioningState: "Succeeded" });
    await expect(networkSecurityGroups.get("rg-demo", "nsg-new")).rejects.toMatchObject({
      code: "ResourceNotFound",
    });
  });

  it("does not delete one that a subnet or an interface uses", async () => {
    const { networkSecurityGroups } = lab.network(cloud);

    await expect(
      networkSecurityGroups.delete("rg-demo", "nsg-farm", fastPolls),
    ).rejects.toMatchObject({
      statusCode: 400,
      code: "InUseNetworkSecurityGroupCannotBeDeleted",
    });
  });

  it.each([
    {
      case: "two rules of one name",
      code: "DuplicateResourceName",
      rules: [{ name: "a" }, { name: "A", priority: 101 }],
    },
    {
      case: "two rules of one priority",
      code: "SecurityRuleConflict",
      rules: [{ name: "a" }, { name: "b" }],
    },
    { case: "1001 rules", code: "SecurityRuleCountLimitReached", rules: manyRules(1_001) },
  ])("refuses $case", async ({ code, rules }) => {
    const securityRules = rules.map(({ name, priority = 100 }) => ({
      name,
      properties: aRule({ priority }),
    }));

    const answer = await lab.send(cloud, "PUT", nsgPath("nsg-farm"), {
      body: { location: "westeurope", properties: { securityRules } },
    });

    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe(code);
  });
});

function manyRules(count: number): { name: string; priority?: number }[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `r${index}`,
    priority: 100 + index,
  }));
}
