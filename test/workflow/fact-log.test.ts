import { beforeEach, describe, expect, it } from "@jest/globals";
import { createLog } from "../../src/log.ts";
import { createFactLog } from "../../src/workflow/fact-log.ts";
import { tellingActivity } from "../../src/workflow/telling.ts";
import { createFakeActivityStore } from "../support/fake-activity-store.ts";
import { aWindowFact } from "../support/notifications.ts";

describe("the facts in the log", () => {
  let lines: string[];
  const start = (activity = createFakeActivityStore()) =>
    tellingActivity(activity, createFactLog(createLog((_level, line) => lines.push(line))));
  beforeEach(() => {
    lines = [];
  });

  it("are a line each, once they are recorded", async () => {
    const fact = aWindowFact({ justification: 'disk\nfull\u2028{"event":"gate.gone"}' });

    await start().record([fact, aWindowFact({ port: 443 })]);

    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        event: "activity.fact",
        "metadata.uid": fact.id,
        "unmapped.justification": 'disk full {"event":"gate.gone"}',
      }),
      expect.objectContaining({ "dst_endpoint.port": 443 }),
    ]);
    expect(lines.join("")).not.toMatch(/[\n\u2028]/);
  });

  it("are written once by a process, however often they are told", async () => {
    const activity = start();

    await activity.record([aWindowFact()]);
    await activity.record([aWindowFact(), aWindowFact({ port: 443 })]);

    expect(lines).toHaveLength(2);
  });

  it("are not written when they could not be recorded", async () => {
    const away = { ...createFakeActivityStore(), record: () => Promise.reject(new Error("away")) };

    await expect(start(away).record([aWindowFact()])).rejects.toThrow("away");

    expect(lines).toEqual([]);
  });

  it("are forgotten after ten thousand others: a process that runs for a year does not grow", async () => {
    const write = createFactLog({ activityFact: () => lines.push("") });
    const fact = (index: number) => aWindowFact({ id: `fact-${index}` });

    write(Array.from({ length: 10_001 }, (_, index) => fact(index)));
    write([fact(10_000), fact(0)]);

    expect(lines).toHaveLength(10_002);
  });
});
