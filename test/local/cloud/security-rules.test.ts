import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { aRule } from "./support/a-rule.ts";
import { apiVersion, fastPolls, type Laboratory, openLaboratory } from "./support/running-cloud.ts";

let lab: Laboratory;
beforeAll(async () => {
  lab = await openLaboratory();
});
afterAll(() => lab.dispose());

function rulePath(nsg: string, rule: string): string {
  return `/subscriptions/${lab.estate.subscriptionId}/resourceGroups/rg-demo/providers/Microsoft.Network/networkSecurityGroups/${nsg}/securityRules/${rule}?${apiVersion}`;
}

describe("writing one security rule", () => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await lab.start();
  });

  it("creates, changes and deletes it with the SDK's pollers and leaves the others as they were", async () => {
    const { securityRules, networkSecurityGroups } = lab.network(cloud);
    const before = await networkSecurityGroups.get("rg-demo", "nsg-linux");

    const made = await securityRules.createOrUpdate(
      "rg-demo",
      "nsg-linux",
      "JitAccess-1",
      aRule(),
      fastPolls,
    );
    const changed = await securityRules.createOrUpdate(
      "rg-demo",
      "nsg-linux",
      "jitaccess-1",
      aRule({ destinationPortRange: "3389" }),
      fastPolls,
    );
    await securityRules.delete("rg-demo", "nsg-linux", "JitAccess-1", fastPolls);
    const after = await networkSecurityGroups.get("rg-demo", "nsg-linux");

    expect(made).toMatchObject({ name: "JitAccess-1", provisioningState: "Succeeded" });
    expect(changed).toMatchObject({ name: "JitAccess-1", destinationPortRange: "3389" });
    expect(withoutEtags(after)).toEqual(withoutEtags(before));
    const writes = cloud.requests.all().filter(({ method }) => method !== "GET");
    expect(writes.map(({ status }) => status)).toEqual([201, 200, 202]);
  });

  it("shows the rule as Updating under a new etag at once and under yet another when it is in force", async () => {
    const slow = await lab.start({ timing: { nsgWriteMs: 500 } });
    const { networkSecurityGroups, securityRules } = lab.network(slow);
    const { etag: atFirst } = await networkSecurityGroups.get("rg-demo", "nsg-linux");

    const poller = securityRules.createOrUpdate(
      "rg-demo",
      "nsg-linux",
      "JitAccess-2",
      aRule(),
      fastPolls,
    );
    await poller.submitted();
    const meanwhile = await networkSecurityGroups.get("rg-demo", "nsg-linux");
    await poller;
    const atLast = await networkSecurityGroups.get("rg-demo", "nsg-linux");

    expect(meanwhile.provisioningState).toBe("Updating");
    expect(meanwhile.securityRules?.at(-1)).toMatchObject({
      name: "JitAccess-2",
      provisioningState: "Updating",
    });
    expect(atLast.provisioningState).toBe("Succeeded");
    expect(new Set([atFirst, meanwhile.etag, atLast.etag]).size).toBe(3);
  });

  it("answers with the headers Azure sends: one way to poll a PUT, two to poll a DELETE, all opaque", async () => {
    const put = await lab.send(cloud, "PUT", rulePath("nsg-farm", "JitAccess-3"), {
      body: { properties: aRule() },
    });
    const operation = String(put.headers["azure-asyncoperation"]);
    const rebuilt = new URL(operation);
    rebuilt.search = `?${apiVersion}`;
    const pollOfRebuilt = await lab.send(cloud, "GET", `${rebuilt.pathname}${rebuilt.search}`);
    const poll = await lab.send(cloud, "GET", operation.slice(cloud.url.length));
    const deleted = await lab.send(cloud, "DELETE", rulePath("nsg-farm", "JitAccess-3"));

    expect(put.headers).toMatchObject({ "azure-asyncnotification": "Enabled" });
    expect(put.headers).not.toHaveProperty("location");
    expect(put.headers).not.toHaveProperty("retry-after");
    expect(operation).toMatch(
      /^https:\/\/localhost:\d+\/subscriptions\/.*\/operations\/[0-9a-f-]{36}\?api-version=/,
    );
    expect(operation.length).toBeGreaterThan(3_000);
    expect(pollOfRebuilt.status).toBe(404);
    expect(["InProgress", "Succeeded"]).toContain(poll.body.status);
    expect(deleted.status).toBe(202);
    expect(deleted.headers.location).toMatch(/\/operationResults\//);
  });

  it("sends Retry-After only when the estate asks for it", async () => {
    const asking = await lab.start({ timing: { nsgWriteMs: 5_000, retryAfterSeconds: 10 } });

    const { headers } = await lab.send(asking, "PUT", rulePath("nsg-farm", "JitAccess-4"), {
      body: { properties: aRule() },
    });

    expect(headers["retry-after"]).toBe("10");
  });

  it("answers 204 to the deletion of a rule that is not there", async () => {
    const { status } = await lab.send(cloud, "DELETE", rulePath("nsg-farm", "no-such-rule"));

    expect(status).toBe(204);
  });

  it("refuses a second rule of the same priority and direction, in Azure's words", async () => {
    const { securityRules } = lab.network(cloud);

    await expect(
      securityRules.createOrUpdate(
        "rg-demo",
        "nsg-linux",
        "mine",
        aRule({ priority: 1010 }),
        fastPolls,
      ),
    ).rejects.toMatchObject({
      statusCode: 400,
      code: "SecurityRuleConflict",
      message:
        "Security rule mine conflicts with rule allow-ssh-from-office. Rules cannot have the same Priority and Direction. To learn more, see aka.ms/nsgrules.",
    });
  });
});

describe("a write that meets another one on the same NSG", () => {
  // Long enough that a busy machine gets the second write in; where nothing waits for the end, never mind how long.
  const timing = { nsgWriteMs: 500 };
  const endless = { nsgWriteMs: 60_000 };

  it("cancels the earlier one, and what both asked for is in force at the end", async () => {
    const cloud = await lab.start({ timing });
    const { securityRules } = lab.network(cloud);
    const earlier = securityRules.createOrUpdate(
      "rg-demo",
      "nsg-linux",
      "first",
      aRule(),
      fastPolls,
    );
    await earlier.submitted();

    const later = securityRules.createOrUpdate(
      "rg-demo",
      "nsg-linux",
      "second",
      aRule({ priority: 121 }),
      fastPolls,
    );

    await expect(earlier).rejects.toThrow("Operation was canceled");
    await expect(later).resolves.toMatchObject({ provisioningState: "Succeeded" });
    await expect(securityRules.get("rg-demo", "nsg-linux", "first")).resolves.toMatchObject({
      provisioningState: "Succeeded",
    });
  });

  it("tells who polls the cancelled one which operation took its place", async () => {
    const cloud = await lab.start({ timing: endless });
    const first = await lab.send(cloud, "PUT", rulePath("nsg-farm", "first"), {
      body: { properties: aRule() },
    });
    await lab.send(cloud, "DELETE", rulePath("nsg-farm", "first"));

    const operation = String(first.headers["azure-asyncoperation"]).slice(cloud.url.length);
    const { status, body } = await lab.send(cloud, "GET", operation);

    expect(status).toBe(200);
    expect(body).toEqual({
      status: "Canceled",
      error: {
        code: "Canceled",
        message: "Operation was canceled.",
        details: [
          {
            code: "CanceledAndSupersededDueToAnotherOperation",
            message: expect.stringMatching(
              /^Operation PutSecurityRuleOperation \(.{36}\) was canceled and superseded by operation DeleteSecurityRuleOperation \(.{36}\)\.$/,
            ),
          },
        ],
      },
    });
  });

  it.each([
    { parallelWrites: "retry later" as const, status: 429, code: "RetryableError" },
    { parallelWrites: "conflict" as const, status: 409, code: "AnotherOperationInProgress" },
  ])(
    "is refused with $status when the estate says '$parallelWrites'",
    async ({ parallelWrites, status, code }) => {
      const cloud = await lab.start({ timing: endless, behaviour: { parallelWrites } });
      await lab.send(cloud, "PUT", rulePath("nsg-farm", "first"), {
        body: { properties: aRule() },
      });

      const second = await lab.send(cloud, "PUT", rulePath("nsg-farm", "second"), {
        body: { properties: aRule({ priority: 121 }) },
      });
      const elsewhere = await lab.send(cloud, "PUT", rulePath("nsg-linux", "second"), {
        body: { properties: aRule({ priority: 121 }) },
      });

      expect(second.status).toBe(status);
      expect(second.body.error.code).toBe(code);
      expect(elsewhere.status).toBe(201);
    },
  );
});

function withoutEtags(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner) => (key === "etag" ? undefined : inner)));
}
