import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { type Laboratory, openLaboratory } from "./support/running-cloud.ts";

const version = "api-version=2022-12-01";
let lab: Laboratory;
let cloud: Cloud;
beforeAll(async () => {
  lab = await openLaboratory();
  cloud = await lab.start();
});
afterAll(() => lab.dispose());

describe("subscriptions", () => {
  it("are listed as ARM lists them, with their state and tenant", async () => {
    const { status, body } = await lab.send(cloud, "GET", `/subscriptions?${version}`);

    expect(status).toBe(200);
    expect(body).toMatchObject({
      value: [
        {
          id: `/subscriptions/${lab.estate.subscriptionId}`,
          subscriptionId: lab.estate.subscriptionId,
          tenantId: lab.estate.tenantId,
          state: "Enabled",
        },
      ],
      count: { type: "Total", value: 1 },
    });
    expect(body.nextLink).toBeUndefined();
  });

  it("are read one by one as they are listed", async () => {
    const { subscriptionId } = lab.estate;

    const list = await lab.send(cloud, "GET", `/subscriptions?${version}`);
    const one = await lab.send(cloud, "GET", `/Subscriptions/${subscriptionId}?${version}`);

    expect(one.body).toEqual(list.body.value[0]);
  });

  it("of others are not known, and nobody sees any without a token", async () => {
    const other = `/subscriptions/00000000-0000-0000-0000-000000000001?${version}`;

    expect((await lab.send(cloud, "GET", other)).body.error.code).toBe("SubscriptionNotFound");
    const anonymous = { anonymous: true };
    expect((await lab.send(cloud, "GET", `/subscriptions?${version}`, anonymous)).status).toBe(401);
  });
});
