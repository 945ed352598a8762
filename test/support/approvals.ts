import type { AccessRequest, Requestor } from "../../src/access/request.ts";
import type { ApprovalRules, BreakGlassRules } from "../../src/policy/access-rules.ts";
import { anew } from "../../src/workflow/settle.ts";
import { afterNoon, alice, aWindow } from "./builders.ts";
import { nsgs, type Process, type World } from "./world.ts";

const person = (last: number): Requestor => ({
  ...alice,
  objectId: alice.objectId.replace(/1$/, String(last)),
  name: `person ${last}`,
});

/** Bob is named as an approver, Carol is one through a group, Dan is the second circle. */
export const [bob, carol, dan] = [person(2), person(3), person(4)] as const;

/** Whoever is in `approvers` may answer; requests of those in `trusted` are approved by a rule. */
export const groups = {
  approvers: "99999999-0000-4000-8000-000000000001",
  trusted: "99999999-0000-4000-8000-000000000002",
} as const;

/** One approval within an hour. */
export const approval: ApprovalRules = {
  approvalsNeeded: 1,
  approvers: { people: [bob], groups: [{ objectId: groups.approvers }] },
  answerWithin: "PT1H",
};

/** The same, and a rule that approves by itself. */
export const automatic: ApprovalRules = {
  ...approval,
  autoApproval: [{ groups: [{ objectId: groups.trusted }] }],
};

/** The same, and a second circle for another hour. */
export const escalating: ApprovalRules = {
  ...approval,
  escalation: { approvers: { people: [dan], groups: [] }, answerWithin: "PT1H" },
};

/** Alice may open in an emergency. */
export const breakGlass: BreakGlassRules = { people: [alice], reviewWithin: "P1D" };

/** What a request has that waits for one answer, for an hour. */
export const waits = { needed: 1, answerBy: afterNoon(3_600) } as const;

/** A request for an hour to which these have agreed. */
export const approvedBy = (...people: readonly Requestor[]): Partial<AccessRequest> => ({
  windows: [aWindow({ state: "approved", durationSeconds: 3_600 })],
  approval: waits,
  decisions: people.map((by) => ({
    id: `approve-${by.name}`,
    kind: "approve",
    by,
    at: afterNoon(0),
    isTold: true,
  })),
});

/** A process that asks as Azure and Graph often are: slow enough for others to bring every gate to its rules meanwhile. */
export function slowly(world: World, process = world.start()): Process {
  const others = world.start();
  const meanwhile = () =>
    Promise.all(Object.values(nsgs).map((gateId) => others.settle(gateId, anew)));
  return {
    ...process,
    rights: {
      async of(...asked) {
        await meanwhile();
        return process.rights.of(...asked);
      },
    },
    directory: {
      async isEnabled(...asked) {
        await meanwhile();
        return process.directory.isEnabled(...asked);
      },
      async groupsOf(...asked) {
        await meanwhile();
        return process.directory.groupsOf(...asked);
      },
    },
  };
}

/** Every allow rule that was ever written in a world, in order. */
export function allowsEver(world: World) {
  return world.network.writes
    .flatMap(({ changes }) => changes)
    .flatMap((change) =>
      change.kind === "put" && change.rule.access === "Allow" ? [change.rule] : [],
    );
}
