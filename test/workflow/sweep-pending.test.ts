import { beforeEach, describe, expect, it } from "@jest/globals";
import { pendingFor } from "../../src/access/approval.ts";
import { requestState } from "../../src/access/life.ts";
import type { AccessRequest } from "../../src/access/request.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { approval, bob, carol, escalating, groups, waits } from "../support/approvals.ts";
import {
  afterNoon,
  alice,
  anAccessRequest,
  aWindow,
  noon,
  requestId,
} from "../support/builders.ts";
import { createWorld, type World } from "../support/world.ts";

const anHour = aWindow({ durationSeconds: 3_600 });
const pending = (values: Partial<AccessRequest> = {}): AccessRequest =>
  pendingFor(anAccessRequest({ windows: [anHour], ...values }), waits);
describe("the sweep of requests that wait for an answer", () => {
  let world: World;

  beforeEach(() => {
    world = createWorld();
    world.directory.join(groups.approvers, carol);
  });

  const run = (ports = world.start()) => world.clock.run(sweep(ports));
  const at = (seconds: number) =>
    world.clock.advance(noon.getTime() + seconds * 1_000 - world.clock.now().getTime());
  const stored = async () => (await world.requests.get(requestId)) ?? anAccessRequest();
  const state = async () => requestState(await stored());
  const factsOf = async (operation: string) =>
    (await world.facts()).filter((fact) => fact.operation === operation);

  it("lets those expire that nobody answered, and tells it once", async () => {
    await world.protect({ accessRules: { approval } });
    await world.request(pending({ windows: [anHour, { ...anHour, id: "other", port: 3389 }] }));

    await at(3_599);
    await run();
    const before = await state();
    await at(3_600);
    await run();
    await run();

    expect([before, await state()]).toEqual(["pending approval", "expired unanswered"]);
    const told = await factsOf("access.expire");
    expect(told.map(({ at: moment, actor }) => [moment, actor])).toEqual([
      [afterNoon(3_600), undefined],
      [afterNoon(3_600), undefined],
    ]);
    expect(await world.requests.live()).toEqual([]);
    expect(world.started).toEqual([]);
  });

  it("puts them to the second circle where there is one, and lets them expire after that", async () => {
    await world.protect({ accessRules: { approval: escalating } });
    await world.request(pending());

    await at(3_700);
    await run();
    const escalated = await stored();
    await at(7_199);
    await run();
    const last = await state();
    await at(7_200);
    await run();

    expect(escalated.approval).toEqual({
      needed: 1,
      isEscalated: true,
      answerBy: afterNoon(7_200),
    });
    expect(escalated.decisions).toEqual([
      {
        id: `${requestId}-escalate`,
        kind: "escalate",
        at: afterNoon(3_600),
        awaits: { answerBy: afterNoon(7_200), approvers: expect.arrayContaining(["person 4"]) },
        isTold: true,
      },
    ]);
    expect(await factsOf("access.escalate")).toHaveLength(1);
    expect([last, await state()]).toEqual(["pending approval", "expired unanswered"]);
  });

  it("tells in the first minutes that they were asked for, as whoever stored them may not have", async () => {
    await world.protect({ accessRules: { approval } });
    await world.request(pending());

    await at(4);
    await run();
    const before = await factsOf("access.initiate");
    await at(5);
    await run();
    await at(120);
    await run();

    expect(before).toEqual([]);
    expect(await factsOf("access.initiate")).toEqual([
      expect.objectContaining({
        at: afterNoon(0),
        outcome: "asked",
        actor: alice,
        awaits: {
          approvals: 1,
          answerBy: afterNoon(3_600),
          approvers: [bob.name, `group ${groups.approvers}`],
        },
      }),
    ]);
  });

  it("starts none of them", async () => {
    await world.protect({ accessRules: { approval } });
    await world.request(pending());
    await at(1_800);

    await run();

    expect(world.started).toEqual([]);
    expect(await state()).toBe("pending approval");
  });
});
