import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { ReceivedWebhook } from "../../local/cloud/webhook-sink.ts";
import { getJson } from "../../local/sign-in.ts";
import { RunningSystem } from "../support/running-system.ts";
import { User, until } from "./user.ts";

const secret = "a secret of the test, long enough";
let system: RunningSystem;
let user: User;

beforeAll(async () => {
  system = await RunningSystem.start({
    timing: { nsgWriteMs: 100 },
    history: "memory",
    environment: (cloud) => ({
      WEBHOOKS_ALLOW_PRIVATE: "true",
      WEBHOOKS: JSON.stringify([
        { name: "ops", format: "json", url: `${cloud}/local/webhook-sink/ops`, secret },
        { name: "chat", format: "slack", url: `${cloud}/local/webhook-sink/chat` },
      ]),
    }),
  });
  user = new User(system);
}, 60_000);

afterAll(async () => {
  await system?.stop();
}, 30_000);

async function received(name: string): Promise<readonly ReceivedWebhook[]> {
  const { cloud, caFile } = system.endpoints;
  const ca = await readFile(caFile, "utf8");
  const url = `${cloud}/local/webhook-sink/${name}`;
  return (await getJson<{ value: readonly ReceivedWebhook[] }>(url, { ca })).value;
}

const eventsOf = (deliveries: readonly ReceivedWebhook[]) =>
  deliveries.map(({ headers }) => headers["x-jit-event"]);

describe("webhooks of the running system", () => {
  it("are told that access was asked for, opened and closed, signed and once each", async () => {
    await user.protect("sam", "default", ["vm-linux"]);
    await user.ask("alice", "default", "vm-linux", 2);

    const all = ["asked", "closed", "opened"];
    const deliveries = await until(
      () => received("ops"),
      (those) => eventsOf(those).includes("closed"),
    );

    expect(eventsOf(deliveries).toSorted()).toEqual(all);
    for (const { headers, body } of deliveries) {
      const [, t] = /^t=(\d+),/.exec(String(headers["x-jit-signature"])) ?? [];
      const signed = `${t}.${headers["x-jit-delivery"]}.${body}`;
      const v1 = createHmac("sha256", secret).update(signed).digest("hex");
      expect(headers["x-jit-signature"]).toBe(`t=${t},v1=${v1}`);
      expect(JSON.parse(body)).toMatchObject({ version: 1, deployment: "local" });
      expect(body).not.toMatch(/eyJ|Bearer|sig=/);
    }
    const chat = await until(
      () => received("chat"),
      (those) => eventsOf(those).includes("closed"),
    );
    expect(eventsOf(chat).toSorted()).toEqual(all);
  }, 30_000);
});
