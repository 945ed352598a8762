import { beforeEach, describe, expect, it } from "@jest/globals";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { anew } from "../../src/workflow/settle.ts";
import { allowsEver } from "../support/approvals.ts";
import { anAccessRequest, requestId } from "../support/builders.ts";
import { createFrontDoor, paths, people } from "../support/front-door.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const vm = { requestId, vmIndex: 0 };
const gates = Object.values(nsgs);

describe("the end of a request", () => {
  let world: World;

  beforeEach(async () => {
    world = createWorld();
    await world.protect({ virtualMachines: bothWebVms });
    await world.request(anAccessRequest({ requestor: people.alice }));
  });

  const end = () =>
    createFrontDoor(world).call("POST", paths.request(requestId, "revoke"), { as: "alice" });
  const settleAll = () =>
    world.clock.run(Promise.all(gates.map((gateId) => world.start().settle(gateId, anew))));
  const wanted = async () =>
    (await Promise.all(gates.map(world.record))).flatMap(({ intent }) => intent.windows);
  const allows = () =>
    gates.flatMap((gateId) => world.ours(gateId)).filter((rule) => rule.access === "Allow");

  it("is wanted at once: whoever settles next closes what is open", async () => {
    await world.clock.run(openWindows(world.start(), vm));
    const before = allows().length;

    await end();
    await settleAll();

    expect([before, await wanted(), allows()]).toEqual([2, [], []]);
  });

  it("lets nobody open what was wanted and not written yet", async () => {
    const { settle: _, ...process } = world.start();
    const settle = () => Promise.reject(new Error("the process is gone"));
    await world.clock.run(openWindows({ ...process, settle }, vm).catch(() => undefined));
    const before = await wanted();

    await end();
    await settleAll();
    await world.clock.run(openWindows(world.start(), vm));

    expect(before).toHaveLength(2);
    expect(await wanted()).toEqual([]);
    expect(allowsEver(world)).toEqual([]);
  });

  it("is told before anything is taken away", async () => {
    await world.clock.run(openWindows(world.start(), vm));
    const record = world.activity.record;
    const wantedThen: number[] = [];
    world.activity.record = async (facts) => {
      if (facts.some(({ operation }) => operation === "access.revoke")) {
        wantedThen.push((await wanted()).length);
      }
      return record(facts);
    };

    await end();

    expect(wantedThen).toEqual([2]);
  });
});
