import { describe, expect, it } from "@jest/globals";
import { subscriptionId, vmId } from "../support/builders.ts";
import { createFrontDoor, paths, people } from "../support/front-door.ts";
import { createWorld } from "../support/world.ts";

const numbered = (index: number) =>
  subscriptionId.replace(/^.{8}/, index.toString(16).padStart(8, "0"));

describe("refusals of one who names subscriptions that are none of theirs", () => {
  it("are facts all of them, but no endless number of histories: anchors go through each", async () => {
    const world = createWorld();
    const door = createFrontDoor(world);
    const write = (index: number, as: "eve" | "bob") =>
      door.call("PUT", paths.policy().replace(subscriptionId, numbered(index)), {
        as,
        body: {
          kind: "Basic",
          properties: {
            virtualMachines: [{ id: vmId().replace(subscriptionId, numbered(index)), ports: [] }],
          },
        },
      });
    for (let index = 1; index <= 60; index += 1) {
      await write(index, "eve");
    }
    await write(61, "bob");

    const months = await world.ledger.months();
    const subscriptions = await Promise.all(
      months.map((month) => world.ledger.subscriptions(month)),
    );
    const facts = await world.activity.list({
      of: { person: people.eve },
      from: new Date(0),
      to: world.clock.now(),
      top: 1_000,
    });

    expect(new Set(subscriptions.flat())).toEqual(
      new Set([
        subscriptionId,
        numbered(61),
        ...Array.from({ length: 20 }, (_, index) => numbered(index + 1)),
      ]),
    );
    expect(facts.items).toHaveLength(60);
  });
});
