import { describe, expect, it } from "@jest/globals";
import { createLog, inLogContext } from "../src/log.ts";

/** A log whose lines can be read. */
function aLog() {
  const lines: Record<string, unknown>[] = [];
  const log = createLog(
    (level, line) => lines.push({ level, ...(JSON.parse(line) as object) }),
    () => new Date("2026-11-22T12:00:00Z"),
  );
  return { log, lines };
}

const gateGone = { gateId: "g" };

describe("a line of the log", () => {
  it("tells when, what, in a sentence, and the fields of the event", () => {
    const { log, lines } = aLog();

    log.gateGone(gateGone);

    expect(lines).toEqual([
      {
        level: "warning",
        time: "2026-11-22T12:00:00.000Z",
        event: "gate.gone",
        sentence: expect.stringMatching(/\.$/),
        gateId: "g",
      },
    ]);
  });

  it("tells which work wrote it, however deep inside, and nothing of work that goes on beside", async () => {
    const { log, lines } = aLog();
    const work = async (runId: string) => {
      await Promise.resolve();
      log.gateGone(gateGone);
      await inLogContext({ accessRequestId: `for ${runId}` }, async () => {
        await Promise.resolve();
        log.gateGone(gateGone);
      });
    };

    await Promise.all(["one", "two"].map((runId) => inLogContext({ runId }, () => work(runId))));
    log.gateGone(gateGone);

    expect(lines.map(({ runId, accessRequestId }) => [runId, accessRequestId])).toEqual([
      ["one", undefined],
      ["two", undefined],
      ["one", "for one"],
      ["two", "for two"],
      [undefined, undefined],
    ]);
  });
});
