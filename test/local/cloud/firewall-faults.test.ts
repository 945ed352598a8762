import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud, CloudOptions } from "../../../local/cloud/cloud.ts";
import { conflict, endless, firewallCalls, group } from "./support/firewall-calls.ts";
import { type Laboratory, openLaboratory } from "./support/running-cloud.ts";
import { soon } from "./support/soon.ts";

let lab: Laboratory;
let calls: ReturnType<typeof firewallCalls>;
beforeAll(async () => {
  lab = await openLaboratory();
  calls = firewallCalls(lab);
});
afterAll(() => lab.dispose());

describe.each(["operation-fails", "operation-canceled"] as const)("an update with %s", (kind) => {
  const startWith = async (options: Partial<CloudOptions> = {}) => {
    const cloud = await lab.start(options);
    cloud.faults.arm({ match: "PUT,DELETE", kind, times: "always" });
    return cloud;
  };
  const status = kind === "operation-fails" ? "Failed" : "Canceled";

  it("is shown as Updating with what was asked, then as Failed with it", async () => {
    const cloud = await startWith();

    const put = await calls.putEdge(cloud);
    await soon(async () => expect(await calls.poll(cloud, put.headers)).toMatchObject({ status }));
    const after = await calls.get(cloud, calls.paths.edge);

    expect(put.body.properties).toMatchObject({
      provisioningState: "Updating",
      natRuleCollections: [{ name: "publish-web" }, { name: "ours" }],
    });
    expect(after.properties).toMatchObject({
      provisioningState: "Failed",
      natRuleCollections: [{ name: "publish-web" }, { name: "ours" }],
    });
  });

  it("shows as Failed what was before, where the estate says so", async () => {
    const cloud = await startWith({ behaviour: { failedFirewallUpdate: "shows what was before" } });
    const path = calls.paths.group("fwp-hub", "ours");
    const kept = calls.paths.group("fwp-hub", "DefaultDnatRuleCollectionGroup");

    const put = await calls.putEdge(cloud);
    const made = await lab.send(cloud, "PUT", path, { body: group });
    for (const { headers } of [put, made]) {
      await soon(async () => expect(await calls.poll(cloud, headers)).toMatchObject({ status }));
    }
    const gone = await lab.send(cloud, "DELETE", kept);
    await soon(async () => expect(await calls.poll(cloud, gone.headers)).toMatchObject({ status }));

    expect((await calls.get(cloud, calls.paths.edge)).properties).toMatchObject({
      provisioningState: "Failed",
      natRuleCollections: [{ name: "publish-web" }],
    });
    expect((await lab.send(cloud, "GET", path)).status).toBe(404);
    expect((await calls.get(cloud, kept)).properties.provisioningState).toBe("Failed");
    expect((await calls.get(cloud, calls.paths.hub)).properties.provisioningState).toBe("Failed");
  });

  it("is mended by the next one that succeeds", async () => {
    const cloud = await startWith();
    const path = calls.paths.group("fwp-hub", "ours");
    const failed = await lab.send(cloud, "PUT", path, { body: group });
    await soon(async () =>
      expect(await calls.poll(cloud, failed.headers)).toMatchObject({ status }),
    );
    cloud.faults.clear();

    const put = await lab.send(cloud, "PUT", path, { body: group });
    await soon(async () =>
      expect(await calls.poll(cloud, put.headers)).toEqual({ status: "Succeeded" }),
    );

    for (const each of [path, calls.paths.policy("fwp-hub"), calls.paths.hub]) {
      expect((await calls.get(cloud, each)).properties.provisioningState).toBe("Succeeded");
    }
  });
});

describe("what a failed update tells", () => {
  it.each([
    {
      what: "a classic firewall",
      put: (cloud: Cloud) => calls.putEdge(cloud),
      error: { code: "InternalServerError", message: "An error occurred." },
    },
    {
      what: "a rule collection group",
      put: (cloud: Cloud) =>
        lab.send(cloud, "PUT", calls.paths.group("fwp-hub", "ours"), { body: group }),
      error: {
        code: "FirewallPolicyUpdateFailed",
        message: "Put on Firewall Policy fwp-hub Failed with 1 faulted referenced firewalls",
      },
    },
    {
      what: "an IP group",
      put: async (cloud: Cloud) =>
        lab.send(cloud, "PUT", calls.paths.ipGroup, {
          body: await calls.get(cloud, calls.paths.ipGroup),
        }),
      error: { code: "IpGroupsUpdateFailed" },
    },
  ])("of $what", async ({ put, error }) => {
    const cloud = await lab.start();
    cloud.faults.arm({ match: "PUT", kind: "operation-fails" });

    const { headers } = await put(cloud);

    await soon(async () =>
      expect(await calls.poll(cloud, headers)).toMatchObject({ status: "Failed", error }),
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
    const before = await calls.get(cloud, calls.paths.edge);
    cloud.faults.arm({ match: "PUT azureFirewalls", kind });

    const answer = await calls.putEdge(cloud);

    expect(answer.status).toBe(status);
    expect(await calls.get(cloud, calls.paths.edge)).toEqual(before);
  });

  it("cut the connection before or after the effect", async () => {
    const cloud = await lab.start(endless);
    const path = calls.paths.group("fwp-hub", "ours");
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
    const before = await calls.get(cloud, calls.paths.edge);
    const put = await calls.putEdge(cloud);
    await soon(async () =>
      expect(await calls.poll(cloud, put.headers)).toEqual({ status: "Succeeded" }),
    );
    cloud.faults.arm({ match: "GET azureFirewalls", kind: "stale-read" });

    expect(await calls.get(cloud, calls.paths.edge)).toEqual(before);
    expect(await calls.get(cloud, calls.paths.edge)).not.toEqual(before);
  });

  it("keep an update from ending, and all others out, until they are cleared", async () => {
    const cloud = await lab.start();
    cloud.faults.arm({ match: "PUT", kind: "operation-never-ends" });

    const stuck = await calls.putEdge(cloud);
    const other = await lab.send(cloud, "PUT", calls.paths.group("fwp-hub", "ours"), {
      body: group,
    });
    await soon(async () =>
      expect(await calls.poll(cloud, other.headers)).toEqual({ status: "Succeeded" }),
    );
    const refused = await lab.send(cloud, "PUT", calls.paths.edge, {
      body: await calls.get(cloud, calls.paths.edge),
    });
    cloud.faults.clear();

    expect(refused).toMatchObject(conflict);
    await soon(async () =>
      expect(await calls.poll(cloud, stuck.headers)).toEqual({ status: "Succeeded" }),
    );
  });
});
