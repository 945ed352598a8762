import { describe, expect, it } from "@jest/globals";
import { systemClock, VirtualClock } from "../../../local/host/clock.ts";

const start = new Date("2026-01-01T00:00:00Z");
const plus = (ms: number) => new Date(start.getTime() + ms);

describe("the virtual clock", () => {
  it("calls back in the order of the moments, not of the asking", async () => {
    const clock = new VirtualClock(start);
    const calls: string[] = [];
    clock.at(plus(300), () => calls.push("late"));
    clock.at(plus(100), () => calls.push("early"));
    clock.at(plus(100), () => calls.push("early, asked second"));

    await clock.advanceBy(1000);

    expect(calls).toEqual(["early", "early, asked second", "late"]);
  });

  it("shows each callback its own moment and ends at the moment asked for", async () => {
    const clock = new VirtualClock(start);
    const seen: string[] = [];
    clock.at(plus(250), () => seen.push(clock.now().toISOString()));

    await clock.advanceTo(plus(1000));

    expect(seen).toEqual([plus(250).toISOString()]);
    expect(clock.now()).toEqual(plus(1000));
  });

  it("fires what callbacks arrange on the way, also after their promises have run", async () => {
    const clock = new VirtualClock(start);
    const seen: number[] = [];
    const again = () => {
      seen.push(clock.now().getTime() - start.getTime());
      queueMicrotask(() => clock.at(new Date(clock.now().getTime() + 100), again));
    };
    clock.at(plus(100), again);

    await clock.advanceBy(350);

    expect(seen).toEqual([100, 200, 300]);
  });

  it("does not move on before the work it set off has come to rest", async () => {
    let isAtRest = true;
    const clock = new VirtualClock(start, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      isAtRest = true;
    });
    const overtaken: boolean[] = [];
    for (const ms of [10, 20, 30]) {
      clock.at(plus(ms), () => {
        overtaken.push(!isAtRest);
        isAtRest = false;
      });
    }

    await clock.advanceBy(100);

    expect(overtaken).toEqual([false, false, false]);
  });

  it("forgets what was cancelled", async () => {
    const clock = new VirtualClock(start);
    const calls: string[] = [];
    const cancel = clock.at(plus(10), () => calls.push("cancelled"));
    clock.at(plus(20), () => calls.push("kept"));

    cancel();

    expect(clock.next).toEqual(plus(20));
    await clock.advanceBy(100);
    expect(calls).toEqual(["kept"]);
    expect(clock.next).toBeUndefined();
  });

  it("fires at once, but not before it is moved, what lies in the past", async () => {
    const clock = new VirtualClock(start);
    const seen: Date[] = [];
    clock.at(plus(-5000), () => seen.push(clock.now()));

    expect(seen).toEqual([]);
    await clock.advanceBy(0);
    expect(seen).toEqual([start]);
  });
});

describe("the system clock", () => {
  it("calls back at or after the moment, never before", async () => {
    const at = new Date(Date.now() + 15);

    await new Promise<void>((resolve) => {
      systemClock.at(at, resolve);
    });

    expect(Date.now()).toBeGreaterThanOrEqual(at.getTime());
  });

  it("does not fire at once for a moment years away", async () => {
    const calls: string[] = [];
    const cancel = systemClock.at(new Date(Date.now() + 3e11), () => calls.push("too early"));

    await new Promise<void>((resolve) => {
      systemClock.at(new Date(Date.now() + 10), resolve);
    });
    cancel();

    expect(calls).toEqual([]);
  });
});
