import { beforeAll, describe, expect, it } from "@jest/globals";
import { names } from "../../src/workflow/names.ts";
import { noon, requestId } from "../support/builders.ts";
import { record, replay } from "../support/recorded-history.ts";

beforeAll(async () => {
  await import("../../functions/main.ts");
});

describe("a request for three VMs", () => {
  const input = { requestId, vmCount: 3 };
  const script = { startsAt: noon, input, callMs: 3_600_000, answer: () => null };

  it("has each VM looked after on its own, all at once, under ids that can be signalled", async () => {
    const recording = await record(names.accessRequest, script);

    expect(
      recording.calls.map(({ kind, name, instanceId, input: given, askedAt }) => ({
        kind,
        name,
        instanceId,
        given,
        askedAt,
      })),
    ).toEqual(
      [0, 1, 2].map((vmIndex) => ({
        kind: "child",
        name: names.accessWindow,
        instanceId: `${requestId}-${vmIndex}`,
        given: { requestId, vmIndex },
        askedAt: noon,
      })),
    );
  });

  it("is done when the last of them has closed, whatever the order", async () => {
    const { history, endedAt } = await record(names.accessRequest, script);

    const isDone = [];
    for (let length = 2; length <= history.length; length += 1) {
      isDone.push((await replay(names.accessRequest, input, history.slice(0, length))).isDone);
    }

    expect(isDone.lastIndexOf(false)).toBe(isDone.length - 2);
    expect(isDone.at(-1)).toBe(true);
    expect(endedAt.getTime()).toBe(noon.getTime() + 3_600_000);
  });
});
