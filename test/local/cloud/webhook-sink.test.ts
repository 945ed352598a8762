import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Cloud } from "../../../local/cloud/cloud.ts";
import { type Laboratory, openLaboratory } from "./support/running-cloud.ts";

describe("the local receiver of webhooks", () => {
  let laboratory: Laboratory;
  let cloud: Cloud;

  beforeAll(async () => {
    laboratory = await openLaboratory();
    cloud = await laboratory.start();
  });

  afterAll(() => laboratory?.dispose());

  const ask = (method: string, path = "", body?: unknown) =>
    laboratory.send(cloud, method, `/local/webhook-sink${path}`, {
      anonymous: true,
      headers: { "x-jit-event": "opened" },
      ...(body === undefined ? {} : { body }),
    });

  it("shows what was sent to a name, with its headers and its body as it came", async () => {
    await ask("DELETE");
    await ask("POST", "/ops", { text: "hello" });
    await ask("POST", "/chat", { text: "other" });

    const { body } = await ask("GET", "/ops");

    expect(body.value).toEqual([
      expect.objectContaining({
        name: "ops",
        body: '{"text":"hello"}',
        headers: expect.objectContaining({ "x-jit-event": "opened" }),
      }),
    ]);
    expect((await ask("GET")).body.value).toHaveLength(2);
  });

  it("answers with the status that its address asks for", async () => {
    expect((await ask("POST", "/ops", {})).status).toBe(202);
    expect((await ask("POST", "/ops?status=503", {})).status).toBe(503);
    expect((await ask("POST", "/ops?status=99", {})).status).toBe(400);
  });

  it("keeps the last 200", async () => {
    await ask("DELETE");
    await Promise.all(Array.from({ length: 210 }, (_, index) => ask("POST", "/many", { index })));

    expect((await ask("GET")).body.value).toHaveLength(200);
  }, 20_000);
});
