import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { loadEstate } from "../../../local/cloud/load-estate.ts";
import { wholeFirewall } from "../../../local/cloud/network/firewall/whole-firewall.ts";
import { wholeGroup } from "../../../local/cloud/network/firewall/whole-group.ts";
import { wholeIpGroup } from "../../../local/cloud/network/firewall/whole-ip-group.ts";
import { inState } from "../../../local/cloud/network/firewall/writes.ts";
import { wholeNsg } from "../../../local/cloud/network/nsg.ts";
import { networkType } from "../../../local/cloud/network/references.ts";
import { createResources } from "../../../local/cloud/resources.ts";

const sample = join(import.meta.dirname, "../../../local/cloud/estates/sample.json");

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "estate-test-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** The sample estate with a change, written to a file of its own. */
// biome-ignore lint/suspicious/noExplicitAny: a test breaks the file in ways its type forbids
async function estateWith(change: (estate: any) => void): Promise<string> {
  const estate = JSON.parse(await readFile(sample, "utf8"));
  change(estate);
  const file = join(dir, "estate.json");
  await writeFile(file, JSON.stringify(estate));
  return file;
}

describe("the sample estate", () => {
  it("holds only NSGs that Azure would take", async () => {
    const { resources } = await loadEstate(sample);
    const ids = new Set(resources.map(({ id }) => id));
    const context = { exists: (id: string) => ids.has(id), newGuid: () => "guid" };

    const groups = resources.filter(({ type }) => /networkSecurityGroups$/.test(type));

    expect(groups).toHaveLength(9);
    for (const group of groups) {
      expect(() => wholeNsg(group.id, group, group, context)).not.toThrow();
    }
  });

  it("holds only firewalls, rule collection groups and IP groups that Azure would take", async () => {
    const { resources } = await loadEstate(sample);
    const held = createResources(
      resources.map((resource) => ({ resource, etag: "" })),
      () => undefined,
    );
    const known = (type: string) => held.list(type).map(({ resource }) => resource);

    const firewalls = known(networkType.firewall);
    const groups = known(networkType.ruleCollectionGroup);
    const ipGroups = known(networkType.ipGroup);

    expect([firewalls.length, groups.length, ipGroups.length]).toEqual([2, 3, 1]);
    for (const each of firewalls) {
      expect(wholeFirewall(each.id, each, each, held)).toEqual(inState(each, "Updating"));
    }
    for (const each of groups) {
      expect(wholeGroup(each.id, each, each, held)).toEqual({ goal: inState(each, "Updating") });
    }
    for (const each of ipGroups) {
      expect(wholeIpGroup(each.id, each, each)).toEqual(inState(each, "Updating"));
    }
  });

  it("has the people and machines the walkthrough speaks of", async () => {
    const { people, resources } = await loadEstate(sample);

    const machines = resources.filter(({ type }) => /virtualMachines$/.test(type));

    expect(people.map(({ name }) => name)).toEqual([
      "olivia",
      "sam",
      "alice",
      "bob",
      "rita",
      "carol",
      "dan",
      "frank",
      "gus",
      "eve",
    ]);
    expect(machines.map(({ name }) => name).slice(0, 7)).toEqual([
      "vm-linux",
      "vm-windows",
      "vm-build",
      "vm-both",
      "vm-dual",
      "vm-bare",
      "vm-classic",
    ]);
    expect(machines).toHaveLength(29);
  });
});

describe("loading an estate", () => {
  it("fills in timing that is left out", async () => {
    const file = await estateWith((estate) => {
      estate.timing = { nsgWriteMs: 5 };
    });

    const { timing } = await loadEstate(file);

    expect(timing).toEqual({
      nsgWriteMs: 5,
      firewallUpdateMs: 5_000,
      readMs: 0,
      retryAfterSeconds: 0,
    });
  });

  it("names every fault with its place in the file", async () => {
    const file = await estateWith((estate) => {
      estate.tenantId = "contoso";
      estate.people[1].objectId = 7;
      estate.timing.nsgWriteMs = -1;
    });

    await expect(loadEstate(file)).rejects.toThrow(
      /tenantId[\s\S]*timing\.nsgWriteMs[\s\S]*people\[1\]\.objectId/,
    );
  });

  it("names references that lead nowhere and resources that are there twice", async () => {
    const file = await estateWith((estate) => {
      const at = estate.resources.findIndex(
        (each: { name: string }) => each.name === "nic-vm-linux",
      );
      estate.resources[at].properties.networkSecurityGroup.id += "-gone";
      estate.resources.push(estate.resources[0]);
    });

    await expect(loadEstate(file)).rejects.toThrow(
      /asg-app' is there twice[\s\S]*nsg-linux-gone'\n.*properties\.networkSecurityGroup\.id/,
    );
  });

  it("names members nobody knows, tenants that are not listed, and management groups above themselves", async () => {
    const file = await estateWith((estate) => {
      estate.groups[0].members.push("99999999-9999-4999-8999-999999999999");
      estate.people[1].tenantId = "88888888-8888-4888-8888-888888888888";
      estate.applications[0].name = "alice";
      estate.managementGroups[0].parent = "sub";
      estate.managementGroups.push({ name: "sub", displayName: "Sub", parent: "MG-Contoso" });
      estate.managementGroups.push({ name: "lost", displayName: "Lost", parent: "none" });
    });

    const refusal = await loadEstate(file).catch((error: Error) => error.message);

    expect(refusal).toContain("'alice' is there twice\n  → at applications[0].name");
    expect(refusal).toMatch(/object id '9{8}[-\d]*'\n.*groups\[0\]\.members\[1\]/);
    expect(refusal).toMatch(/neither tenantId nor one of otherTenants\n.*people\[1\]\.tenantId/);
    expect(refusal).toMatch(/'mg-contoso' is above itself\n.*managementGroups\[0\]\.parent/);
    expect(refusal).toContain("there is no management group 'none'");
  });

  it("names rule collection groups without a policy and IP groups that rules name in vain", async () => {
    const file = await estateWith((estate) => {
      estate.resources = estate.resources.filter(
        ({ name }: { name: string }) => name !== "fwp-corp" && name !== "ipg-offices",
      );
    });

    const refusal = await loadEstate(file).catch((error: Error) => error.message);

    expect(refusal).toMatch(/firewallPolicies\/fwp-corp'\n.*resources\[\d+\]\.id/);
    expect(refusal).toMatch(/ipGroups\/ipg-offices'\n.*resources\[\d+\]\.properties/);
  });

  it("says when the file is missing or no JSON", async () => {
    const file = join(dir, "broken.json");
    await writeFile(file, "{");

    await expect(loadEstate(join(dir, "none.json"))).rejects.toThrow(/none\.json cannot be read/);
    await expect(loadEstate(file)).rejects.toThrow(/broken\.json cannot be read/);
  });
});
