import { beforeEach, describe, expect, it } from "@jest/globals";
import { aDurableWorld } from "./support/durable-world.ts";
import { world } from "./support/stories.ts";

const DAY_MS = 86_400_000;
let effects: string[];

beforeEach(() => {
  effects = [];
  world.failures = new Map();
  world.effect = async (key) => void effects.push(key);
});

describe("an orchestration", () => {
  it("runs its activities one after the other and returns their results", async () => {
    const { start, status } = await aDurableWorld();

    await start("steps", "s1");

    expect(await status("s1")).toMatchObject({
      runtimeStatus: "Completed",
      output: ["one", "two", "three"],
    });
    expect(effects).toEqual(["s1/one", "s1/two", "s1/three"]);
  });

  it("runs activities side by side and waits for all", async () => {
    const { start, status } = await aDurableWorld();

    await start("fanOut", "f1");

    expect(await status("f1")).toMatchObject({
      runtimeStatus: "Completed",
      output: [0, 1, 2, 3, 4],
    });
  });

  it("hands texts and nothing to and fro unharmed", async () => {
    const { start, status } = await aDurableWorld();

    await start("shouting", "t1");

    expect(await status("t1")).toMatchObject({ output: { voids: null, text: "A" } });
  });

  it("waits for its children, named or not", async () => {
    const { start, status, call } = await aDurableWorld();

    await start("parent", "p1");

    const kids = ["one", "two", "three"];
    const output = { first: 1, child: kids, unnamed: [0, 1, 2, 3, 4] };
    expect(await status("p1")).toMatchObject({ runtimeStatus: "Completed", output });
    expect(await status("p1-kid")).toMatchObject({ runtimeStatus: "Completed", output: kids });
    expect((await call("GET", "instances/")).body).toHaveLength(3);
  });

  it("starts over as a new execution as often as it wants", async () => {
    const { start, status } = await aDurableWorld();

    await start("counting", "c1", { left: 20 });

    const seen = Array.from({ length: 21 }, (_, index) => 20 - index);
    expect(await status("c1")).toMatchObject({ runtimeStatus: "Completed", output: { seen } });
    expect(effects).toHaveLength(21);
  });

  it("takes one event in each of its executions", async () => {
    const { start, raise, status } = await aDurableWorld();
    await start("collecting", "c2");

    for (const item of ["a", "b", "c"]) await raise("c2", "Item", item);

    expect(await status("c2")).toMatchObject({
      runtimeStatus: "Completed",
      output: ["a", "b", "c"],
    });
  });
});

describe("waiting", () => {
  it("for an event ends with the event, and gives up the timer it raced", async () => {
    const { start, raise, status, clock } = await aDurableWorld();
    await start("waiting", "w1", { ms: DAY_MS });
    expect(await status("w1")).toMatchObject({
      runtimeStatus: "Running",
      customStatus: { waitingFor: "Decision" },
    });

    expect(await raise("w1", "Decision", { ok: true })).toBe(202);

    expect(await status("w1")).toMatchObject({
      runtimeStatus: "Completed",
      output: { decision: { ok: true } },
      customStatus: { waitingFor: "Decision" },
    });
    expect(clock.next).toBeUndefined();
  });

  it("for an event ends with the timer where that is first", async () => {
    const { start, status, clock } = await aDurableWorld();
    await start("waiting", "w2", { ms: DAY_MS });

    await clock.advanceBy(DAY_MS);

    expect(await status("w2")).toMatchObject({ output: { timedOut: true } });
  });

  it("thirty days takes no time with a virtual clock", async () => {
    const { start, status, clock } = await aDurableWorld();
    await start("window", "w3", { days: 30 });

    await clock.advanceBy(30 * DAY_MS - 1);
    expect(await status("w3")).toMatchObject({ runtimeStatus: "Running" });
    await clock.advanceBy(1);

    expect(await status("w3")).toMatchObject({
      output: { reason: "time", closedAt: "2026-12-22T12:00:00.000Z" },
    });
    expect(effects).toEqual(["w3/open", "w3/close"]);
  });

  it("thirty days can be ended early", async () => {
    const { start, raise, status, clock } = await aDurableWorld();
    await start("window", "w4", { days: 30 });
    await clock.advanceBy(12 * DAY_MS);

    await raise("w4", "End");

    expect(await status("w4")).toMatchObject({
      output: { reason: "asked", closedAt: "2026-12-04T12:00:00.000Z" },
    });
  });

  it("for one long timer goes in pieces of three days", async () => {
    const { start, status, clock } = await aDurableWorld();
    await start("longTimer", "w5");

    await clock.advanceBy(30 * DAY_MS);

    expect(await status("w5", "?showHistory=true")).toMatchObject({
      runtimeStatus: "Completed",
      output: "2026-12-22T12:00:00.000Z",
    });
    const { historyEvents = [] } = await status("w5", "?showHistory=true");
    const fired = historyEvents.filter((event) => event.EventType === "TimerFired");
    expect(fired).toHaveLength(9);
    expect(effects).toEqual(["w5/end"]);
  });

  it("goes on after the author forgot a timer, and the log says so", async () => {
    const { start, status, clock, logs } = await aDurableWorld();
    await start("leavingATimer", "w6");
    expect(await status("w6")).toMatchObject({ runtimeStatus: "Running" });
    expect(logs.join()).toContain("(w6) returned but stays Running while 1 task is open");

    await clock.advanceBy(DAY_MS);

    expect(await status("w6")).toMatchObject({ runtimeStatus: "Completed", output: "returned" });
  });

  it("for a long timer cannot be cancelled after its first piece, as on Azure", async () => {
    const { start, raise, status, clock } = await aDurableWorld();
    await start("cancelledLongTimer", "w7");
    await clock.advanceBy(4 * DAY_MS);

    await raise("w7", "End");

    expect(await status("w7")).toMatchObject({
      runtimeStatus: "Failed",
      output: expect.stringContaining("Non-Deterministic workflow detected"),
    });
  });
});

describe("a failure", () => {
  it("of an activity is tried again with growing pauses", async () => {
    const { start, status, clock } = await aDurableWorld();
    await start("retrying", "r1");

    await clock.advanceBy(19);
    expect(await status("r1")).toMatchObject({ runtimeStatus: "Running" });
    await clock.advanceBy(41);

    expect(await status("r1")).toMatchObject({ output: "r1/flaky done" });
  });

  it("that stays reaches the orchestration after the last attempt", async () => {
    const { start, status, clock } = await aDurableWorld();
    await start("givingUp", "r2");

    await clock.advanceBy(2_000);

    expect(await status("r2")).toMatchObject({
      runtimeStatus: "Completed",
      output: {
        caught: expect.stringContaining("Activity function 'flaky' failed:  not yet: never \n {"),
        at: "2026-11-22T12:00:02.000Z",
      },
    });
  });

  it("of an activity nobody catches fails the orchestration and its parent", async () => {
    const { start, status } = await aDurableWorld();

    await start("failingParent", "r3");

    const text =
      "Orchestrator function 'failing' failed: Activity function 'flaky' failed:  not yet";
    expect(await status("r3-kid")).toMatchObject({
      runtimeStatus: "Failed",
      output: expect.stringContaining(text),
    });
    expect(await status("r3")).toMatchObject({
      runtimeStatus: "Failed",
      output: expect.stringContaining(`Orchestrator function 'failingParent' failed: ${text}`),
    });
  });

  it("of a child is tried again under the same id", async () => {
    const { start, status, clock } = await aDurableWorld();
    await start("retriedChild", "r4");

    await clock.advanceBy(2_000);

    expect(await status("r4")).toMatchObject({ output: "r4-kid done" });
  });

  it("thrown by the orchestration is its output", async () => {
    const { start, status } = await aDurableWorld();

    await start("throwing", "r5", { text: "no such thing" });

    expect(await status("r5")).toMatchObject({
      runtimeStatus: "Failed",
      output: "Orchestrator function 'throwing' failed: no such thing",
    });
  });

  it("without a message leaves it running for ever, as on Azure, and the log says so", async () => {
    const { start, status, logs } = await aDurableWorld();

    await start("throwing", "r6", { text: "" });

    expect(await status("r6")).toMatchObject({ runtimeStatus: "Running" });
    expect(logs.join()).toContain("threw something without a message");
  });
});

describe("what the local host does not do", () => {
  it.each([
    { story: "missingActivity", says: "'notThere' doesn't exist" },
    { story: "missingChild", says: "'notThere' doesn't exist" },
    { story: "noDate", says: "createTimer needs a valid date" },
    { story: "entity", says: "Durable entities (callEntity) is not supported" },
    { story: "http", says: "Durable HTTP (callHttp) is not supported" },
  ])("fails at once and says why: $story", async ({ story, says }) => {
    const { start, status } = await aDurableWorld();

    await start(story, "n1");

    expect(await status("n1")).toMatchObject({
      runtimeStatus: "Failed",
      output: expect.stringContaining(says),
    });
  });
});

describe("an unkind world", () => {
  it("may deliver everything twice and newest first, and run activities twice", async () => {
    const chaos = {
      order: <T>(queue: readonly T[]) => [...queue, ...queue].reverse(),
      activityRuns: () => 2,
    };
    const { start, status, clock } = await aDurableWorld({ chaos });

    await start("parent", "x1");
    await start("fanOut", "x2");
    await start("window", "x3", { days: 30 });
    await clock.advanceBy(30 * DAY_MS);

    expect(await status("x1")).toMatchObject({
      output: { first: 1, child: ["one", "two", "three"], unnamed: [0, 1, 2, 3, 4] },
    });
    expect(await status("x2")).toMatchObject({ output: [0, 1, 2, 3, 4] });
    expect(await status("x3")).toMatchObject({ output: { reason: "time" } });
  });
});
