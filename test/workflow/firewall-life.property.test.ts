import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { firewallStory } from "../support/firewall-stories.ts";
import { tellFirewallStory } from "../support/firewall-story.ts";
import { faultsOf } from "../support/firewall-verdict.ts";

/** Each story is hours of virtual time, looked at every few seconds: fewer of them than of others. */
const runs = { numRuns: Math.ceil(Number(process.env["PROPERTY_RUNS"] ?? 300) / 20) };

/** For thousands of stories; the few of every day take seconds. */
const longEnough = 3_600_000;

describe("a window behind a firewall, whatever dies, fails, is edited, extended or ended meanwhile", () => {
  it(
    "is shut in time, told as it was, and leaves the customer's rules as they are",
    async () => {
      await fc.assert(
        fc.asyncProperty(firewallStory, async (story) => {
          const told = await tellFirewallStory(story);

          expect(await faultsOf(story, told)).toEqual([]);
        }),
        runs,
      );
    },
    longEnough,
  );
});
