import { describe, expect, it } from "@jest/globals";
import type { DurableClient } from "durable-functions";
import { createWorkflows } from "../../src/workflow/durable.ts";
import { requestId } from "../support/builders.ts";

/** What the workflow uses of the durable client; instances are known by their ids. */
function aClient({ startFails, isAlive }: { startFails: boolean; isAlive: boolean }) {
  const calls: unknown[][] = [];
  const client = {
    async startNew(...args: unknown[]) {
      calls.push(["startNew", ...args]);
      if (startFails) {
        throw new Error("the start was cut off");
      }
    },
    async getStatus() {
      if (!isAlive) {
        throw new Error("404");
      }
      return {};
    },
    async raiseEvent(...args: unknown[]) {
      calls.push(["raiseEvent", ...args]);
    },
  };
  return { calls, workflows: createWorkflows(client as unknown as DurableClient) };
}

describe("starting a request's orchestration", () => {
  const input = { requestId, vmCount: 2 };

  it("gives it the request's own id, so that it can be found and is started once", async () => {
    const { calls, workflows } = aClient({ startFails: false, isAlive: false });

    await workflows.startRequest(requestId, { vmCount: 2 });

    expect(calls).toEqual([["startNew", "accessRequest", { instanceId: requestId, input }]]);
  });

  it("is done, not failed, when only the answer was lost", async () => {
    const { workflows } = aClient({ startFails: true, isAlive: true });

    await expect(workflows.startRequest(requestId, { vmCount: 2 })).resolves.toBeUndefined();
  });

  it("fails when nothing was started", async () => {
    const { workflows } = aClient({ startFails: true, isAlive: false });

    await expect(workflows.startRequest(requestId, { vmCount: 2 })).rejects.toThrow("cut off");
  });
});

describe("ending the windows of a VM", () => {
  it("tells the orchestration of that VM", async () => {
    const { calls, workflows } = aClient({ startFails: false, isAlive: true });

    await workflows.endWindows(requestId, 1);

    expect(calls).toEqual([["raiseEvent", `${requestId}-1`, "EndNow", {}]]);
  });

  it("is no fault when there is none", async () => {
    const { calls, workflows } = aClient({ startFails: false, isAlive: false });

    await workflows.endWindows(requestId, 1);

    expect(calls).toEqual([]);
  });
});
