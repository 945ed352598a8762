import { describe, expect, it } from "@jest/globals";
import type { App, InvocationRequest } from "../../../local/host/app.ts";
import { VirtualClock } from "../../../local/host/clock.ts";
import { parseSchedule } from "../../../local/host/schedule.ts";
import { Timers } from "../../../local/host/timers.ts";

const start = new Date("2026-01-01T00:00:00Z");
const minute = 60_000;

interface Tick {
  readonly at: string;
  readonly input: { IsPastDue: boolean; ScheduleStatus: { Last: string; Next: string } };
}

/** One timer function; `run` is its handler. */
function aTimer(
  options: Readonly<Record<string, unknown>>,
  run: () => Promise<void> = async () => {},
  settings: Readonly<Record<string, string>> = {},
) {
  const clock = new VirtualClock(start);
  const ticks: Tick[] = [];
  const errors: string[] = [];
  const trigger = { type: "timerTrigger", name: "t", direction: "in" as const, ...options };
  const app: App = {
    functions: new Map([["sweep", { name: "sweep", trigger, bindings: [trigger] }]]),
    async invoke(_name: string, { inputData: [input] }: InvocationRequest) {
      const at = clock.now().toISOString();
      ticks.push({ at, input: JSON.parse(input?.data.json ?? "null") });
      await run();
      return { invocationId: "1", outputData: [] };
    },
  };
  const log = (level: string, message: string) => {
    if (level === "error") errors.push(message);
  };
  const timers = new Timers({ app, clock, log, settings });
  return { clock, ticks, errors, timers };
}

describe("a timer function", () => {
  it("runs at each moment of its schedule", async () => {
    const { clock, ticks, timers } = aTimer({ schedule: "0 */15 * * * *" });
    timers.start();

    await clock.advanceBy(60 * minute);

    expect(ticks.map(({ at }) => at.slice(11, 19))).toEqual([
      "00:15:00",
      "00:30:00",
      "00:45:00",
      "01:00:00",
    ]);
  });

  it("is told when it ran last and when it will run next", async () => {
    const { clock, ticks, timers } = aTimer({ schedule: "0 0 * * * *" });
    timers.start();

    await clock.advanceBy(120 * minute);

    expect(ticks.map(({ input }) => input)).toEqual([
      {
        Schedule: { AdjustForDST: true },
        ScheduleStatus: {
          Last: "0001-01-01T00:00:00+00:00",
          Next: "2026-01-01T02:00:00.000Z",
          LastUpdated: "0001-01-01T00:00:00+00:00",
        },
        IsPastDue: false,
      },
      {
        Schedule: { AdjustForDST: true },
        ScheduleStatus: {
          Last: "2026-01-01T01:00:00.000Z",
          Next: "2026-01-01T03:00:00.000Z",
          LastUpdated: "2026-01-01T01:00:00.000Z",
        },
        IsPastDue: false,
      },
    ]);
  });

  it("never runs twice at once: what falls due meanwhile is left out", async () => {
    const ends: (() => void)[] = [];
    const { clock, ticks, timers } = aTimer(
      { schedule: "0 * * * * *" },
      () => new Promise((resolve) => ends.push(resolve)),
    );
    timers.start();

    await clock.advanceBy(3 * minute);
    expect(ticks).toHaveLength(1);
    ends[0]?.();
    await clock.advanceBy(minute);

    expect(ticks).toHaveLength(2);
  });

  it("runs at start when asked to", async () => {
    const { clock, ticks, timers } = aTimer({ schedule: "0 0 0 1 1 *", runOnStartup: true });

    timers.start();
    await clock.advanceBy(0);

    expect(ticks).toHaveLength(1);
  });

  it("goes on after a failure, which is logged", async () => {
    const { clock, ticks, errors, timers } = aTimer({ schedule: "0 * * * * *" }, async () => {
      throw new Error("no network");
    });
    timers.start();

    await clock.advanceBy(2 * minute);

    expect(ticks).toHaveLength(2);
    expect(errors[0]).toContain("sweep failed: Error: no network");
  });

  it("runs on demand, past due if asked, and hands its failure to the caller", async () => {
    const { ticks, errors, timers } = aTimer({ schedule: "0 * * * * *" }, async () => {
      throw new Error("no network");
    });

    await expect(timers.runNow("sweep", { pastDue: true })).rejects.toThrow("no network");
    await expect(timers.runNow("other")).rejects.toThrow('no timer function named "other"');

    expect(ticks.map(({ input }) => input.IsPastDue)).toEqual([true]);
    expect(errors).toEqual([]);
  });

  it("waits for the run under way before it runs on demand", async () => {
    const ends: (() => void)[] = [];
    const { clock, ticks, timers } = aTimer(
      { schedule: "0 * * * * *" },
      () => new Promise((resolve) => ends.push(resolve)),
    );
    timers.start();
    await clock.advanceBy(minute);

    const demanded = timers.runNow("sweep");
    await clock.advanceBy(0);
    const before = ticks.length;
    ends[0]?.();
    await clock.advanceBy(0);
    ends[1]?.();
    await demanded;

    expect([before, ticks.length]).toEqual([1, 2]);
  });

  it("runs no more once stopped", async () => {
    const { clock, ticks, timers } = aTimer({ schedule: "0 * * * * *" });
    timers.start();
    await clock.advanceBy(minute);

    timers.stop();
    await clock.advanceBy(5 * minute);

    expect(ticks).toHaveLength(1);
  });

  it("takes its schedule from a setting and its hours from WEBSITE_TIME_ZONE", async () => {
    const settings = { WHEN: "0 0 6 * * *", WEBSITE_TIME_ZONE: "Asia/Tokyo" };
    const { clock, ticks, timers } = aTimer({ schedule: "%WHEN%" }, undefined, settings);
    timers.start();

    await clock.advanceBy(24 * 60 * minute);

    expect(ticks.map(({ at }) => at)).toEqual(["2026-01-01T21:00:00.000Z"]);
  });
});

describe("an NCRONTAB expression", () => {
  it.each([
    ["six fields, seconds first", "30 5 4 * * *", "2026-01-01T04:05:30.000Z"],
    ["five fields, at second 0", "5 4 * * *", "2026-01-01T04:05:00.000Z"],
    ["names of months and days", "0 0 0 * Feb Mon", "2026-02-02T00:00:00.000Z"],
    // Friday the 13th, not "every Friday and every 13th" as in plain cron.
    ["day of month and day of week, both", "0 0 0 13 * 5", "2026-02-13T00:00:00.000Z"],
  ])("reads %s", (_case, expression, expected) => {
    expect(parseSchedule(expression).next(start)?.toISOString()).toBe(expected);
  });

  it.each(["@daily", "* * * *", "0 0 0 L * *", "0 0 0 ? * 1#2", "0 61 * * * *", "00:05:00", ""])(
    "refuses %s",
    (expression) => {
      expect(() => parseSchedule(expression)).toThrow();
    },
  );
});
