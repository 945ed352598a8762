import { registered } from "@azure/functions-core";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { patience } from "../../src/workflow/access-window.ts";
import type { Closing } from "../../src/workflow/close-windows.ts";
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
const opened = (ends: readonly string[], failedIds: readonly string[] = []): Opened => ({
  ends,
  failedIds,
});
const closed = { isClosed: true };
const day = 86_400;
const vm = { requestId, vmIndex: 0 };

/** Answers opening with the ends given, closing with done. */
const calm =
  (answer: Opened) =>
  (call: Asked): unknown =>
    call.name === names.openWindows ? answer : closed;

const recorded: Recording[] = [];

async function told(script: Partial<Script> & Pick<Script, "answer">): Promise<Recording> {
  const recording = await record(names.accessWindow, { startsAt: noon, input: vm, ...script });
  // Histories of fifty tries tell nothing that those of thirteen do not.
  if (recording.continuedWith === undefined) {
    recorded.push(recording);
  }
  return recording;
}

const closings = ({ calls }: Recording) =>
  calls
    .filter((call) => call.name === names.closeWindows)
    .map((call) => ({ at: call.askedAt.toISOString(), ...(call.input as Closing) }));

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
  it("are opened, and closed at their end", async () => {
    const recording = await told({ answer: calm(opened([afterNoon(3_600)])) });

    expect(recording.calls.map((call) => call.name)).toEqual([
      names.openWindows,
      names.closeWindows,
    ]);
    expect(recording.calls[0]?.input).toEqual(vm);
    expect(closings(recording)).toEqual([
      { at: afterNoon(3_600), ...vm, until: afterNoon(3_600), endReason: "Expired", attempt: 1 },
    ]);
    expect(recording.endedAt).toEqual(at(3_600));
  });

  it("with different ends are each closed at their own", async () => {
    const ends = [afterNoon(600), afterNoon(1_200), afterNoon(3_600)];

    const recording = await told({ answer: calm(opened(ends)) });

    expect(closings(recording).map((closing) => closing.at)).toEqual(ends);
  });

  it("whose end passed while nothing ran are closed at once", async () => {
    const recording = await told({ answer: calm(opened([afterNoon(-60)])) });

    // Whatever else is over by now is closed in the same go.
    expect(closings(recording)).toEqual([
      { at: afterNoon(0), ...vm, until: afterNoon(0), endReason: "Expired", attempt: 1 },
    ]);
    expect(recording.timers).toEqual([]);
  });

  it("are tried to open with growing pauses", async () => {
    const recording = await told({
      answer(call, count) {
        if (count < patience.openTries) {
          throw new Error("storage is away");
        }
        return calm(opened([afterNoon(3_600)]))(call);
      },
    });

    expect(pauses(recording, names.openWindows)).toEqual([2, 4, 8, 16]);
    expect(closings(recording)).toHaveLength(1);
  });

  it("that cannot be told to be open after five tries are closed, all of them", async () => {
    const recording = await told({
      answer(call) {
        if (call.name === names.openWindows) {
          throw new Error("storage is away");
        }
        return closed;
      },
    });

    expect(recording.calls.filter((call) => call.name === names.openWindows)).toHaveLength(5);
    expect(closings(recording)).toEqual([
      { at: expect.any(String), ...vm, endReason: "Expired", attempt: 1 },
    ]);
  });

  it("that failed to open are closed at once, the others at their end", async () => {
    const recording = await told({ answer: calm(opened([afterNoon(600)], ["failed-one"])) });

    expect(closings(recording)).toEqual([
      { at: afterNoon(0), ...vm, windowIds: ["failed-one"], endReason: "Expired", attempt: 1 },
      { at: afterNoon(600), ...vm, until: afterNoon(600), endReason: "Expired", attempt: 1 },
    ]);
  });

  it("longer than the longest timer are waited for in pieces of five days at most", async () => {
    const recording = await told({ answer: calm(opened([afterNoon(12 * day)])) });

    const lengths = recording.timers.map(
      (timer) => ((timer.fireAt?.getTime() ?? 0) - timer.askedAt.getTime()) / 1_000,
    );
    expect(lengths).toEqual([5 * day, 5 * day, 2 * day]);
    expect(closings(recording).map((closing) => closing.at)).toEqual([afterNoon(12 * day)]);
  });

  describe("that are told to end now", () => {
    const ends = [afterNoon(600), afterNoon(3_600)];
    const endNow = (seconds: number) => [{ at: at(seconds), name: names.endNow }];

    it("are all closed at that moment, and no timer is left behind", async () => {
      const recording = await told({ answer: calm(opened(ends)), words: endNow(60) });

      expect(closings(recording)).toEqual([
        { at: afterNoon(60), ...vm, endReason: "UserRequested", attempt: 1 },
      ]);
      expect(recording.endedAt).toEqual(at(60));
      const timers = recording.actions.flatMap((action) => action.compoundActions ?? []);
      expect(timers.find((timer) => timer.fireAt !== undefined)?.isCanceled).toBe(true);
    });

    it("are closed then although the first of them ended before", async () => {
      const recording = await told({ answer: calm(opened(ends)), words: endNow(1_000) });

      expect(closings(recording).map(({ at: moment }) => moment)).toEqual([
        ends[0],
        afterNoon(1_000),
      ]);
    });

    it("while they are being opened, are closed as soon as they are", async () => {
      const recording = await told({ answer: calm(opened(ends)), callMs: 5_000, words: endNow(2) });

      expect(closings(recording)).toEqual([
        { at: afterNoon(5), ...vm, endReason: "UserRequested", attempt: 1 },
      ]);
    });

    it("while another one is being closed, are closed right after", async () => {
      const recording = await told({
        answer: calm(opened(ends)),
        callMs: 5_000,
        words: endNow(602),
      });

      expect(closings(recording).map(({ at: moment }) => moment)).toEqual([
        ends[0],
        afterNoon(605),
      ]);
    });

    it("more than once, are closed once", async () => {
      const words = [...endNow(60), ...endNow(61), ...endNow(62)];

      const recording = await told({ answer: calm(opened(ends)), callMs: 5_000, words });

      expect(closings(recording)).toHaveLength(1);
    });

    it("in the middle of a long wait, are closed at that moment", async () => {
      const recording = await told({
        answer: calm(opened([afterNoon(12 * day)])),
        words: endNow(7 * day),
      });

      expect(closings(recording).map((closing) => closing.at)).toEqual([afterNoon(7 * day)]);
    });
  });

  describe("that cannot be closed", () => {
    it.each([
      { case: "the gates do not follow", fail: () => ({ isClosed: false }) },
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
            return opened([afterNoon(60)]);
          }
          tries += 1;
          return tries < 13 ? fail() : closed;
        },
      });

      expect(pauses(recording, names.closeWindows)).toEqual([
        2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600,
      ]);
      expect(closings(recording).map(({ attempt }) => attempt)).toEqual(
        Array.from({ length: 13 }, (_, index) => index + 1),
      );
    });

    it("are never given up: every fifty tries the work goes on in a fresh history", async () => {
      const failing = (call: Asked) =>
        call.name === names.openWindows ? opened([afterNoon(60)]) : { isClosed: false };
      let recording = await told({ answer: failing });
      const attempts = [...closings(recording)];
      for (let generation = 0; generation < 3; generation += 1) {
        expect(recording.continuedWith).toBeDefined();
        recording = await told({
          answer: failing,
          input: recording.continuedWith,
          startsAt: recording.endedAt,
        });
        attempts.push(...closings(recording));
      }

      expect(attempts.map(({ attempt }) => attempt)).toEqual(
        Array.from({ length: 200 }, (_, index) => index + 1),
      );
    });

    it("leave nothing forgotten when they are closed at last: the rest still ends at its time", async () => {
      const input = {
        ...vm,
        closing: { ...vm, until: afterNoon(60), endReason: "Expired", attempt: 51 },
      };

      const recording = await told({ input, answer: calm(opened([afterNoon(7_200)])) });

      expect(recording.calls.map((call) => call.name)).toEqual([
        names.closeWindows,
        names.openWindows,
        names.closeWindows,
      ]);
      expect(closings(recording).map((closing) => closing.at)).toEqual([
        afterNoon(0),
        afterNoon(7_200),
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
