import { beforeAll, describe, expect, it } from "@jest/globals";
import { names } from "../../src/workflow/names.ts";
import { aPolicy, noon } from "../support/builders.ts";
import { type Recording, record, replay } from "../support/recorded-history.ts";

const input = { policyId: aPolicy().id };

/** What is recorded of a change that is under way so often. */
const followed = (times: number): Promise<Recording> =>
  record(names.followPolicy, {
    startsAt: noon,
    input,
    answer: (_call, count) => (count <= times ? { retryAfterMs: 15_000 } : {}),
  });

const callsOf = ({ calls }: Recording) =>
  calls.map(({ name, input: asked, askedAt }) => ({
    name,
    asked,
    after: (askedAt.getTime() - noon.getTime()) / 1_000,
  }));

beforeAll(async () => {
  await import("../../functions/main.ts");
});

describe("the change of a policy whose firewalls take their time", () => {
  it("is looked at again whenever an update should be over, until it is done", async () => {
    expect(callsOf(await followed(2))).toEqual([
      { name: names.protectPolicy, asked: input, after: 0 },
      { name: names.protectPolicy, asked: input, after: 15 },
      { name: names.protectPolicy, asked: input, after: 30 },
    ]);
  });

  it("that never comes to its end is left to the sweep", async () => {
    const recording = await followed(Number.POSITIVE_INFINITY);

    expect(recording.calls).toHaveLength(60);
    expect(recording.endedAt).toBeDefined();
  });

  it("goes on from every moment as it would have gone on", async () => {
    const { history, actions } = await followed(3);

    for (let length = 2; length <= history.length; length += 1) {
      const state = await replay(names.followPolicy, input, history.slice(0, length));
      const soFar = state.actions.flat();

      expect(soFar).toEqual(actions.slice(0, soFar.length));
    }
  });
});
