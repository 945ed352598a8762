import { beforeEach, describe, expect, it } from "@jest/globals";
import { openWindows } from "../../src/workflow/open-windows.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { vmId } from "../support/builders.ts";
import { createFrontDoor, type Person, paths, people } from "../support/front-door.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const ref = (person: Person) => ({ objectId: people[person].objectId, name: person });
const approval = {
  approvalsNeeded: 1,
  approvers: { people: [ref("rita"), ref("bob")] },
  answerWithin: "PT1H",
};

describe("somebody who wants more than was agreed to", () => {
  let world: World;
  let door: ReturnType<typeof createFrontDoor>;

  beforeEach(() => {
    world = createWorld();
    door = createFrontDoor(world);
  });

  const protect = (accessRules?: object, more: object = {}) =>
    door.call("PUT", paths.policy(), {
      body: {
        properties: {
          virtualMachines: bothWebVms.map(({ id, ports }) => ({
            id,
            ports: ports.map((port) => ({ ...port, ...more })),
          })),
          ...(accessRules === undefined ? {} : { accessRules }),
        },
      },
    });
  const ask = (more: object = {}, headers = {}) => {
    const ports = [
      { number: 22, duration: "PT1H", allowedSourceAddressPrefix: "203.0.113.7", ...more },
    ];
    const body = { virtualMachines: [{ id: vmId("web-1"), ports }] };
    return door.call("POST", paths.initiate(), { as: "alice", body, headers });
  };
  const act = (id: string, verb: string, as: Person, body: object = {}) =>
    door.call("POST", paths.request(id, verb), { as, body });
  const allows = () =>
    [nsgs.subnet, nsgs.card].flatMap((gate) =>
      world.ours(gate).filter((rule) => rule.access === "Allow"),
    );

  it("gets no rule while nobody can tell whether the approver still is one, whoever settles the gate meanwhile", async () => {
    await protect({ approval });
    const { id } = (await ask()).json;
    await act(id, "approve", "bob");
    const down = new Error("Graph does not answer");
    world.directory.failNext(down, down, down, down);

    const opening = openWindows(
      { ...world.start(), rights: door.rights },
      { requestId: id, vmIndex: 0 },
    );
    await expect(world.clock.run(opening)).rejects.toThrow("Graph");
    await world.clock.run(sweep(world.start()));

    expect(allows()).toEqual([]);
  });

  it("gets no longer window by a process that dies between proving it open and telling it", async () => {
    await protect();
    const { id } = (await ask()).json;
    const process = { ...world.start(), rights: door.rights };
    const requests = {
      ...process.requests,
      // The end is stored, then the process dies: this is the last that anybody hears of it.
      change: async (...args: Parameters<typeof process.requests.change>) => {
        const changed = await world.requests.change(...args);
        return changed?.windows.some(({ openedAt }) => openedAt !== undefined)
          ? new Promise<never>(() => undefined)
          : changed;
      },
    };
    void openWindows({ ...process, requests }, { requestId: id, vmIndex: 0 });
    await world.clock.advance(1_000);
    const [before] = await world.windows(id);

    await world.clock.advance(600_000);
    await door.work();

    const [after] = await world.windows(id);
    expect(before).toMatchObject({ state: "opening", openedAt: expect.anything() });
    expect(after).toMatchObject({
      state: "open",
      openedAt: before?.openedAt,
      closesAt: before?.closesAt,
    });
    const [opened] = (await world.facts()).filter(
      ({ operation, outcome }) => operation === "access.open" && outcome === "done",
    );
    expect(opened?.closesAt).toBe(after?.closesAt);
  });
});
