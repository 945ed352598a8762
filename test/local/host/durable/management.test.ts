import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type DurableClient, OrchestrationRuntimeStatus } from "durable-functions";
import { aDurableWorld } from "./support/durable-world.ts";
import { sdkClient } from "./support/sdk-client.ts";
import { world } from "./support/stories.ts";

const DAY_MS = 86_400_000;
let durable: Awaited<ReturnType<typeof aDurableWorld>>;
let client: DurableClient;
let close: () => Promise<void>;

beforeEach(async () => {
  world.effect = async () => {};
  world.failures = new Map();
  durable = await aDurableWorld();
  ({ client, close } = await sdkClient(durable.host));
});
afterEach(async () => {
  await close();
});

const waiting = async (instanceId: string) => {
  await client.startNew("waiting", { instanceId, input: { ms: DAY_MS } });
  await durable.host.quiet();
};

describe("the SDK's client", () => {
  it("starts an orchestration, under an id of its own where none is given", async () => {
    const id = await client.startNew("steps");
    await durable.host.quiet();

    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(await client.getStatus(id)).toMatchObject({
      name: "steps",
      instanceId: id,
      runtimeStatus: "Completed",
      output: ["one", "two", "three"],
      createdTime: new Date("2026-11-22T12:00:00Z"),
    });
  });

  it("is refused a second instance while the first is alive", async () => {
    await waiting("w1");

    await expect(client.startNew("waiting", { instanceId: "w1" })).rejects.toThrow(
      /409.*Running already exists/,
    );
  });

  it("replaces an instance that has ended", async () => {
    await client.startNew("throwing", { instanceId: "t1", input: { text: "first" } });
    await durable.host.quiet();

    await client.startNew("steps", { instanceId: "t1" });
    await durable.host.quiet();

    expect(await client.getStatus("t1")).toMatchObject({
      name: "steps",
      runtimeStatus: "Completed",
    });
  });

  it("raises events, also for an instance that has ended, but not for one that never was", async () => {
    await waiting("w2");

    await client.raiseEvent("w2", "Decision", { yes: true });
    await durable.host.quiet();

    expect(await client.getStatus("w2")).toMatchObject({ output: { decision: { yes: true } } });
    await client.raiseEvent("w2", "Decision", {});
    await expect(client.raiseEvent("w9", "Decision", {})).rejects.toThrow(
      "No instance with ID 'w9'",
    );
  });

  it("does not hear an event whose name is written another way, as on Azure", async () => {
    await waiting("w3");

    await client.raiseEvent("w3", "decision", 1);
    await durable.host.quiet();

    expect(await client.getStatus("w3")).toMatchObject({ runtimeStatus: "Running" });
  });

  it("terminates an orchestration, and its timer is gone", async () => {
    await waiting("w4");

    await client.terminate("w4", "enough");
    await durable.host.quiet();

    expect(await client.getStatus("w4")).toMatchObject({
      runtimeStatus: "Terminated",
      output: "enough",
    });
    expect(durable.clock.next).toBeUndefined();
  });

  it("suspends an orchestration; what happens meanwhile is taken up after it resumes", async () => {
    await waiting("w5");
    await client.suspend("w5", "holidays");
    await durable.host.quiet();

    await client.raiseEvent("w5", "Decision", 1);
    await durable.clock.advanceBy(2 * DAY_MS);
    expect(await client.getStatus("w5")).toMatchObject({ runtimeStatus: "Suspended" });
    await client.resume("w5", "back");
    await durable.host.quiet();

    expect(await client.getStatus("w5")).toMatchObject({ output: { decision: 1 } });
  });

  it("stays suspended when the host starts again", async () => {
    await waiting("w6");
    await client.suspend("w6", "holidays");
    await client.raiseEvent("w6", "Decision", 1);
    await durable.host.stop();

    const again = await aDurableWorld({ store: durable.store });

    expect(await again.status("w6")).toMatchObject({ runtimeStatus: "Suspended" });
    await again.call("POST", "instances/w6/resume?reason=back");
    await again.host.quiet();
    expect(await again.status("w6")).toMatchObject({ output: { decision: 1 } });
  });

  it("finds instances by status and time", async () => {
    await client.startNew("steps", { instanceId: "s1" });
    await waiting("w7");

    const running = await client.getStatusBy({
      runtimeStatus: [OrchestrationRuntimeStatus.Running],
    });
    expect(running.map(({ instanceId }) => instanceId)).toEqual(["w7"]);
    const later = new Date("2026-11-23T00:00:00Z");
    expect(await client.getStatusBy({ createdTimeFrom: later })).toEqual([]);
  });

  it("gets all instances, page by page", async () => {
    const ids = Array.from({ length: 230 }, (_, number) => `s${String(number).padStart(3, "0")}`);
    await Promise.all(ids.map((instanceId) => client.startNew("shouting", { instanceId })));
    await durable.host.quiet();

    const all = await client.getStatusAll();

    expect(all.map(({ instanceId }) => instanceId)).toEqual(ids);
  });

  it("purges what has ended and leaves what runs", async () => {
    await client.startNew("steps", { instanceId: "s1" });
    await waiting("w8");

    const from = new Date("2026-11-22T00:00:00Z");
    expect(await client.purgeInstanceHistoryBy({ createdTimeFrom: from })).toMatchObject({
      instancesDeleted: 1,
    });
    expect(await client.purgeInstanceHistory("w8")).toMatchObject({ instancesDeleted: 0 });
    expect(await client.purgeInstanceHistory("s1")).toMatchObject({ instancesDeleted: 0 });
    await expect(client.getStatus("s1")).rejects.toThrow("404");
  });

  it("is told plainly what is not there", async () => {
    await expect(client.startNew("nowhere")).rejects.toThrow(/400.*'nowhere' doesn't exist/);
    await expect(client.rewind("s1", "again")).rejects.toThrow("does not support 'rewind'");
    await expect(client.startNew("steps", { instanceId: "@s1" })).rejects.toThrow(
      /400.*not a valid instance ID/,
    );
  });
});

describe("the management API", () => {
  it("refuses what is not JSON", async () => {
    expect((await durable.call("POST", "orchestrators/steps/s1", "{no")).status).toBe(400);
    await waiting("w1");
    expect((await durable.call("POST", "instances/w1/raiseEvent/Decision", "no")).status).toBe(400);
  });

  it("shows the history of an instance with what was called folded into how it ended", async () => {
    await durable.start("steps", "s1");

    const { historyEvents } = await durable.status(
      "s1",
      "?showHistory=true&showHistoryOutput=true",
    );

    expect(historyEvents?.map((event) => event.EventType)).toEqual([
      "ExecutionStarted",
      "TaskCompleted",
      "TaskCompleted",
      "TaskCompleted",
      "ExecutionCompleted",
    ]);
    expect(historyEvents?.[1]).toMatchObject({
      FunctionName: "echo",
      Result: "one",
      ScheduledTime: expect.any(String),
    });
  });

  it("may leave the input out", async () => {
    await durable.start("steps", "s1", { secret: 1 });

    expect((await durable.status("s1", "?showInput=false")).input).toBeNull();
  });

  it("asks to come back while an instance runs, and not when it has ended", async () => {
    await waiting("w1");
    await durable.start("steps", "s1");
    await durable.start("throwing", "t1", { text: "no" });

    expect(await durable.call("GET", "instances/w1")).toMatchObject({
      status: 202,
      headers: { "retry-after": "5" },
    });
    expect((await durable.call("GET", "instances/s1")).status).toBe(200);
    const loud = "instances/t1?returnInternalServerErrorOnFailure=true";
    expect((await durable.call("GET", loud)).status).toBe(500);
  });

  it("never logs its key, inputs or event data", async () => {
    await waiting("w1");
    await client.raiseEvent("w1", "Decision", "private words");
    await durable.host.quiet();

    expect(durable.logs.join()).not.toMatch(/system-key|private words/);
  });
});
