import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import type { FaultKind } from "../../../local/cloud/faults/fault.ts";
import { aRule } from "./support/a-rule.ts";
import { apiVersion, fastPolls, type Laboratory, openLaboratory } from "./support/running-cloud.ts";
import { soon } from "./support/soon.ts";

let lab: Laboratory;
beforeAll(async () => {
  lab = await openLaboratory();
});
afterAll(() => lab.dispose());

const group = "rg-demo";
const body = { properties: aRule() };
/** Where nothing waits for the end of a write. */
const endless = { timing: { nsgWriteMs: 60_000 } };

function nsgPath(nsg: string): string {
  return `/subscriptions/${lab.estate.subscriptionId}/resourceGroups/${group}/providers/Microsoft.Network/networkSecurityGroups/${nsg}?${apiVersion}`;
}

function rulePath(nsg: string, rule: string): string {
  return nsgPath(nsg).replace("?", `/securityRules/${rule}?`);
}

async function poll(cloud: Cloud, headers: Readonly<Record<string, unknown>>) {
  const link = String(headers["azure-asyncoperation"]).slice(cloud.url.length);
  return (await lab.send(cloud, "GET", link)).body;
}

/** State and rule names of an NSG as ARM answers them. */
async function shown(cloud: Cloud, nsg: string) {
  const { status, headers, body: answer } = await lab.send(cloud, "GET", nsgPath(nsg));
  const rules: { name: string }[] = answer.properties?.securityRules ?? [];
  return {
    status,
    etag: headers.etag,
    state: answer.properties?.provisioningState,
    rules: rules.map(({ name }) => name),
  };
}

describe("an operation that never ends", () => {
  it("is under way until the faults are cleared, and then ends well", async () => {
    const cloud = await lab.start();
    cloud.faults.arm({ match: "PUT", kind: "operation-never-ends" });

    const put = await lab.send(cloud, "PUT", rulePath("nsg-farm", "Stuck"), { body });
    const other = await lab.send(cloud, "PUT", rulePath("nsg-linux", "Other"), { body });
    // The other one shows that the time of a write has run.
    await soon(async () =>
      expect(await poll(cloud, other.headers)).toEqual({ status: "Succeeded" }),
    );
    const during = await poll(cloud, put.headers);
    const group = await shown(cloud, "nsg-farm");
    cloud.faults.clear();

    expect(put.status).toBe(201);
    expect(during).toEqual({ status: "InProgress" });
    expect(group.state).toBe("Updating");
    await soon(async () => expect(await poll(cloud, put.headers)).toEqual({ status: "Succeeded" }));
    expect(await shown(cloud, "nsg-farm")).toMatchObject({
      state: "Succeeded",
      rules: expect.arrayContaining(["Stuck"]),
    });
  });

  it("gives way to a later write like any other", async () => {
    const cloud = await lab.start();
    cloud.faults.arm({ match: "PUT", kind: "operation-never-ends" });
    const stuck = await lab.send(cloud, "PUT", rulePath("nsg-farm", "Stuck"), { body });

    const { securityRules } = lab.network(cloud);
    await securityRules.createOrUpdate(
      group,
      "nsg-farm",
      "Later",
      aRule({ priority: 121 }),
      fastPolls,
    );
    cloud.faults.clear();

    expect(await poll(cloud, stuck.headers)).toMatchObject({ status: "Canceled" });
    expect((await shown(cloud, "nsg-farm")).rules).toEqual(
      expect.arrayContaining(["Stuck", "Later"]),
    );
  });

  it("ends after the next start of the cloud", async () => {
    const stateFile = `${lab.dir}/stuck.json`;
    const first = await lab.start({ stateFile });
    first.faults.arm({ match: "PUT", kind: "operation-never-ends" });
    await lab.send(first, "PUT", rulePath("nsg-farm", "Stuck"), { body });
    await first.stop();

    const second = await lab.start({ stateFile });

    await soon(async () => expect((await shown(second, "nsg-farm")).state).toBe("Succeeded"));
  });
});

describe.each([
  {
    kind: "operation-fails" as const,
    end: {
      status: "Failed",
      error: { code: "InternalServerError", message: "An error occurred.", details: [] },
    },
    told: "The long-running operation has failed.",
  },
  {
    kind: "operation-canceled" as const,
    end: {
      status: "Canceled",
      error: {
        code: "Canceled",
        message: "Operation was canceled.",
        details: [
          {
            code: "CanceledAndSupersededDueToAnotherOperation",
            message: expect.stringMatching(
              /^Operation (\w+) \(.{36}\) was canceled and superseded by operation \1 \(.{36}\)\.$/,
            ),
          },
        ],
      },
    },
    told: "Operation was canceled",
  },
])("a write with the fault $kind", ({ kind, end, told }) => {
  async function startWith(match: string, options = {}): Promise<Cloud> {
    const cloud = await lab.start(options);
    cloud.faults.arm({ match, kind });
    return cloud;
  }

  it("is accepted, is told to have come to nothing, and has not had any effect", async () => {
    const cloud = await startWith("PUT securityRules");
    const before = await shown(cloud, "nsg-farm");

    const put = await lab.send(cloud, "PUT", rulePath("nsg-farm", "Vain"), { body });

    expect(put).toMatchObject({ status: 201, body: { name: "Vain" } });
    await soon(async () => expect(await poll(cloud, put.headers)).toEqual(end));
    expect(await shown(cloud, "nsg-farm")).toEqual({ ...before, etag: expect.any(String) });
    expect((await shown(cloud, "nsg-farm")).etag).not.toBe(before.etag);
  });

  it("rejects in the SDK, once", async () => {
    const cloud = await startWith("PUT securityRules");
    const { securityRules } = lab.network(cloud);
    const put = () => securityRules.createOrUpdate(group, "nsg-farm", "Vain", aRule(), fastPolls);

    await expect(put()).rejects.toThrow(told);
    await expect(put()).resolves.toMatchObject({ provisioningState: "Succeeded" });
  });

  it("shows meanwhile that somebody is at work, and leaves nothing to one that supersedes it", async () => {
    const cloud = await startWith("PUT securityRules/Vain", endless);

    await lab.send(cloud, "PUT", rulePath("nsg-farm", "Vain"), { body });
    const meanwhile = await shown(cloud, "nsg-farm");
    await lab.send(cloud, "PUT", rulePath("nsg-farm", "Later"), { body });

    expect(meanwhile.state).toBe("Updating");
    const { rules } = await shown(cloud, "nsg-farm");
    expect(rules).toContain("Later");
    expect(rules).not.toContain("Vain");
  });

  it("leaves a rule in place whose deletion it was", async () => {
    const cloud = await startWith("DELETE securityRules");

    const path = rulePath("nsg-farm", "allow-ssh-from-office");
    const deleted = await lab.send(cloud, "DELETE", path);

    expect(deleted.status).toBe(202);
    await soon(async () => expect(await poll(cloud, deleted.headers)).toEqual(end));
    expect((await lab.send(cloud, "GET", path)).body.properties.provisioningState).toBe(
      "Succeeded",
    );
  });

  it("neither makes, replaces nor deletes a whole group", async () => {
    const cloud = await lab.start();
    const whole = { body: { location: "westeurope", properties: {} } };
    const kept = await lab.send(cloud, "PUT", nsgPath("nsg-kept"), whole);
    await soon(async () =>
      expect(await poll(cloud, kept.headers)).toEqual({ status: "Succeeded" }),
    );
    cloud.faults.arm({ match: "*", kind, times: 3 });

    const answers = [
      await lab.send(cloud, "PUT", nsgPath("nsg-vain"), whole),
      await lab.send(cloud, "PUT", nsgPath("nsg-farm"), whole),
      await lab.send(cloud, "DELETE", nsgPath("nsg-kept")),
    ];

    expect(answers.map(({ status }) => status)).toEqual([201, 200, 202]);
    for (const { headers } of answers) {
      await soon(async () => expect(await poll(cloud, headers)).toEqual(end));
    }
    expect((await shown(cloud, "nsg-vain")).status).toBe(404);
    expect((await shown(cloud, "nsg-farm")).rules).toContain("allow-ssh-from-office");
    expect(await shown(cloud, "nsg-kept")).toMatchObject({ status: 200, state: "Succeeded" });
  });

  it("comes to nothing also when the cloud restarts meanwhile", async () => {
    const stateFile = `${lab.dir}/${kind}.json`;
    const first = await startWith("PUT", { stateFile });
    const put = await lab.send(first, "PUT", rulePath("nsg-farm", "Vain"), { body });
    await first.stop();

    const second = await lab.start({ stateFile });

    const link = String(put.headers["azure-asyncoperation"]).slice(first.url.length);
    await soon(async () => expect((await lab.send(second, "GET", link)).body).toEqual(end));
    expect((await shown(second, "nsg-farm")).rules).not.toContain("Vain");
  });
});

describe("a fault of operations", () => {
  const kinds: FaultKind[] = ["operation-never-ends", "operation-fails", "operation-canceled"];

  it.each(kinds)("waits for a request that starts one: %s", async (kind) => {
    const cloud = await lab.start(endless);
    cloud.faults.arm({ match: "*", kind });

    await lab.send(cloud, "GET", nsgPath("nsg-farm"));
    const absent = await lab.send(cloud, "DELETE", rulePath("nsg-farm", "no-such-rule"));
    const invalid = await lab.send(cloud, "PUT", rulePath("nsg-farm", "Bad"), { body: {} });
    const before = cloud.faults.armed();
    await lab.send(cloud, "PUT", rulePath("nsg-farm", "Good"), { body });

    expect([absent.status, invalid.status]).toEqual([204, 400]);
    expect(before).toMatchObject([{ struck: 0 }]);
    expect(cloud.faults.armed()).toMatchObject([{ struck: 1 }]);
  });
});
