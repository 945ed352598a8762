import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { RunningSystem } from "../support/running-system.ts";

let system: RunningSystem;

beforeAll(async () => {
  system = await RunningSystem.start({ timing: { nsgWriteMs: 50 } });
}, 60_000);

afterAll(async () => {
  await system?.stop();
}, 30_000);

describe("SecurityCenter of @azure/arm-security 5, unmodified but for endpoint, scope and CA", () => {
  it("does all eight operations", async () => {
    const program = join(import.meta.dirname, "eight-operations.ts");

    const { stdout } = await promisify(execFile)(process.execPath, [
      program,
      join(system.dir, "data"),
    ]);

    const { put, initiated, got, lists, left } = JSON.parse(stdout);
    expect(put).toMatchObject({
      name: "eight",
      type: "Microsoft.Security/locations/jitNetworkAccessPolicies",
      kind: "Basic",
      location: "westeurope",
      provisioningState: "Succeeded",
      virtualMachines: [
        {
          ports: [
            {
              number: 3389,
              protocol: "TCP",
              allowedSourceAddressPrefix: "*",
              maxRequestAccessDuration: "PT3H",
            },
          ],
        },
      ],
    });
    expect(initiated.virtualMachines[0].ports[0]).toMatchObject({
      number: 3389,
      status: "Initiating",
      statusReason: "UserRequested",
    });
    expect(got.requests[0]).toMatchObject({
      requestor: "olivia@contoso.example",
      justification: "eight",
    });
    expect(lists).toEqual({
      subscription: ["eight"],
      location: ["eight"],
      group: ["eight"],
      groupAndLocation: ["eight"],
      otherLocation: [],
    });
    expect(left).toEqual([]);
  }, 60_000);
});
