import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { anyProgram, orderFreeProgram } from "./support/programs.ts";
import { recordedApp } from "./support/recorded-app.ts";
import { propertyRuns } from "./support/runs.ts";
import { type Choose, replayOf, simulate } from "./support/simulation.ts";

const app = recordedApp();
const numRuns = propertyRuns(300);

/** Choices from a list of numbers, around again when it is used up. */
const choices = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 50 }).map((numbers) => {
  let next = 0;
  const choose: Choose = (limit) => (numbers[next++ % numbers.length] ?? 0) % limit;
  return choose;
});
const inOrder: Choose = () => 0;

describe("the durable engine, whatever the program", () => {
  it("comes to the same result in every order and every batching of what happens", async () => {
    await fc.assert(
      fc.asyncProperty(orderFreeProgram, choices, async (steps, choose) => {
        const plain = await simulate(app, steps, inOrder);
        const mixed = await simulate(app, steps, choose);

        expect(plain.row.runtimeStatus).toBe("Completed");
        expect(mixed.row.runtimeStatus).toBe("Completed");
        expect(mixed.row.output).toBe(plain.row.output);
      }),
      { numRuns },
    );
  });

  it("ends every program, with races and events that come early or late", async () => {
    await fc.assert(
      fc.asyncProperty(anyProgram, choices, async (steps, choose) => {
        const { row } = await simulate(app, steps, choose);

        expect(row).toMatchObject({ runtimeStatus: "Completed" });
        expect(JSON.parse(row.output ?? "[]")).toHaveLength(steps.length);
      }),
      { numRuns },
    );
  });

  it("schedules nothing twice when it starts again after any turn", async () => {
    await fc.assert(
      fc.asyncProperty(anyProgram, choices, fc.nat(100), async (steps, choose, cut) => {
        const { turns } = await simulate(app, steps, choose);
        const kept = turns.slice(0, 1 + (cut % turns.length));

        const { calls, outcome } = await replayOf(app, steps, kept);

        expect(calls).toEqual([]);
        expect(outcome.kind).toBe(kept.length === turns.length ? "completed" : "running");
      }),
      { numRuns },
    );
  });
});
