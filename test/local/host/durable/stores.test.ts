import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { type HistoryEvent, newEvent } from "../../../../local/host/durable/history.ts";
import { createMemoryStore } from "../../../../local/host/durable/memory-store.ts";
import type { DurableStore, InstanceRow } from "../../../../local/host/durable/store.ts";
import { createTableStore } from "../../../../local/host/durable/table-store.ts";
import { type Azurite, startAzurite } from "../../../support/azurite.ts";

let azurite: Azurite;
beforeAll(async () => {
  azurite = await startAzurite();
}, 30_000);
afterAll(async () => {
  await azurite.stop();
});

const aRow = (instanceId: string, more: Partial<InstanceRow> = {}): InstanceRow => ({
  instanceId,
  name: "story",
  version: "",
  executionId: "e1",
  runtimeStatus: "Running",
  input: '{"a":1}',
  output: null,
  customStatus: null,
  createdAt: "2026-11-22T12:00:00.000Z",
  updatedAt: "2026-11-22T12:00:01.000Z",
  parent: null,
  consumed: [],
  ...more,
});
const anEvent = (text: string): HistoryEvent => ({
  ...newEvent("EventRaised", { Name: "Decision", Input: text }),
  Timestamp: "2026-11-22T12:00:00.000Z",
});
const aMessage = (instanceId: string, key: string) => ({
  instanceId,
  key,
  event: newEvent("EventRaised", { Name: "Decision", Input: "1" }),
});

describe.each([
  { case: "memory", create: createMemoryStore },
  {
    case: "tables",
    create: () =>
      createTableStore({
        connectionString: azurite.connectionString,
        hubName: `T${randomBytes(8).toString("hex")}`,
      }),
  },
])("a durable store in $case", ({ create }) => {
  let store: DurableStore;
  beforeEach(async () => {
    store = create();
    await store.open();
  });

  it("gives back an instance as it was put", async () => {
    const parent = { instanceId: "p/1", executionId: "e9", taskId: 3 };
    const row = aRow("i1", { parent, output: '"x"', customStatus: "null", consumed: ["k1", "k2"] });

    await store.put(row);

    expect(await store.get("i1")).toEqual(row);
    expect(await store.get("i2")).toBeUndefined();
  });

  it("makes an instance only once", async () => {
    expect(await store.create(aRow("i1"))).toBe(true);
    expect(await store.create(aRow("i1", { name: "other" }))).toBe(false);

    expect(await store.get("i1")).toMatchObject({ name: "story" });
  });

  it("lists instances by id, and those that have not ended by themselves", async () => {
    await store.put(aRow("b", { runtimeStatus: "Completed" }));
    await store.put(aRow("a"));
    await store.put(aRow("c", { runtimeStatus: "Suspended" }));

    const ids = async (onlyOpen: boolean) =>
      (await store.list({ onlyOpen })).map((row) => row.instanceId);

    expect(await ids(false)).toEqual(["a", "b", "c"]);
    expect(await ids(true)).toEqual(["a", "c"]);
  });

  it("keeps ids and texts that are awkward in a table", async () => {
    const id = "e1:0 50% ü/\\#?";
    const long = JSON.stringify("ä€𝄞".repeat(10_000));

    await store.put(aRow(id, { input: long }));

    const row = await store.get(id);
    expect(row?.instanceId).toBe(id);
    expect(JSON.parse(row?.input ?? "") === JSON.parse(long)).toBe(true);
    expect((await store.list()).map((row) => row.instanceId)).toEqual([id]);
  });

  it("keeps the turns of an execution in order, and apart from those of others", async () => {
    for (const turn of [1, 0, 16]) await store.putTurn("i1", "e1", turn, [anEvent(`${turn}`)]);
    await store.putTurn("i1", "e2", 0, [anEvent("other")]);

    const inputs = (await store.history("i1", "e1"))
      .flat()
      .map((event) => "Input" in event && event.Input);
    expect(inputs).toEqual(["0", "1", "16"]);
    expect(await store.history("i2", "e1")).toEqual([]);
  });

  it("replaces a turn, also a long one by a short one", async () => {
    const long = [anEvent("ä𝄞€".repeat(40_000))];
    await store.putTurn("i1", "e1", 0, long);
    const found = await store.history("i1", "e1");
    expect(JSON.stringify(found) === JSON.stringify([long])).toBe(true);

    await store.putTurn("i1", "e1", 0, [anEvent("short")]);

    expect(await store.history("i1", "e1")).toEqual([[anEvent("short")]]);
  });

  it("drops the history of one execution and of no other", async () => {
    for (const execution of ["e1", "e", "e10"]) {
      await store.putTurn("i1", execution, 0, [anEvent(execution)]);
    }

    await store.dropHistory("i1", "e1");

    const left = ["e1", "e", "e10"].map((execution) => store.history("i1", execution));
    expect((await Promise.all(left)).map((turns) => turns.length)).toEqual([0, 1, 1]);
  });

  it("keeps messages in the order of their keys until they are acknowledged", async () => {
    for (const key of ["2", "1", "3"]) await store.enqueue(aMessage("i1", key));
    await store.enqueue(aMessage("i2", "1"));

    await store.ack("i1", ["1", "gone already"]);

    expect(await store.inbox("i1")).toEqual([aMessage("i1", "2"), aMessage("i1", "3")]);
    expect(await store.inbox()).toHaveLength(3);
  });

  it("purges an instance with all that belongs to it", async () => {
    await store.put(aRow("i1"));
    await store.putTurn("i1", "e1", 0, [anEvent("1")]);
    await store.enqueue(aMessage("i1", "1"));

    await store.purge("i1");

    expect(await store.get("i1")).toBeUndefined();
    expect(await store.history("i1", "e1")).toEqual([]);
    expect(await store.inbox()).toEqual([]);
  });

  it("may be opened again", async () => {
    await store.open();
    expect(await store.list()).toEqual([]);
  });
});
