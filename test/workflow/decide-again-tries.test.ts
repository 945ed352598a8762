import { beforeEach, describe, expect, it } from "@jest/globals";
import type { AccessRules } from "../../src/policy/access-rules.ts";
import { lookAfterWindows } from "../../src/workflow/look-after.ts";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { allowsEver, approval, approvedBy, carol, groups, slowly } from "../support/approvals.ts";
import {
  anAccessRequest,
  aPort,
  aVirtualMachine,
  aWindow,
  requestId,
} from "../support/builders.ts";
import { createWorld, nsgs, type World } from "../support/world.ts";

const vm = { requestId, vmIndex: 0 };

describe("deciding again", () => {
  let world: World;

  beforeEach(() => {
    world = createWorld();
    world.directory.join(groups.approvers, carol);
  });

  const rulesOf = (accessRules: AccessRules) => ({ ports: [aPort()], accessRules });
  const open = (process = world.start()) => world.clock.run(openWindows(process, vm));
  const look = () => world.clock.run(lookAfterWindows(world.start(), { ...vm, attempt: 1 }));
  const state = async () => (await world.windows(requestId)).map((window) => window.state).join();

  it("asks anew about a request that has waited, and believes answers of a moment ago about one that has not", async () => {
    await world.protect(rulesOf({ approval }));
    await world.request(anAccessRequest(approvedBy(carol)));
    await open();
    const waited = world.directory.asked.map(({ fresh }) => fresh);
    const later = "5c1e2d3f-77bb-4a0c-9d21-1f2e3d4c5b6a";
    await world.protectAgain(rulesOf({}));
    await world.request(
      anAccessRequest({ id: later, windows: [aWindow({ id: `${later}-0-22` })] }),
    );
    await world.clock.run(openWindows(world.start(), { requestId: later, vmIndex: 0 }));

    expect(waited).toContain(true);
    const { length } = waited;
    expect(world.directory.asked.slice(length).map(({ fresh }) => fresh)).toEqual([false, false]);
  });

  it("is tried again when nobody can tell, and nothing is written until somebody can", async () => {
    await world.protect(rulesOf({ approval }));
    await world.request(anAccessRequest(approvedBy(carol)));
    world.directory.failNext(new Error("Graph is away"));

    await expect(open()).rejects.toThrow("Graph is away");
    await world.clock.run(sweep(world.start()));
    const before = [allowsEver(world).length, await state()];
    await open();

    expect(before).toEqual([0, "approved"]);
    expect(await state()).toBe("open");
  });

  it("takes back what an earlier try wanted when it is decided otherwise then", async () => {
    await world.protect(rulesOf({ approval }));
    await world.request(anAccessRequest(approvedBy(carol)));
    const process = world.start();
    const stuck = { ...process, settle: async () => Promise.reject(new Error("storage is away")) };
    await expect(open(stuck)).rejects.toThrow("storage is away");
    world.directory.leave(groups.approvers, carol);

    await open(slowly(world));
    await look();

    expect(await state()).toBe("failed");
    const records = await Promise.all(Object.values(nsgs).map(world.record));
    expect(records.flatMap(({ intent }) => intent.windows)).toEqual([]);
    expect(
      Object.values(nsgs)
        .flatMap((gateId) => world.ours(gateId))
        .filter((rule) => rule.access === "Allow"),
    ).toEqual([]);
  });

  it("opens those windows of a request that are still allowed, and those alone", async () => {
    await world.protect({
      virtualMachines: [aVirtualMachine({ ports: [aPort(), aPort({ number: 3389 })] })],
    });
    await world.request(anAccessRequest({ windows: [aWindow(), aWindow({ port: 3389 })] }));
    await world.protectAgain({ ports: [aPort()] });

    await open(slowly(world));
    await look();

    expect(await state()).toBe("open,failed");
    expect(allowsEver(world).flatMap((rule) => rule.destinationPorts)).toEqual(["22", "22"]);
  });
});
