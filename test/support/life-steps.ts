import fc from "fast-check";
import { editing } from "./customer-edits.ts";
import { faultKinds } from "./faults.ts";
import type { Person } from "./front-door.ts";

const fault = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc.record({
      at: fc.integer({ min: 1, max: 60 }),
      kind: fc.constantFrom(...faultKinds),
    }),
  },
);
/** Which request, of those that wait or are open as it fits, or of all. */
const which = fc.record({ place: fc.nat(4), isOfAll: fc.constantFrom(false, false, false, true) });
const source = fc.constantFrom("203.0.113.7", "203.0.113.8");
/** The one whose request it is, or somebody. */
const byRequestor = fc.constantFrom("requestor" as const, "requestor" as const, "dan" as const);

const asking = fc.record({
  kind: fc.constant("ask" as const),
  as: fc.constantFrom<Person[]>("alice", "dan"),
  vm: fc.constantFrom("web-1", "web-2"),
  isNamedEnd: fc.boolean(),
  isBreakGlass: fc.constantFrom(false, false, false, true),
  source,
  seconds: fc.integer({ min: 60, max: 7_200 }),
  fault,
});
const answering = fc.record({
  kind: fc.constantFrom(
    "approve" as const,
    "approve" as const,
    "approve" as const,
    "deny" as const,
  ),
  as: fc.constantFrom<Person[]>("bob", "bob", "rita", "alice"),
  which,
  fault,
});
const ending = fc.record({
  kind: fc.constant("revoke" as const),
  as: fc.oneof(byRequestor, fc.constant("olivia" as const)),
  which,
  fault,
});
const extending = fc.record({
  kind: fc.constant("extend" as const),
  as: byRequestor,
  which,
  seconds: fc.integer({ min: 3_600, max: 10_000 }),
  fault,
});
const moving = fc.record({
  kind: fc.constant("rebind" as const),
  as: byRequestor,
  which,
  source,
  fault,
});
const changing = fc.record({
  kind: fc.constant("account" as const),
  of: fc.constantFrom<Person[]>("alice", "bob", "rita"),
  change: fc.constantFrom("disable" as const, "enable" as const, "leave" as const, "join" as const),
});
const working = fc.record({
  kind: fc.constant("work" as const),
  seconds: fc.constantFrom(0, 0, 0, 30, 120, 1_300, 3_600),
  does: fc.constantFrom(
    "orchestrations" as const,
    "orchestrations" as const,
    "orchestrations" as const,
    "sweep" as const,
    "heal" as const,
  ),
  fault,
});

/** What people, their accounts, customers and orchestrations do; each step by a process that meets a fault at one of its calls, or none. */
export const lifeStep = fc.oneof(
  { weight: 4, arbitrary: asking },
  { weight: 3, arbitrary: answering },
  { weight: 1, arbitrary: ending },
  { weight: 2, arbitrary: extending },
  { weight: 2, arbitrary: moving },
  { weight: 1, arbitrary: changing },
  { weight: 1, arbitrary: editing },
  { weight: 7, arbitrary: working },
);
export type LifeStep = typeof lifeStep extends fc.Arbitrary<infer T> ? T : never;
