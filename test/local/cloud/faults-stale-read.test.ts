import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { aRule } from "./support/a-rule.ts";
import { apiVersion, fastPolls, type Laboratory, openLaboratory } from "./support/running-cloud.ts";
import { soon } from "./support/soon.ts";

let lab: Laboratory;
beforeAll(async () => {
  lab = await openLaboratory();
});
afterAll(() => lab.dispose());

const group = "rg-demo";

function nsgPath(nsg: string): string {
  return `/subscriptions/${lab.estate.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Network/networkSecurityGroups/${nsg}?${apiVersion}`;
}

function rulePath(nsg: string, rule: string): string {
  return nsgPath(nsg).replace("?", `/securityRules/${rule}?`);
}

async function read(cloud: Cloud, nsg: string) {
  const { headers, body } = await lab.send(cloud, "GET", nsgPath(nsg));
  const rules: { name: string }[] = body.properties.securityRules;
  return { etag: headers.etag, ownEtag: body.etag, rules: rules.map(({ name }) => name) };
}

describe("a stale read", () => {
  it("answers what was there before the last write, ETag included, and then the truth", async () => {
    const cloud = await lab.start();
    const before = await read(cloud, "nsg-farm");
    const { securityRules } = lab.network(cloud);
    await securityRules.createOrUpdate(group, "nsg-farm", "New", aRule(), fastPolls);
    cloud.faults.arm({ match: "GET nsg-farm", kind: "stale-read" });

    const stale = await read(cloud, "nsg-farm");
    const fresh = await read(cloud, "nsg-farm");

    expect(stale).toEqual(before);
    expect(fresh.rules).toEqual([...before.rules, "New"]);
    expect(fresh.etag).not.toBe(before.etag);
  });

  it("does so in rules and lists as well", async () => {
    const cloud = await lab.start();
    const { securityRules } = lab.network(cloud);
    await securityRules.createOrUpdate(group, "nsg-farm", "New", aRule(), fastPolls);
    const made = await lab.send(cloud, "PUT", nsgPath("nsg-new"), {
      body: { location: "westeurope", properties: {} },
    });
    const link = String(made.headers["azure-asyncoperation"]).slice(cloud.url.length);
    await soon(async () => {
      expect((await lab.send(cloud, "GET", link)).body.status).toBe("Succeeded");
    });
    cloud.faults.arm({ match: "GET", kind: "stale-read", times: 3 });

    const rule = await lab.send(cloud, "GET", rulePath("nsg-farm", "New"));
    const rules = await lab.send(cloud, "GET", rulePath("nsg-farm", ""));
    const groups = await lab.send(cloud, "GET", nsgPath(""));

    expect(rule.status).toBe(404);
    expect(JSON.stringify(rules.body)).not.toContain("New");
    expect(JSON.stringify(groups.body)).toContain("nsg-farm");
    expect(JSON.stringify(groups.body)).not.toMatch(/nsg-new|"New"/);
  });

  it("still shows what has been deleted", async () => {
    const cloud = await lab.start();
    const id = nsgPath("nsg-farm").replace(/\?.*/, "");
    cloud.resources.remove(id);
    cloud.faults.arm({ match: "GET", kind: "stale-read", times: 2 });

    const one = await lab.send(cloud, "GET", nsgPath("nsg-farm"));
    const list = await lab.send(cloud, "GET", nsgPath(""));
    const truth = await lab.send(cloud, "GET", nsgPath("nsg-farm"));

    expect(one.status).toBe(200);
    expect(JSON.stringify(list.body)).toContain(`"${id}"`);
    expect(truth.status).toBe(404);
  });

  it("waits until there is something stale to read", async () => {
    const cloud = await lab.start();
    cloud.faults.arm({ match: "*", kind: "stale-read" });

    const untouched = await read(cloud, "nsg-farm");
    const other = lab.estate.resources.find(({ name }) => name === "nsg-linux");
    if (other === undefined) throw new Error("The sample has no nsg-linux.");
    cloud.resources.put({ ...other, tags: { changed: "yes" } });
    const stillUntouched = await read(cloud, "nsg-farm");
    const struckBefore = cloud.faults.armed();
    const stale = await lab.send(cloud, "GET", nsgPath("nsg-linux"));

    expect(stillUntouched).toEqual(untouched);
    expect(struckBefore).toMatchObject([{ struck: 0 }]);
    expect(stale.body.tags).not.toEqual({ changed: "yes" });
    expect(cloud.faults.armed()).toMatchObject([{ struck: 1 }]);
  });
});
