import { describe, expect, it } from "@jest/globals";
import { mapLimited } from "../../src/map-limited.ts";
import { createSerial } from "../../src/workflow/serial.ts";
import { noon } from "../support/builders.ts";
import { createVirtualClock } from "../support/virtual-clock.ts";

describe("works of one key", () => {
  it("run one after the other in the order they came, those of another key beside them", async () => {
    const clock = createVirtualClock(noon);
    const serial = createSerial();
    const told: string[] = [];
    const work = (key: string, name: string) =>
      serial(key, async () => {
        told.push(`${name} begins`);
        await clock.pause(10);
        told.push(`${name} ends`);
        return name;
      });

    const names = await clock.run(Promise.all([work("a", "a1"), work("a", "a2"), work("b", "b1")]));

    expect(names).toEqual(["a1", "a2", "b1"]);
    expect(told).toEqual(["a1 begins", "b1 begins", "a1 ends", "a2 begins", "b1 ends", "a2 ends"]);
  });

  it("do not hold up the next when one fails", async () => {
    const serial = createSerial();

    const first = serial("a", async () => {
      throw new Error("lost");
    });
    const second = serial("a", async () => "done");

    await expect(first).rejects.toThrow("lost");
    expect(await second).toBe("done");
  });
});

describe("many works with a limit", () => {
  it("are answered in their own order, never more at once than the limit", async () => {
    const clock = createVirtualClock(noon);
    let [running, most] = [0, 0];

    const doubled = await clock.run(
      mapLimited([5, 1, 4, 2, 3], 2, async (item) => {
        running += 1;
        most = Math.max(most, running);
        await clock.pause(item);
        running -= 1;
        return item * 2;
      }),
    );

    expect(doubled).toEqual([10, 2, 8, 4, 6]);
    expect(most).toBe(2);
  });

  it("of none are done", async () => {
    expect(await mapLimited([], 4, async () => 1)).toEqual([]);
  });
});
