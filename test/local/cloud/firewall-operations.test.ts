import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud, CloudOptions } from "../../../local/cloud/cloud.ts";
import { firewallPaths, natCollection, policyNatCollection } from "./support/a-firewall.ts";
import { type Laboratory, openLaboratory } from "./support/running-cloud.ts";
import { soon } from "./support/soon.ts";

let lab: Laboratory;
let paths: ReturnType<typeof firewallPaths>;
beforeAll(async () => {
  lab = await openLaboratory();
  paths = firewallPaths(lab.estate.subscriptionId);
});
afterAll(() => lab.dispose());

/** Where nothing waits for the end of an update. */
const endless = { timing: { firewallUpdateMs: 60_000 } };
const group = { properties: { priority: 300, ruleCollections: [policyNatCollection()] } };
const corpGroup = { properties: { priority: 300, ruleCollections: [] } };

async function get(cloud: Cloud, path: string) {
  return (await lab.send(cloud, "GET", path)).body;
}

/** The classic firewall with one more collection, sent as it was read otherwise. */
async function putEdge(cloud: Cloud, more: object = {}, headers: Record<string, string> = {}) {
  const edge = await get(cloud, paths.edge);
  edge.properties.natRuleCollections.push(natCollection(more));
  return await lab.send(cloud, "PUT", paths.edge, { body: edge, headers });
}

async function poll(cloud: Cloud, headers: Readonly<Record<string, unknown>>, from = cloud) {
  const link = String(headers["azure-asyncoperation"]).slice(from.url.length);
  return (await lab.send(cloud, "GET", link)).body;
}

const conflict = { status: 409, body: { error: { code: "AnotherOperationInProgress" } } };

describe("a write while another one runs", () => {
  it("of the same classic firewall is refused, and leaves the first one alone", async () => {
    const cloud = await lab.start(endless);

    const first = await putEdge(cloud);
    const second = await lab.send(cloud, "PUT", paths.edge, {
      body: await get(cloud, paths.edge),
    });

    expect(first.status).toBe(200);
    expect(second).toMatchObject(conflict);
    expect(await poll(cloud, first.headers)).toEqual({ status: "InProgress" });
  });

  it("of the same policy, its parent, its firewall or its IP groups is refused; of others it is not", async () => {
    const cloud = await lab.start(endless);
    const { body: hub } = await lab.send(cloud, "GET", paths.hub);
    const { body: ipGroup } = await lab.send(cloud, "GET", paths.ipGroup);

    const first = await lab.send(cloud, "PUT", paths.group("fwp-hub", "ours"), { body: group });
    const refused = [
      await lab.send(cloud, "PUT", paths.group("fwp-hub", "others"), { body: corpGroup }),
      await lab.send(cloud, "DELETE", paths.group("fwp-hub", "DefaultDnatRuleCollectionGroup")),
      await lab.send(cloud, "PUT", paths.group("fwp-corp", "more"), { body: corpGroup }),
      await lab.send(cloud, "PUT", paths.hub, { body: hub }),
      await lab.send(cloud, "PUT", paths.ipGroup, { body: ipGroup }),
    ];
    const edge = await putEdge(cloud);

    expect(first.status).toBe(201);
    for (const answer of refused) expect(answer).toMatchObject(conflict);
    expect(edge.status).toBe(200);
  });

  it.each(["group of the parent policy", "firewall", "IP group"])(
    "of the child policy is refused while the %s is written",
    async (what) => {
      const cloud = await lab.start(endless);
      const path = { firewall: paths.hub, "IP group": paths.ipGroup }[what];
      const body = path === undefined ? corpGroup : await get(cloud, path);

      const first = await lab.send(cloud, "PUT", path ?? paths.group("fwp-corp", "more"), { body });
      const second = await lab.send(cloud, "PUT", paths.group("fwp-hub", "ours"), { body: group });

      expect(first.status).toBeLessThan(300);
      expect(second).toMatchObject(conflict);
    },
  );
});

describe("the time of an update", () => {
  it("is a twentieth where no firewall is reached", async () => {
    const cloud = await lab.start({ timing: { firewallUpdateMs: 4_000 } });
    const lone = paths.policy("lone").split("?")[0] ?? "";
    const location = "westeurope";
    cloud.resources.put({
      id: lone,
      name: "lone",
      type: "Microsoft.Network/firewallPolicies",
      location,
      properties: {},
    });

    const fast = await lab.send(cloud, "PUT", paths.group("lone", "ours"), { body: corpGroup });
    const slow = await lab.send(cloud, "PUT", paths.group("fwp-hub", "ours"), { body: group });

    await soon(async () =>
      expect(await poll(cloud, fast.headers)).toEqual({ status: "Succeeded" }),
    );
    expect(await poll(cloud, slow.headers)).toEqual({ status: "InProgress" });
  });
});

describe("If-Match on firewalls and rule collection groups", () => {
  const groupPath = () => paths.group("fwp-hub", "DefaultDnatRuleCollectionGroup");
  const old = { "If-Match": 'W/"11111111-1111-4111-8111-111111111111"' };

  it("refuses an old etag with 412 and takes the present one", async () => {
    const cloud = await lab.start();
    const { body, headers } = await lab.send(cloud, "GET", groupPath());

    const refused = [
      await putEdge(cloud, {}, old),
      await lab.send(cloud, "PUT", groupPath(), { body, headers: old }),
      await lab.send(cloud, "DELETE", groupPath(), { headers: old }),
    ];
    const edge = await get(cloud, paths.edge);
    const taken = [
      await putEdge(cloud, {}, { "If-Match": edge.etag }),
      await lab.send(cloud, "PUT", groupPath(), { body, headers: { "If-Match": body.etag } }),
    ];

    expect(headers.etag).toBe(`"${body.etag}"`);
    for (const answer of refused) {
      expect(answer).toMatchObject({
        status: 412,
        body: { error: { code: "PreconditionFailed" } },
      });
    }
    expect(taken.map(({ status }) => status)).toEqual([200, 200]);
  });

  it("means nothing where the estate says so", async () => {
    const cloud = await lab.start({ behaviour: { firewallIfMatch: "ignored" } });
    const body = await get(cloud, groupPath());

    const edge = await putEdge(cloud, {}, old);
    const dnat = await lab.send(cloud, "PUT", groupPath(), { body, headers: old });

    expect([edge.status, dnat.status]).toEqual([200, 200]);
  });
});

describe.each(["operation-fails", "operation-canceled"] as const)("an update with %s", (kind) => {
  const startWith = async (options: Partial<CloudOptions> = {}) => {
    const cloud = await lab.start(options);
    cloud.faults.arm({ match: "PUT,DELETE", kind, times: "always" });
    return cloud;
  };
  const status = kind === "operation-fails" ? "Failed" : "Canceled";

  it("is shown as Updating with what was asked, then as Failed with it", async () => {
    const cloud = await startWith({ timing: { firewallUpdateMs: 250 } });

    const put = await putEdge(cloud);
    const during = await get(cloud, paths.edge);
    await soon(async () => expect(await poll(cloud, put.headers)).toMatchObject({ status }));
    const after = await get(cloud, paths.edge);

    expect(during.properties).toMatchObject({ provisioningState: "Updating" });
    expect(after.properties).toMatchObject({
      provisioningState: "Failed",
      natRuleCollections: [{ name: "publish-web" }, { name: "ours" }],
    });
  });

  it("shows as Failed what was before, where the estate says so", async () => {
    const cloud = await startWith({ behaviour: { failedFirewallUpdate: "shows what was before" } });
    const path = paths.group("fwp-hub", "ours");
    const kept = paths.group("fwp-hub", "DefaultDnatRuleCollectionGroup");

    const put = await putEdge(cloud);
    const made = await lab.send(cloud, "PUT", path, { body: group });
    for (const { headers } of [put, made]) {
      await soon(async () => expect(await poll(cloud, headers)).toMatchObject({ status }));
    }
    const gone = await lab.send(cloud, "DELETE", kept);
    await soon(async () => expect(await poll(cloud, gone.headers)).toMatchObject({ status }));

    expect((await get(cloud, paths.edge)).properties).toMatchObject({
      provisioningState: "Failed",
      natRuleCollections: [{ name: "publish-web" }],
    });
    expect((await lab.send(cloud, "GET", path)).status).toBe(404);
    expect((await get(cloud, kept)).properties.provisioningState).toBe("Failed");
    expect((await get(cloud, paths.hub)).properties.provisioningState).toBe("Failed");
  });

  it("is mended by the next one that succeeds", async () => {
    const cloud = await startWith();
    const path = paths.group("fwp-hub", "ours");
    const failed = await lab.send(cloud, "PUT", path, { body: group });
    await soon(async () => expect(await poll(cloud, failed.headers)).toMatchObject({ status }));
    cloud.faults.clear();

    const put = await lab.send(cloud, "PUT", path, { body: group });
    await soon(async () => expect(await poll(cloud, put.headers)).toEqual({ status: "Succeeded" }));

    for (const each of [path, paths.policy("fwp-hub"), paths.hub]) {
      expect((await get(cloud, each)).properties.provisioningState).toBe("Succeeded");
    }
  });
});

describe("what a failed update tells", () => {
  it.each([
    {
      what: "a classic firewall",
      put: putEdge,
      error: { code: "InternalServerError", message: "An error occurred." },
    },
    {
      what: "a rule collection group",
      put: (cloud: Cloud) =>
        lab.send(cloud, "PUT", paths.group("fwp-hub", "ours"), { body: group }),
      error: {
        code: "FirewallPolicyUpdateFailed",
        message: "Put on Firewall Policy fwp-hub Failed with 1 faulted referenced firewalls",
      },
    },
    {
      what: "an IP group",
      put: async (cloud: Cloud) =>
        lab.send(cloud, "PUT", paths.ipGroup, { body: await get(cloud, paths.ipGroup) }),
      error: { code: "IpGroupsUpdateFailed" },
    },
  ])("of $what", async ({ put, error }) => {
    const cloud = await lab.start();
    cloud.faults.arm({ match: "PUT", kind: "operation-fails" });

    const { headers } = await put(cloud);

    await soon(async () =>
      expect(await poll(cloud, headers)).toMatchObject({ status: "Failed", error }),
    );
  });
});

describe("other faults of firewall calls", () => {
  it.each([
    ["429", 429],
    ["429-retry-after", 429],
    ["409", 409],
    ["412", 412],
    ["500", 500],
    ["503", 503],
  ] as const)("%s answers so and changes nothing", async (kind, status) => {
    const cloud = await lab.start();
    const before = await get(cloud, paths.edge);
    cloud.faults.arm({ match: "PUT azureFirewalls", kind });

    const answer = await putEdge(cloud);

    expect(answer.status).toBe(status);
    expect(await get(cloud, paths.edge)).toEqual(before);
  });

  it("cut the connection before or after the effect", async () => {
    const cloud = await lab.start(endless);
    const path = paths.group("fwp-hub", "ours");
    cloud.faults.arm({ match: "PUT", kind: "drop-before" });
    cloud.faults.arm({ match: "PUT", kind: "drop-after" });

    await expect(lab.send(cloud, "PUT", path, { body: group })).rejects.toThrow();
    const untouched = await lab.send(cloud, "GET", path);
    await expect(lab.send(cloud, "PUT", path, { body: group })).rejects.toThrow();
    const begun = await lab.send(cloud, "GET", path);

    expect(untouched.status).toBe(404);
    expect(begun.body.properties.provisioningState).toBe("Updating");
  });

  it("show a firewall as it was before the last write", async () => {
    const cloud = await lab.start();
    const before = await get(cloud, paths.edge);
    const put = await putEdge(cloud);
    await soon(async () => expect(await poll(cloud, put.headers)).toEqual({ status: "Succeeded" }));
    cloud.faults.arm({ match: "GET azureFirewalls", kind: "stale-read" });

    expect(await get(cloud, paths.edge)).toEqual(before);
    expect(await get(cloud, paths.edge)).not.toEqual(before);
  });

  it("keep an update from ending, and all others out, until they are cleared", async () => {
    const cloud = await lab.start();
    cloud.faults.arm({ match: "PUT", kind: "operation-never-ends" });

    const stuck = await putEdge(cloud);
    const other = await lab.send(cloud, "PUT", paths.group("fwp-hub", "ours"), { body: group });
    await soon(async () =>
      expect(await poll(cloud, other.headers)).toEqual({ status: "Succeeded" }),
    );
    const refused = await lab.send(cloud, "PUT", paths.edge, {
      body: await get(cloud, paths.edge),
    });
    cloud.faults.clear();

    expect(refused).toMatchObject(conflict);
    await soon(async () =>
      expect(await poll(cloud, stuck.headers)).toEqual({ status: "Succeeded" }),
    );
  });
});

describe("an update that a restart of the cloud interrupts", () => {
  it.each(["shows what was asked", "shows what was before"] as const)(
    "ends as it was to end; a failed one %s",
    async (failedFirewallUpdate) => {
      const stateFile = `${lab.dir}/${failedFirewallUpdate}.json`;
      const behaviour = { failedFirewallUpdate };
      const first = await lab.start({ stateFile, ...endless });
      first.faults.arm({ match: "PUT azureFirewalls", kind: "operation-fails" });
      const edge = await putEdge(first);
      const hub = await lab.send(first, "PUT", paths.group("fwp-hub", "ours"), { body: group });
      await first.stop();

      const second = await lab.start({ stateFile, ...endless });
      const atOnce = await poll(second, hub.headers, first);
      const refused = await lab.send(second, "PUT", paths.group("fwp-corp", "more"), {
        body: corpGroup,
      });

      await second.stop();
      const later = () => new Date(Date.now() + 60_000);
      const third = await lab.start({ stateFile, behaviour, now: later });

      expect(atOnce).toEqual({ status: "InProgress" });
      expect(refused).toMatchObject(conflict);
      await soon(async () => {
        expect(await poll(third, hub.headers, first)).toEqual({ status: "Succeeded" });
        expect(await poll(third, edge.headers, first)).toMatchObject({ status: "Failed" });
      });
      const { properties } = await get(third, paths.edge);
      expect(properties.provisioningState).toBe("Failed");
      expect(properties.natRuleCollections).toHaveLength(
        failedFirewallUpdate === "shows what was asked" ? 2 : 1,
      );
      expect((await get(third, paths.hub)).properties.provisioningState).toBe("Succeeded");
    },
  );
});
