import { describe, expect, it } from "@jest/globals";
import type { ArmAnswer, ArmRequest } from "../../src/azure/arm-http.ts";
import { writeAndWait } from "../../src/azure/arm-write.ts";
import { ArmError } from "../../src/azure/azure-error.ts";

const gateId =
  "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/nsg";
const put: ArmRequest = { method: "PUT", url: `${gateId}?api-version=1`, body: "{}" };
const operationUrl = "https://arm.example/operations/1?t=1&s=opaque%2Fsignature";

const answer = (
  status: number,
  body?: unknown,
  headers: Record<string, string> = {},
): ArmAnswer => ({
  status,
  text: body === undefined ? "" : JSON.stringify(body),
  header: (name) => headers[name],
});

const accepted = (headers: Record<string, string> = {}): ArmAnswer =>
  answer(200, {}, { "azure-asyncoperation": operationUrl, ...headers });
const status = (text: string, headers: Record<string, string> = {}): ArmAnswer =>
  answer(200, { status: text }, headers);

/** Plays the answers one after the other; the last one again and again. Notes what was asked and how long was waited. */
function play(request: ArmRequest, ...answers: (ArmAnswer | ArmError)[]) {
  const asked: string[] = [];
  const pauses: number[] = [];
  const outcome = writeAndWait(
    async ({ method, url }) => {
      asked.push(`${method} ${url}`);
      const next = answers.length > 1 ? answers.shift() : answers[0];
      if (next === undefined || next instanceof ArmError) {
        throw next;
      }
      return next;
    },
    request,
    gateId,
    {
      pollMs: 500,
      maxWaitMs: 60_000,
      async pause(milliseconds) {
        pauses.push(milliseconds);
      },
    },
  );
  return { outcome, asked, pauses };
}

describe("a write to a gate", () => {
  it("is followed at the signed address, exactly as Azure gave it, until it is in effect", async () => {
    const { outcome, asked, pauses } = play(
      put,
      accepted(),
      status("InProgress"),
      status("Succeeded"),
    );

    expect(await outcome).toEqual({ outcome: "written" });
    expect(asked).toEqual([`PUT ${put.url}`, `GET ${operationUrl}`, `GET ${operationUrl}`]);
    expect(pauses).toEqual([500, 500]);
  });

  it("is looked at early once, then as seldom as Azure asks", async () => {
    const { outcome, pauses } = play(
      put,
      accepted({ "retry-after": "10" }),
      status("InProgress", { "retry-after": "3" }),
      status("InProgress"),
      status("Succeeded"),
    );

    expect(await outcome).toEqual({ outcome: "written" });
    expect(pauses).toEqual([500, 3_000, 10_000]);
  });

  it("is done at once when Azure says so: an update without operation, a rule that was gone", async () => {
    const update = play(put, answer(200, { properties: { provisioningState: "Succeeded" } }));
    const removal = play({ method: "DELETE", url: put.url }, answer(204));

    expect(await update.outcome).toEqual({ outcome: "written" });
    expect(await removal.outcome).toEqual({ outcome: "written" });
    expect(removal.asked).toHaveLength(1);
  });

  it("is followed by Location where there is nothing better", async () => {
    const { outcome, asked } = play(
      { method: "DELETE", url: put.url },
      answer(202, undefined, { location: "https://arm.example/results/1" }),
      answer(202),
      answer(204),
    );

    expect(await outcome).toEqual({ outcome: "written" });
    expect(asked.at(-1)).toBe("GET https://arm.example/results/1");
  });

  it("is followed by the group's own state where Azure names no operation", async () => {
    const inState = (provisioningState: string) =>
      answer(200, { properties: { provisioningState } });

    const { outcome, asked } = play(
      put,
      inState("Updating"),
      inState("Updating"),
      inState("Succeeded"),
    );

    expect(await outcome).toEqual({ outcome: "written" });
    expect(asked.at(-1)).toBe(`GET ${put.url}`);
  });

  it("that a later one took the place of has to be planned again", async () => {
    const { outcome } = play(
      put,
      accepted(),
      answer(200, {
        status: "Canceled",
        error: {
          code: "Canceled",
          message: "Operation was canceled.",
          details: [{ code: "CanceledAndSupersededDueToAnotherOperation", message: "by g2" }],
        },
      }),
    );

    expect(await outcome).toMatchObject({
      outcome: "changed",
      detail: expect.stringContaining("CanceledAndSupersededDueToAnotherOperation"),
    });
  });

  it("that fails while it runs is judged by its code", async () => {
    const failed = (code: string) =>
      answer(200, { status: "Failed", error: { code, message: "no" } });

    const conflict = play(put, accepted(), failed("SecurityRuleConflict"));
    const invalid = play(put, accepted(), failed("SecurityRuleInvalidPortRange"));

    expect(await conflict.outcome).toMatchObject({ outcome: "changed" });
    expect(await invalid.outcome).toMatchObject({
      outcome: "refused",
      reason: { code: "GateNotWritable" },
    });
  });

  it("is not given up because one look at it had no answer, or Azure was busy", async () => {
    const { outcome, pauses } = play(
      put,
      accepted(),
      new ArmError("no answer", { code: "ECONNRESET" }),
      answer(429, undefined, { "retry-after": "4" }),
      answer(503),
      status("Succeeded"),
    );

    expect(await outcome).toEqual({ outcome: "written" });
    expect(pauses).toEqual([500, 500, 4_000, 500]);
  });

  it("has to be read again when nobody can say what became of it", async () => {
    const lost = play(put, new ArmError("no answer", { code: "ECONNRESET" }));
    const forgotten = play(put, accepted(), answer(404));
    const endless = play(put, accepted(), status("InProgress"));

    expect(await lost.outcome).toMatchObject({ outcome: "changed", detail: "no answer" });
    expect(await forgotten.outcome).toMatchObject({ outcome: "changed" });
    expect(await endless.outcome).toMatchObject({
      outcome: "changed",
      detail: expect.stringContaining("60 s"),
    });
    expect(endless.pauses).toHaveLength(120);
  });

  it("fails loudly when it is not Azure's fault", async () => {
    const outcome = writeAndWait(
      () => Promise.reject(new Error("no managed identity here")),
      put,
      gateId,
      { pollMs: 1, maxWaitMs: 1, pause: async () => undefined },
    );

    await expect(outcome).rejects.toThrow("no managed identity here");
  });
});
