import { beforeEach, describe, expect, it } from "@jest/globals";
import { readAnchor } from "../../src/activity/anchor.ts";
import { allOf } from "../support/all-of.ts";
import { createFaults, faultKinds } from "../support/faults.ts";
import { createKeptActivity } from "../support/kept-activity.ts";
import { subscriptionId } from "../support/stored-samples.ts";

const day = 86_400_000;

describe("anchoring the activity", () => {
  let kept: ReturnType<typeof createKeptActivity>;
  const anchors = () => allOf(kept.anchors.since(new Date(0)));
  const heads = async () =>
    (await anchors()).map((anchor) => readAnchor(anchor)?.heads.map(({ sequence }) => sequence));

  beforeEach(async () => {
    kept = createKeptActivity("2026-03-10T12:17:45Z");
    await kept.record(
      { at: "2026-03-09T08:00:00.000Z" },
      { at: "2026-03-09T09:00:00.000Z" },
      { at: "2026-03-10T09:00:00.000Z" },
    );
  });

  it("writes down the ends of the subscription's days once a day, in the table and in the container", async () => {
    await kept.keep();
    kept.clock.advance(3_600_000);
    await kept.keep();

    expect(await heads()).toEqual([[1, 2]]);
    expect(await allOf(kept.anchorContainer.since(new Date(0)))).toEqual(await anchors());
  });

  it("tells the next day what has changed since, and follows the anchor before", async () => {
    await kept.keep();
    await kept.record({ at: "2026-03-09T10:00:00.000Z" }, { at: "2026-03-11T10:00:00.000Z" });
    kept.clock.advance(day);
    await kept.keep();
    kept.clock.advance(day);
    await kept.keep();

    expect(await heads()).toEqual([[1, 2], [1, 3], []]);
    expect(await kept.verify("2026-03", "2026-03")).toEqual([]);
  });

  it("writes none while there is no activity at all", async () => {
    const empty = createKeptActivity("2026-03-10T12:17:45Z");
    await empty.keep();

    expect(await empty.anchors.newest()).toBeUndefined();
  });

  it("goes on where a clock had been wrong", async () => {
    kept.clock.advance(30_000 * day);
    await kept.keep();
    kept.clock.advance(-30_000 * day);
    await kept.keep();

    expect(await heads()).toHaveLength(2);
    expect(await kept.verify("2026-03", "2026-03")).toEqual([]);
  });

  it.each(faultKinds)("repairs with the next run when any call %s", async (kind) => {
    for (let at = 1; ; at += 1) {
      kept = createKeptActivity("2026-03-10T12:17:45Z");
      await kept.record({ at: "2026-03-09T08:00:00.000Z" });
      const faults = createFaults({ at, kind });
      await kept.keep({ faults });
      if (!faults.hasStruck) {
        break;
      }
      kept.clock.advance(3_600_000);
      await kept.keep();

      expect(await heads()).toEqual([[1]]);
      expect(await allOf(kept.anchorContainer.since(new Date(0)))).toEqual(await anchors());
    }
  });

  it("tells the operator when the container does not answer, and goes on", async () => {
    const faults = createFaults({ at: 1, kind: "fails" });
    kept.anchorContainer.numbers = () => Promise.reject(new Error("503"));
    await kept.keep({ faults });

    expect(kept.logged).toContain("copying anchors to the container");
    expect(await heads()).toEqual([[1, 2]]);
  });
});

describe("keeping activity for so many days", () => {
  let kept: ReturnType<typeof createKeptActivity>;
  const months = () => kept.ledger.months();

  beforeEach(async () => {
    kept = createKeptActivity("2026-01-20T03:17:45Z");
    await kept.record(
      { at: "2026-01-05T08:00:00.000Z" },
      { at: "2026-01-06T08:00:00.000Z" },
      { at: "2026-01-06T09:00:00.000Z" },
    );
    await kept.keep();
    kept.clock.advance(60 * day);
    await kept.record({ at: "2026-03-10T08:00:00.000Z" });
  });

  const later = async (days: number, retentionDays = 90) => {
    kept.clock.advance(days * day);
    await kept.keep({ retentionDays });
  };

  it("drops a month once its last day is older, not before, and tells it before and after", async () => {
    // It is 21 March; on 2 May January is over for 90 days, and on 3 May there is an anchor that says so.
    await later(42);
    expect(await months()).toEqual(["2026-01", "2026-03"]);
    await later(1);

    expect(await months()).toEqual(["2026-03", "2026-05"]);
    const told = await kept.drops();
    expect(
      told.map(({ outcome, subscriptionId, changes }) => ({ outcome, subscriptionId, changes })),
    ).toEqual(
      ["asked", "done"].map((outcome) => ({
        outcome,
        subscriptionId,
        changes: [
          { path: "month", before: '"2026-01"' },
          { path: "facts", before: "3" },
          { path: "chains", before: "2" },
        ],
      })),
    );
    expect(await kept.verify("2026-01", "2026-05")).toEqual([]);
  });

  it("takes a fact that comes late into a dropped month for no fault of the month", async () => {
    await later(42);
    await later(1);
    await kept.record({ id: "late", at: "2026-01-06T11:00:00.000Z" });

    expect(await months()).toContain("2026-01");
    expect(await kept.verify("2026-01", "2026-05")).toEqual([]);
    await later(1);
    expect(await months()).not.toContain("2026-01");
  });

  it("keeps everything where no number of days is set", async () => {
    kept.clock.advance(4_000 * day);
    await kept.keep();
    kept.clock.advance(day);
    await kept.keep();

    expect(await months()).toEqual(["2026-01", "2026-03"]);
  });

  it("drops nothing when the clock jumps, as the last anchor tells another time", async () => {
    await later(20_000);
    expect(await months()).toEqual(["2026-01", "2026-03"]);
    kept.clock.advance(3_600_000);
    await kept.keep({ retentionDays: 90 });

    expect(await months()).toEqual(["2026-01", "2026-03"]);
  });

  it("drops three months in a run at most, one run a day, the oldest first", async () => {
    kept = createKeptActivity("2026-01-20T03:17:45Z");
    for (const month of ["01", "02", "03", "04", "05"]) {
      await kept.record({ at: `2026-${month}-05T08:00:00.000Z` });
    }
    await later(0);
    await later(1_000);
    await later(1);
    expect((await months()).filter((month) => month < "2027")).toEqual(["2026-04", "2026-05"]);
    kept.clock.advance(3_600_000);
    await kept.keep({ retentionDays: 90 });

    expect((await months()).filter((month) => month < "2027")).toEqual(["2026-04", "2026-05"]);
  });

  it("anchors what the month held at its end before it goes", async () => {
    await later(42);
    await kept.record({ at: "2026-01-06T10:00:00.000Z" });
    await later(1);

    const all = await allOf(kept.anchors.since(new Date(0)));
    const last = all.flatMap((anchor) => readAnchor(anchor)?.heads ?? []);
    expect(last.filter(({ chain }) => chain.startsWith("2026-01")).at(-1)?.sequence).toBe(3);
    expect(await months()).not.toContain("2026-01");
  });

  it.each(faultKinds)("brings a drop to its end, told once, when any call %s", async (kind) => {
    for (let at = 1; ; at += 1) {
      kept = createKeptActivity("2026-01-20T03:17:45Z");
      await kept.record({ at: "2026-01-05T08:00:00.000Z" }, { at: "2026-01-06T08:00:00.000Z" });
      await kept.keep();
      await later(110);
      kept.clock.advance(day);
      const faults = createFaults({ at, kind });
      await kept.keep({ retentionDays: 90, faults });
      if (!faults.hasStruck) {
        break;
      }
      await later(1);

      expect(await months()).not.toContain("2026-01");
      expect((await kept.drops()).map(({ outcome }) => outcome)).toEqual(["asked", "done"]);
      expect(await kept.verify("2026-01", "2026-06")).toEqual([]);
    }
  });
});
