import { registered } from "@azure/functions-core";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { patience } from "../../src/workflow/access-window.ts";
import type { Looked, Looking } from "../../src/workflow/look-after.ts";
import { names } from "../../src/workflow/names.ts";
import type { Opened } from "../../src/workflow/open-windows.ts";
import { afterNoon, noon, requestId } from "../support/builders.ts";
import {
  type Asked,
  type Recording,
  record,
  replay,
  type Script,
} from "../support/recorded-history.ts";

const at = (seconds: number): Date => new Date(afterNoon(seconds));
const day = 86_400;
const vm = { requestId, vmIndex: 0 };
const failing: Looked = { isFailing: true };

/** What a look finds where windows end at these moments, and all of them once somebody wanted that. */
const ending =
  (ends: readonly string[], revokedAt = afterNoon(999 * day)) =>
  (call: Asked): Looked | undefined => {
    const now = call.askedAt.toISOString();
    const [next] = ends.filter((end) => end > now && revokedAt > now).toSorted();
    return call.name === names.openWindows
      ? undefined
      : { isFailing: false, ...(next === undefined ? {} : { next }) };
  };

const recorded: Recording[] = [];

async function told(script: Partial<Script> & Pick<Script, "answer">): Promise<Recording> {
  const recording = await record(names.accessWindow, { startsAt: noon, input: vm, ...script });
  // Histories of fifty tries tell nothing that those of thirteen do not.
  if (recording.continuedWith === undefined) {
    recorded.push(recording);
  }
  return recording;
}

const looks = ({ calls }: Recording) =>
  calls
    .filter((call) => call.name === names.lookAfterWindows)
    .map((call) => ({ at: call.askedAt.toISOString(), ...(call.input as Looking) }));
const momentsOf = (recording: Recording) => looks(recording).map((look) => look.at);

/** Pauses in seconds between the calls of one activity. */
const pauses = ({ calls }: Recording, name: string) =>
  calls
    .filter((call) => call.name === name)
    .map(
      (call, index, all) =>
        (call.askedAt.getTime() - (all[index - 1]?.askedAt.getTime() ?? 0)) / 1_000,
    )
    .slice(1);

beforeAll(async () => {
  await import("../../functions/main.ts");
});

describe("the windows of a VM", () => {
  it("are opened, looked at at once, and again at their end", async () => {
    const recording = await told({ answer: ending([afterNoon(3_600)]) });

    expect(recording.calls.map(({ name, input }) => ({ name, input }))).toEqual([
      { name: names.openWindows, input: vm },
      { name: names.lookAfterWindows, input: { ...vm, attempt: 1 } },
      { name: names.lookAfterWindows, input: { ...vm, attempt: 1 } },
    ]);
    expect(momentsOf(recording)).toEqual([afterNoon(0), afterNoon(3_600)]);
    expect(recording.endedAt).toEqual(at(3_600));
  });

  it("with different ends are looked at at each of them", async () => {
    const ends = [afterNoon(600), afterNoon(1_200), afterNoon(3_600)];

    const recording = await told({ answer: ending(ends) });

    expect(momentsOf(recording)).toEqual([afterNoon(0), ...ends]);
  });

  it("are done with the first look when none of them is left then", async () => {
    const recording = await told({ answer: ending([afterNoon(-60)]) });

    expect(looks(recording)).toEqual([{ at: afterNoon(0), ...vm, attempt: 1 }]);
    expect(recording.timers).toEqual([]);
  });

  it("are tried to open with growing pauses", async () => {
    const recording = await told({
      answer(call, count) {
        if (count < patience.openTries) {
          throw new Error("storage is away");
        }
        return ending([afterNoon(3_600)])(call);
      },
    });

    expect(pauses(recording, names.openWindows)).toEqual([2, 4, 8, 16]);
    expect(momentsOf(recording)).toEqual([afterNoon(30), afterNoon(3_600)]);
  });

  it("that cannot be told to be open after five tries are looked at at once", async () => {
    const recording = await told({
      answer(call) {
        if (call.name === names.openWindows) {
          throw new Error("storage is away");
        }
        return ending([])(call);
      },
    });

    expect(recording.calls.filter((call) => call.name === names.openWindows)).toHaveLength(5);
    expect(looks(recording)).toEqual([{ at: afterNoon(30), ...vm, attempt: 1 }]);
  });

  it("longer than the longest timer are waited for in pieces of five days at most", async () => {
    const recording = await told({ answer: ending([afterNoon(12 * day)]) });

    const lengths = recording.timers.map(
      (timer) => ((timer.fireAt?.getTime() ?? 0) - timer.askedAt.getTime()) / 1_000,
    );
    expect(lengths).toEqual([5 * day, 5 * day, 2 * day]);
    expect(momentsOf(recording)).toEqual([afterNoon(0), afterNoon(12 * day)]);
  });

  it("are looked at again after a second when another clock says that the end has not come yet", async () => {
    const behind = (call: Asked) => ending([afterNoon(600)])({ ...call, askedAt: lagged(call) });
    const lagged = ({ askedAt }: Asked) => new Date(askedAt.getTime() - 3_000);

    const recording = await told({ answer: behind });

    expect(momentsOf(recording)).toEqual([0, 600, 601, 602, 603].map(afterNoon));
  });

  describe("behind a firewall", () => {
    /** An update that opens them is under way until then, and one that closes them from then until then. */
    const slowly =
      (opensAt: number, [from, to]: readonly [number, number]) =>
      (call: Asked): Opened | Looked => {
        const seconds = (call.askedAt.getTime() - noon.getTime()) / 1_000;
        return call.name === names.openWindows
          ? opening(seconds, opensAt)
          : { isFailing: false, ...closing(seconds, from, to) };
      };
    const opening = (seconds: number, opensAt: number): Opened =>
      seconds < opensAt ? { retryAfterMs: 15_000 } : {};
    const closing = (seconds: number, from: number, to: number) =>
      seconds < to ? { next: afterNoon(seconds < from ? from : seconds + 15) } : {};

    it("are looked at until the update is over that opens them, and again until the one that closes them is", async () => {
      const recording = await told({ answer: slowly(40, [3_560, 3_600]) });

      const inputs = recording.calls.slice(0, 5).map(({ name, input }) => ({ name, input }));
      expect(inputs).toEqual([
        { name: names.openWindows, input: vm },
        ...Array(3).fill({ name: names.openWindows, input: { ...vm, isAgain: true } }),
        { name: names.lookAfterWindows, input: { ...vm, attempt: 1 } },
      ]);
      expect(pauses(recording, names.openWindows)).toEqual([15, 15, 15]);
      expect(momentsOf(recording).slice(0, 3)).toEqual([45, 3_560, 3_575].map(afterNoon));
      expect(looks(recording).every(({ attempt }) => attempt === 1)).toBe(true);
      expect(recording.endedAt).toEqual(at(3_605));
    });

    it("are tried five times anew when a look at the update fails, and as if for the first time after it went well", async () => {
      const fails = [15, 17, 21, 29, 60, 62, 66, 74].map(afterNoon);
      const recording = await told({
        answer(call) {
          if (fails.includes(call.askedAt.toISOString())) {
            throw new Error("storage is away");
          }
          return slowly(100, [3_350, 3_360])(call);
        },
      });

      expect(pauses(recording, names.openWindows)).toEqual([15, 2, 4, 8, 16, 15, 2, 4, 8, 16, 15]);
      expect(momentsOf(recording)[0]).toBe(afterNoon(105));
    });

    it("are looked after at once when their end is wanted while the update is under way", async () => {
      const words = [{ at: at(20), name: names.endNow }];
      const answer = (call: Asked) => slowly(call.askedAt >= at(20) ? 0 : 240, [0, 500])(call);

      const recording = await told({ answer, words });

      expect(pauses(recording, names.openWindows)).toEqual([15, 5]);
      expect(momentsOf(recording)[0]).toBe(afterNoon(20));
      expect(recording.endedAt).toEqual(at(500));
      const timers = recording.actions.flatMap((action) => action.compoundActions ?? []);
      expect(timers.filter((timer) => timer.isCanceled === true)).toHaveLength(1);
    });

    it("are waited for all the same when the word was not about all of them", async () => {
      const words = [{ at: at(20), name: names.endNow }];

      const recording = await told({ answer: slowly(60, [900, 910]), words });

      expect(pauses(recording, names.openWindows)).toEqual([15, 5, 15, 15, 15]);
      // The word has brought a look forward already, and the one after the opening is none too many.
      expect(momentsOf(recording).slice(0, 2)).toEqual([afterNoon(65), afterNoon(65)]);
    });

    it("go on in a fresh history where closing takes more looks than one holds, and are no failure", async () => {
      const answer = slowly(0, [0, 800]);
      const first = await told({ answer });
      const second = await told({ answer, input: first.continuedWith, startsAt: first.endedAt });

      expect(first.continuedWith).toEqual({ ...vm, attempt: 1 });
      expect([...looks(first), ...looks(second)].map(({ attempt }) => attempt)).toEqual(
        Array(56).fill(1),
      );
      expect(second.calls[0]?.name).toBe(names.lookAfterWindows);
      expect(second.continuedWith).toBeUndefined();
    });
  });

  describe("whose end is wanted now", () => {
    const ends = [afterNoon(600), afterNoon(3_600)];
    const endNow = (seconds: number) => ({ at: at(seconds), name: names.endNow });
    const revoked = (seconds: number) => ending(ends, afterNoon(seconds));

    it("are looked at at that moment, and no timer is left behind", async () => {
      const recording = await told({ answer: revoked(60), words: [endNow(60)] });

      expect(momentsOf(recording)).toEqual([afterNoon(0), afterNoon(60)]);
      expect(recording.endedAt).toEqual(at(60));
      const timers = recording.actions.flatMap((action) => action.compoundActions ?? []);
      expect(timers.find((timer) => timer.fireAt !== undefined)?.isCanceled).toBe(true);
    });

    it("are looked at then although the first of them ended before", async () => {
      const recording = await told({ answer: revoked(1_000), words: [endNow(1_000)] });

      expect(momentsOf(recording)).toEqual([afterNoon(0), afterNoon(600), afterNoon(1_000)]);
    });

    it("while they are being opened, are looked at as soon as they are", async () => {
      const recording = await told({ answer: revoked(2), callMs: 5_000, words: [endNow(2)] });

      expect(momentsOf(recording)).toEqual([afterNoon(5)]);
      expect(recording.endedAt).toEqual(at(10));
    });

    it("while another one is being closed, are looked at right after", async () => {
      const recording = await told({ answer: revoked(602), callMs: 5_000, words: [endNow(602)] });

      // The second look may have read storage before the word was stored.
      expect(momentsOf(recording)).toEqual([afterNoon(5), afterNoon(600), afterNoon(605)]);
    });

    it("more than once, are looked at once for each word at most", async () => {
      const words = [endNow(60), endNow(61), endNow(62)];

      const recording = await told({ answer: revoked(60), callMs: 5_000, words });

      expect(momentsOf(recording)).toEqual([afterNoon(5), afterNoon(60)]);
    });

    it("again after a first word that ended only some of them, are looked at for each", async () => {
      const words = [endNow(60), endNow(90)];

      const recording = await told({ answer: revoked(90), words });

      expect(momentsOf(recording)).toEqual([afterNoon(0), afterNoon(60), afterNoon(90)]);
    });

    it("in the middle of a long wait, are looked at at that moment", async () => {
      const recording = await told({
        answer: ending([afterNoon(12 * day)], afterNoon(7 * day)),
        words: [endNow(7 * day)],
      });

      expect(momentsOf(recording)).toEqual([afterNoon(0), afterNoon(7 * day)]);
    });

    it("while they cannot be closed, are looked at at that moment too", async () => {
      const answer = (call: Asked) =>
        call.askedAt >= at(1_000) ? ending([])(call) : { ...failing, next: afterNoon(3_600) };

      const recording = await told({ answer, words: [endNow(1_000)] });

      expect(pauses(recording, names.lookAfterWindows)).toEqual([
        2, 4, 8, 16, 32, 64, 128, 256, 490,
      ]);
    });
  });

  describe("that cannot be closed", () => {
    it.each([
      { case: "the gates do not follow", fail: () => failing },
      {
        case: "the attempt itself fails",
        fail: () => {
          throw new Error("storage is away");
        },
      },
    ])("are tried again with growing pauses of ten minutes at most: $case", async ({ fail }) => {
      let tries = 0;
      const recording = await told({
        answer(call) {
          if (call.name === names.openWindows) {
            return undefined;
          }
          tries += 1;
          return tries < 13 ? fail() : ending([])(call);
        },
      });

      expect(pauses(recording, names.lookAfterWindows)).toEqual([
        2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600,
      ]);
      expect(looks(recording).map(({ attempt }) => attempt)).toEqual(
        Array.from({ length: 13 }, (_, index) => index + 1),
      );
    });

    it("keep no other window from ending at its time", async () => {
      const ends = [afterNoon(100), afterNoon(900)];
      const answer = (call: Asked) =>
        call.askedAt < at(900) ? { ...ending(ends)(call), ...failing } : ending(ends)(call);

      const recording = await told({ answer });

      expect(momentsOf(recording)).toEqual(
        [0, 2, 6, 14, 30, 62, 100, 228, 484, 900].map(afterNoon),
      );
    });

    it("begin with short pauses again after they were closed at last", async () => {
      const fails = [0, 2, 6, 600, 602].map(afterNoon);
      const answer = (call: Asked) =>
        fails.includes(call.askedAt.toISOString())
          ? { ...ending([afterNoon(600)])(call), ...failing }
          : ending([afterNoon(600)])(call);

      const recording = await told({ answer });

      expect(looks(recording).map(({ at: moment, attempt }) => [moment, attempt])).toEqual([
        [afterNoon(0), 1],
        [afterNoon(2), 2],
        [afterNoon(6), 3],
        [afterNoon(14), 4],
        [afterNoon(600), 1],
        [afterNoon(602), 2],
        [afterNoon(606), 3],
      ]);
    });

    it("are never given up: every fifty tries the work goes on in a fresh history", async () => {
      const answer = (call: Asked) => (call.name === names.openWindows ? undefined : failing);
      let recording = await told({ answer });
      const tries = [...looks(recording)];
      for (let generation = 0; generation < 3; generation += 1) {
        expect(recording.continuedWith).toEqual({ ...vm, attempt: 50 * (generation + 1) + 1 });
        recording = await told({
          answer,
          input: recording.continuedWith,
          startsAt: recording.endedAt,
        });
        expect(recording.calls[0]?.name).toBe(names.lookAfterWindows);
        tries.push(...looks(recording));
      }

      expect(tries.map(({ attempt }) => attempt)).toEqual(
        Array.from({ length: 200 }, (_, index) => index + 1),
      );
    });

    it("leave nothing forgotten in a fresh history: the rest still ends at its time", async () => {
      const recording = await told({
        input: { ...vm, attempt: 51 },
        answer: ending([afterNoon(7_200)]),
      });

      expect(looks(recording)).toEqual([
        { at: afterNoon(0), ...vm, attempt: 51 },
        { at: afterNoon(7_200), ...vm, attempt: 1 },
      ]);
    });
  });
});

describe("the history of every story above", () => {
  it("gives the same actions again, however much of it is known", async () => {
    expect(recorded.length).toBeGreaterThan(15);
    for (const { history, input, actions } of recorded) {
      for (let length = 2; length <= history.length; length += 1) {
        const state = await replay(names.accessWindow, input, history.slice(0, length));
        const soFar = state.actions.flat();

        expect(soFar.map(shape)).toEqual(actions.slice(0, soFar.length).map(shape));
      }
    }
  });

  it("calls nothing that is not registered", () => {
    const called = recorded.flatMap(({ calls }) => calls.map((call) => call.name));

    for (const name of new Set(called)) {
      expect(registered.has(name)).toBe(true);
    }
  });
});

/** An action without the mark that a timer was given up, which comes later. */
function shape(action: object): string {
  return JSON.stringify(action).replaceAll(/"isCanceled":(true|false)/g, "");
}
