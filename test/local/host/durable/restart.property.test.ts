import { beforeEach, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createMemoryStore } from "../../../../local/host/durable/memory-store.ts";
import type { DurableStore } from "../../../../local/host/durable/store.ts";
import { aDurableWorld } from "./support/durable-world.ts";
import { dyingStore } from "./support/dying-store.ts";
import { propertyRuns } from "./support/runs.ts";
import { world } from "./support/stories.ts";
import { type StoryCase, storyCases } from "./support/story-cases.ts";

const DAY_MS = 86_400_000;
let effects: Set<string>;
let events: number;

beforeEach(() => {
  world.effect = async (key) => void effects.add(key);
});

/** Brings the story to its end, from wherever an earlier process left it. */
async function play(store: DurableStore, { story, input, event }: StoryCase) {
  const played = await aDurableWorld({ store });
  await played.start(story, "i1", input ?? {});
  for (let round = 0; round < 10; round++) {
    const { runtimeStatus, output } = await played.status("i1");
    if (runtimeStatus === "Completed") return output;
    // Each is another, so that an event taken twice would show.
    if (event) await played.raise("i1", event, ++events);
    else await played.clock.advanceBy(5 * DAY_MS);
  }
  throw new Error(`${story} is stuck: ${JSON.stringify(await played.status("i1"))}`);
}

const deaths = fc.array(fc.record({ afterCalls: fc.nat(30), lastCallIsDone: fc.boolean() }), {
  minLength: 1,
  maxLength: 4,
});

describe("an orchestration whose process dies between any two writes", () => {
  it.each(storyCases)("comes to its right end: $story", async (told) => {
    await fc.assert(
      fc.asyncProperty(deaths, async (ends) => {
        effects = new Set();
        events = 0;
        world.failures = new Map();
        const store = createMemoryStore();
        for (const end of ends) {
          const mortal = dyingStore(store, end);
          await Promise.race([play(mortal.store, told).catch(() => undefined), mortal.died]);
        }

        const output = await play(store, told);

        expect({ output, isRight: told.isRight(output, "i1") }).toMatchObject({ isRight: true });
        expect([...effects]).toEqual(
          expect.arrayContaining(told.does.map((effect) => `i1/${effect}`)),
        );
      }),
      { numRuns: propertyRuns(40) },
    );
  });
});
