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
});
