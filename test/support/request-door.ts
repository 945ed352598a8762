import { sweep } from "../../src/workflow/sweep.ts";
import { vmId } from "./builders.ts";
import { createFrontDoor, type Person, paths, people } from "./front-door.ts";
import { bothWebVms, createWorld, nsgs } from "./world.ts";

/** Groups of the directory: Bob is in the first one. */
export const groups = {
  approvers: "99999999-0000-4000-8000-000000000001",
  second: "99999999-0000-4000-8000-000000000002",
} as const;

export const ref = (person: Person) => ({ objectId: people[person].objectId, name: person });

/** One answer, of Rita or of the group of approvers, within an hour. */
export const approval = {
  approvalsNeeded: 1,
  approvers: {
    people: [ref("rita")],
    groups: [{ objectId: groups.approvers, name: "approvers" }],
  },
  answerWithin: "PT1H",
};

/** The front door with what people do to requests there, in few words. */
export function createRequestDoor() {
  const world = createWorld();
  const door = createFrontDoor(world);
  world.directory.join(groups.approvers, people.bob);
  return {
    world,
    door,
    protect: (accessRules?: object) =>
      door.call("PUT", paths.policy(), {
        body: {
          properties: {
            virtualMachines: bothWebVms.map(({ id, ports }) => ({ id, ports })),
            ...(accessRules === undefined ? {} : { accessRules }),
          },
        },
      }),
    async ask(more: object = {}, as: Person = "alice", headers = {}) {
      const ports = [{ number: 22, duration: "PT1H", allowedSourceAddressPrefix: "203.0.113.7" }];
      const body = { virtualMachines: [{ id: vmId("web-1"), ports }], ...more };
      return door.call("POST", paths.initiate(), { as, body, headers });
    },
    act: (id: string, verb: string, as: Person, body: object = {}) =>
      door.call("POST", paths.request(id, verb), { as, body }),
    state: async (id: string): Promise<string> =>
      (await door.call("GET", paths.request(id))).json.state,
    allows: () => world.ours(nsgs.subnet).filter((rule) => rule.access === "Allow"),
    facts: async (operation: string) =>
      (await world.facts()).filter((fact) => fact.operation === operation),
    minutes: (count: number) => world.clock.advance(count * 60_000),
    sweep: () => world.clock.run(sweep(world.start())),
  };
}
