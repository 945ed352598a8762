import { once } from "node:events";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { aRule } from "./support/a-rule.ts";
import { apiVersion, type Laboratory, openLaboratory } from "./support/running-cloud.ts";

let lab: Laboratory;
let cloud: Cloud;
let subscription: string;
beforeAll(async () => {
  lab = await openLaboratory();
  cloud = await lab.start();
  subscription = `/subscriptions/${lab.estate.subscriptionId}`;
});
afterAll(() => lab.dispose());

const nics = "providers/Microsoft.Network/networkInterfaces";

describe("the front door of the pretend ARM", () => {
  it("matches paths without case and takes doubled slashes as one", async () => {
    const path = `${subscription.toUpperCase()}//RESOURCEGROUPS/Rg-Demo//providers/microsoft.network/NETWORKINTERFACES/Nic-Vm-Linux?${apiVersion}`;

    const { status, body } = await lab.send(cloud, "GET", path);

    expect(status).toBe(200);
    expect(body.name).toBe("nic-vm-linux");
  });

  it.each([
    {
      case: "no api-version",
      path: (s: string) => `${s}/${nics}`,
      status: 400,
      code: "MissingApiVersionParameter",
    },
    {
      case: "a subscription that is no GUID",
      path: () => `/subscriptions/mine/${nics}?${apiVersion}`,
      status: 400,
      code: "InvalidSubscriptionId",
    },
    {
      case: "another subscription",
      path: () => `/subscriptions/11111111-1111-1111-1111-111111111111/${nics}?${apiVersion}`,
      status: 404,
      code: "SubscriptionNotFound",
    },
    {
      case: "a group that is not there",
      path: (s: string) => `${s}/resourceGroups/none/${nics}?${apiVersion}`,
      status: 404,
      code: "ResourceGroupNotFound",
    },
    {
      case: "a type it does not have",
      path: (s: string) => `${s}/providers/Microsoft.Network/loadBalancers?${apiVersion}`,
      status: 404,
      code: "InvalidResourceType",
    },
    {
      case: "a path that cannot be decoded",
      path: (s: string) => `${s}/resourceGroups/%E0%A4%A?${apiVersion}`,
      status: 400,
      code: "InvalidRequestUri",
    },
  ])("refuses $case in ARM's words", async ({ path, status, code }) => {
    const answer = await lab.send(cloud, "GET", path(subscription));

    expect(answer.status).toBe(status);
    expect(answer.body.error.code).toBe(code);
  });

  it("refuses a method it does not serve with 405", async () => {
    const answer = await lab.send(cloud, "PATCH", `${subscription}/${nics}?${apiVersion}`);

    expect(answer.status).toBe(405);
  });

  it("lets nobody in without a token and writes the attempt down", async () => {
    const answer = await lab.send(cloud, "GET", `${subscription}/${nics}?${apiVersion}`, {
      anonymous: true,
    });

    expect(answer.status).toBe(401);
    expect(answer.body.error.code).toBe("AuthenticationFailed");
    expect(cloud.requests.all().at(-1)).toMatchObject({ status: 401 });
    expect(cloud.requests.all().at(-1)).not.toHaveProperty("principal");
  });

  it.each([
    { case: "not JSON", body: "{", status: 400, code: "InvalidRequestContent" },
    { case: "no object", body: "[]", status: 400, code: "InvalidRequestContent" },
    {
      case: "5 MB",
      body: JSON.stringify("x".repeat(5_000_000)),
      status: 413,
      code: "RequestContentTooLarge",
    },
  ])("refuses a body that is $case", async ({ body, status, code }) => {
    const path = `${subscription}/resourceGroups/rg-demo/providers/Microsoft.Network/networkSecurityGroups/nsg-farm?${apiVersion}`;

    const answer = await lab.send(cloud, "PUT", path, { body });

    expect(answer.status).toBe(status);
    expect(answer.body.error.code).toBe(code);
  });

  it("gives every answer the ids by which support would find it", async () => {
    const { headers } = await lab.send(cloud, "GET", `${subscription}/${nics}?${apiVersion}`, {
      headers: { "x-ms-correlation-request-id": "mine" },
    });

    expect(headers["x-ms-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers["x-ms-correlation-request-id"]).toBe("mine");
    expect(Number(headers["x-ms-ratelimit-remaining-subscription-reads"])).toBeGreaterThan(2_000);
  });

  it("listens on both loopback addresses and nowhere else", async () => {
    const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);

    const reached = await Promise.all(
      addresses
        .filter(({ address }) => !address.startsWith("fe80:"))
        .map(async ({ address }) => ((await isOpen(address, cloud.port)) ? address : "")),
    );

    const loopback = addresses.filter(({ internal }) => internal).map(({ address }) => address);
    expect(reached.filter((address) => address !== "").toSorted()).toEqual(loopback.toSorted());
  });
});

async function isOpen(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe("throttling", () => {
  it("answers 429 with Retry-After once the bucket is empty, and again after it has refilled", async () => {
    let now = Date.now();
    const small = await lab.start({
      behaviour: { throttlingScale: 0.02 },
      now: () => new Date(now),
    });
    const path = `${subscription}/${nics}?${apiVersion}`;

    const answers = [];
    for (let count = 0; count < 6; count++) answers.push(await lab.send(small, "GET", path));
    now += 2_000;
    const later = await lab.send(small, "GET", path);

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429]);
    expect(answers.at(-1)?.headers["retry-after"]).toBe("2");
    expect(answers.at(-1)?.body.error.code).toBe("SubscriptionRequestsThrottled");
    expect(later.status).toBe(200);
  });

  it("counts writes and deletes apart from reads", async () => {
    const path = `${subscription}/resourceGroups/rg-demo/providers/Microsoft.Network/networkSecurityGroups/nsg-farm/securityRules/a?${apiVersion}`;

    const put = await lab.send(cloud, "PUT", path, {
      body: { properties: aRule({ priority: 200 }) },
    });
    const deleted = await lab.send(cloud, "DELETE", path);

    expect(put.headers).toHaveProperty("x-ms-ratelimit-remaining-subscription-writes");
    expect(deleted.headers).toHaveProperty("x-ms-ratelimit-remaining-subscription-deletes");
  });
});

describe("the request log", () => {
  it("lists ARM requests with who, what and how it ended, and nothing else", async () => {
    await lab.send(cloud, "DELETE", "/local/requests", { anonymous: true });
    const path = `${subscription}/resourceGroups/rg-demo/providers/Microsoft.Network/networkSecurityGroups/nsg-farm/securityRules/b?${apiVersion}`;
    await lab.send(cloud, "PUT", path, { body: { properties: aRule({ priority: 201 }) } });

    const { body } = await lab.send(cloud, "GET", "/local/requests", { anonymous: true });

    const olivia = lab.estate.people.find(({ name }) => name === "olivia");
    expect(body.value).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        method: "PUT",
        path,
        status: 201,
        body: { properties: aRule({ priority: 201 }) },
        durationMs: expect.any(Number),
        principal: olivia?.objectId,
      },
    ]);
  });
});
