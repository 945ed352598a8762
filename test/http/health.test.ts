import { beforeEach, describe, expect, it } from "@jest/globals";
import { healthReady } from "../../src/http/health.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { anAccessRequest, requestId } from "../support/builders.ts";
import { createWorld, type World } from "../support/world.ts";

describe("readiness", () => {
  let world: World;

  beforeEach(async () => {
    world = createWorld();
    await world.protect();
    await world.request(anAccessRequest());
    await world.clock.run(openWindows(world.start(), { requestId, vmIndex: 0 }));
  });

  const ready = () => world.clock.run(healthReady(world)());
  const activity = { lastAnchorAt: null };

  it("is told while nothing is overdue, whatever is open", async () => {
    expect(await ready()).toEqual({
      status: 200,
      body: { status: "ready", overdueGates: 0, oldestOverdueSeconds: 0, activity },
    });
  });

  it("tells when the activity was anchored last, and nothing where that cannot be read", async () => {
    await world.anchors.put({ sequence: 1, at: "2030-01-31T03:17:45.000Z", text: "" });
    const answers = { ...world, anchors: { newest: () => Promise.reject(new Error("503")) } };

    const told = await ready();
    const untold = await world.clock.run(healthReady(answers)());

    expect(told.body).toMatchObject({ activity: { lastAnchorAt: "2030-01-31T03:17:45.000Z" } });
    expect(untold.body).toMatchObject({ status: "ready", activity: { lastAnchorAt: null } });
  });

  it("tells a closing that is overdue, for how long, and that it has been done", async () => {
    await world.clock.advance(3_600_000 + 29_000);
    const onTheWay = await ready();
    await world.clock.advance(61_000);
    const overdue = await ready();
    await world.clock.run(sweep(world.start()));
    const done = await ready();

    expect(onTheWay.body).toMatchObject({ status: "ready" });
    expect(overdue).toEqual({
      status: 200,
      body: { status: "degraded", overdueGates: 2, oldestOverdueSeconds: 90, activity },
    });
    expect(done.body).toMatchObject({ status: "ready" });
  });
});
