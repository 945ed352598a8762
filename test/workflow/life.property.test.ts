import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { agreed } from "../../src/access/approval.ts";
import { isOver, isReviewDue } from "../../src/access/life.ts";
import { type AccessRequest, isSamePerson } from "../../src/access/request.ts";
import type { AccessRules } from "../../src/policy/access-rules.ts";
import { healEveryGate } from "../../src/workflow/heal.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { allowsEver } from "../support/approvals.ts";
import { aPolicy } from "../support/builders.ts";
import { people } from "../support/front-door.ts";
import { type LifeStep, lifeStep } from "../support/life-steps.ts";
import { approvers, endedWindows, live, newEngine, requestsOf } from "../support/life-story.ts";
import { propertyRuns } from "../support/property-runs.ts";
import { bothWebVms, createWorld, nsgs, type World } from "../support/world.ts";

const gates = Object.values(nsgs);
const accessRules: AccessRules = {
  approval: {
    approvalsNeeded: 1,
    approvers: { people: [], groups: [{ objectId: approvers }] },
    answerWithin: "PT1H",
    escalation: { approvers: { people: [people.rita], groups: [] }, answerWithin: "PT30M" },
  },
  breakGlass: { people: [people.dan], reviewWithin: "P1D" },
};

async function aWorld(needsApproval: boolean): Promise<World> {
  const world = createWorld();
  world.directory.join(approvers, people.bob, people.rita);
  await world.protect({
    virtualMachines: bothWebVms,
    ...(needsApproval ? { accessRules } : {}),
  });
  return world;
}

/** What is wrong with rules that were written in a step, in words. `ended` were not to be opened any more when it began. */
async function faultsOfRules(
  world: World,
  written: readonly { readonly name: string }[],
  ended: ReadonlySet<string>,
  needsApproval: boolean,
): Promise<readonly string[]> {
  const requests = await requestsOf(world);
  return written.flatMap(({ name }) => {
    const request = requests.find(({ windows }) => windows.some(({ id }) => name.includes(id)));
    const windowId = request?.windows.find(({ id }) => name.includes(id))?.id ?? "";
    const claims: Readonly<Record<string, boolean>> = {
      "nobody asked for it": request !== undefined,
      "it had ended": !ended.has(windowId),
      "nobody agreed": request === undefined || mayOpen(request, needsApproval),
    };
    return Object.keys(claims)
      .filter((claim) => claims[claim] === false)
      .map((claim) => `${name}: ${claim}`);
  });
}

function mayOpen(request: AccessRequest, needsApproval: boolean): boolean {
  const { decisions = [] } = request;
  const others = agreed(request).filter((person) => !isSamePerson(person, request.requestor));
  const isRefused = decisions.some(({ kind }) => kind === "deny" || kind === "expire");
  return !isRefused && (!needsApproval || request.isBreakGlass === true || others.length > 0);
}

/** What is wrong when everything is over, in words. */
async function faultsAtEnd(world: World): Promise<readonly string[]> {
  const [requests, facts, live] = await Promise.all([
    requestsOf(world),
    world.facts(),
    world.requests.live(),
  ]);
  const everOpen = new Set(allowsEver(world).map(({ name }) => name));
  const told = (windowId: string, operation: string, outcome: string) =>
    facts.filter(
      (fact) =>
        fact.windowId === windowId && fact.operation === operation && fact.outcome === outcome,
    ).length;
  const asked = ["access.initiate", "access.extend", "access.rebind"];
  return requests.flatMap((request) =>
    request.windows.flatMap((window) => {
      const { id, state } = window;
      const wasOpen = window.openedAt !== undefined;
      const hadRule = [...everOpen].some((name) => name.includes(id));
      const claims: Readonly<Record<string, boolean>> = {
        [`it is ${state}`]: isOver(window),
        "it had a rule and left no trace":
          !hadRule || asked.some((operation) => told(id, operation, "asked") === 1),
        "it was open and is not told": !wasOpen || told(id, "access.open", "done") === 1,
        "it was not open and is told": wasOpen || told(id, "access.open", "done") === 0,
        "its closing is not told": !wasOpen || told(id, "access.close", "done") === 1,
        "it is told as closed twice": told(id, "access.close", "done") <= 1,
        "a decision is not told": (request.decisions ?? []).every(({ isTold }) => isTold === true),
        "somebody still looks after it":
          isReviewDue(request) || live.every((one) => one.id !== request.id),
      };
      return Object.keys(claims)
        .filter((claim) => claims[claim] === false)
        .map((claim) => `${id}: ${claim}`);
    }),
  );
}

/** A step, and whether it is taken at the same moment as the one before. */
const moment = fc.record({ step: lifeStep, isAtOnce: fc.constantFrom(false, false, true) });
type Moment = typeof moment extends fc.Arbitrary<infer T> ? T : never;

/** The steps of each moment. What a customer edits has a moment of its own: what becomes of the rules is compared. */
function atOnce(moments: readonly Moment[]): readonly (readonly LifeStep[])[] {
  const groups: LifeStep[][] = [];
  for (const { step, isAtOnce } of moments) {
    const last = groups.at(-1) ?? [];
    const isAlone = [step, ...last].some(({ kind }) => kind === "edit");
    if (last.length === 0 || isAlone || !isAtOnce) {
      groups.push([step]);
    } else {
      last.push(step);
    }
  }
  return groups;
}

/** Lives the steps; throws where a rule was written that had no right to be, or a customer's was touched. */
async function tell(world: World, moments: readonly Moment[], needsApproval: boolean) {
  const engine = newEngine();
  for (const [index, steps] of atOnce(moments).entries()) {
    const isEdit = steps.some(({ kind }) => kind === "edit");
    const before = isEdit ? undefined : world.customers();
    const ended = endedWindows(await requestsOf(world));
    const { length } = allowsEver(world);

    await Promise.all(steps.map((step) => live(world, engine, step, index)));

    const written = allowsEver(world).slice(length);
    expect(await faultsOfRules(world, written, ended, needsApproval)).toEqual([]);
    expect(before ?? world.customers()).toBe(world.customers());
  }
}

/** For ten thousand stories; a few hundred take seconds. */
const longEnough = 1_800_000;

describe("whoever asks, answers, ends, extends and moves, and whatever dies or fails meanwhile", () => {
  it(
    "nothing opens that nobody agreed to or somebody ended, every request ends, and is told as it was",
    async () => {
      const steps = fc.array(moment, { minLength: 1, maxLength: 20, size: "max" });
      await fc.assert(
        fc.asyncProperty(steps, fc.boolean(), async (story, needsApproval) => {
          const world = await aWorld(needsApproval);
          await tell(world, story, needsApproval);

          // Nobody is left but the sweep: what waits expires, what is open ends.
          for (const hours of [1, 1, 1, 1]) {
            await world.clock.advance(hours * 3_600_000);
            await world.clock.run(sweep(world.start()));
          }
          await world.clock.run(healEveryGate(world.start()));

          const left = gates.flatMap((gate) => world.ours(gate));
          expect(left.map(({ access }) => access)).toEqual(["Deny", "Deny", "Deny"]);
          expect(await faultsAtEnd(world)).toEqual([]);
          expect(await world.gates.overdue(world.clock.now())).toEqual([]);
          expect(await world.gates.unsettled(world.clock.now())).toEqual([]);
          expect((await world.policies.get(aPolicy().id))?.value.state).toBe("settled");
          expect(world.writeWrongs).toEqual([]);
          expect(world.unansweredWrites()).toEqual([]);
        }),
        propertyRuns,
      );
    },
    longEnough,
  );
});
