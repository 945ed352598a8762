import fc from "fast-check";
import { faultKinds } from "./faults.ts";
import type { FirewallStory } from "./firewall-story.ts";

const at = fc.integer({ min: 0, max: 60 * 60_000 });
const minutes = fc.integer({ min: 10, max: 60 });
const option = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

/** Windows behind firewalls, and what may happen to them. */
export const firewallStory: fc.Arbitrary<FirewallStory> = fc.record({
  kind: fc.constantFrom("classic" as const, "policy" as const),
  minutes,
  isCounting: fc.boolean(),
  extended: option(fc.record({ at, minutes })),
  others: fc.array(fc.record({ at, minutes }), { maxLength: 2 }),
  revokedAt: option(at),
  fault: option(
    fc.record({ at: fc.integer({ min: 1, max: 1_200 }), kind: fc.constantFrom(...faultKinds) }),
  ),
  disturbances: fc.array(
    fc.record({
      what: fc.constantFrom(
        "foreign update" as const,
        "failing update" as const,
        "edit" as const,
        "rewrite" as const,
      ),
      at,
    }),
    { maxLength: 3 },
  ),
  hasTimers: fc.boolean(),
});
