import type { Fact } from "../../src/activity/fact.ts";
import { createDice, createRanking, type Dice } from "./dice.ts";
import type { AuditedEstate } from "./estate.ts";
import {
  approved,
  approvedByRule,
  endedEarly,
  longestStoryMs,
  refused,
  repaired,
  type Scene,
  unanswered,
} from "./stories.ts";

/** A month of the history: when it begins, when the next does, and how many facts it has. */
export interface Month {
  /** `2026-11`. */
  readonly name: string;
  readonly from: Date;
  readonly to: Date;
  readonly facts: number;
}

/** The months that hold so many facts, oldest first; the newest is the last whole one before that moment. */
export function monthsOf(facts: number, perMonth: number, now: Date): readonly Month[] {
  const count = Math.ceil(facts / perMonth);
  return Array.from({ length: count }, (_, index) => {
    const ago = count - index;
    const start = (back: number) =>
      new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1));
    const from = start(ago);
    return {
      name: from.toISOString().slice(0, 7),
      from,
      to: start(ago - 1),
      // What does not fill a month is its oldest.
      facts: index === 0 ? facts - (count - 1) * perMonth : perMonth,
    };
  });
}

/** How often each story is told, of a hundred. */
const shares = [
  [approved, 45],
  [approvedByRule, 25],
  [endedEarly, 10],
  [unanswered, 5],
  [refused, 10],
  [repaired, 5],
] as const;

const justifications = [
  "Restart of the nightly import, which hangs since 02:10",
  "Patch of OpenSSL after the security bulletin, change CHG-20441",
  "Customer cannot log in; looking at the service's log files",
  "Disk is nearly full: moving old backups away",
  "Rollout of release 4.2 – the pipeline's agent is down",
] as const;

/** A month's facts in the order of their times: whole stories, the same for the same seed. */
export function factsOf(estate: AuditedEstate, month: Month, seed: number): readonly Fact[] {
  // By the month's own name: it is the same in a long history and in a short one.
  const number = month.from.getUTCFullYear() * 12 + month.from.getUTCMonth();
  const dice = createDice(seed * 100_000 + number);
  const [vm, requestor] = [createRanking(estate.vms), createRanking(estate.people)];
  const facts: Fact[] = [];
  while (facts.length < month.facts) {
    const scene = {
      ...sceneAt(timeIn(month, dice), dice),
      vm: vm(dice),
      requestor: requestor(dice),
      approver: dice.one(estate.approvers),
    };
    const told = storyBy(dice)(scene);
    // The last places are taken by stories of one fact, so that every story is whole.
    facts.push(...(facts.length + told.length > month.facts ? refused(scene) : told));
  }
  return facts.toSorted((one, other) => (one.at < other.at ? -1 : 1));
}

function storyBy(dice: Dice) {
  let thrown = dice.next() * 100;
  for (const [story, share] of shares) {
    thrown -= share;
    if (thrown < 0) {
      return story;
    }
  }
  return refused;
}

function sceneAt(at: Date, dice: Dice): Omit<Scene, "vm" | "requestor" | "approver"> {
  return {
    at,
    requestId: dice.guid(),
    callId: dice.guid(),
    port: dice.chance(0.7) ? 22 : 3389,
    // RFC 2544's addresses for benchmarks.
    source: `198.18.${dice.below(250)}.${dice.below(250) + 1}`,
    justification: dice.one(justifications),
    minutes: dice.one([15, 30, 60, 120, 180]),
  };
}

/** Mostly on working days, mostly in working hours. */
function timeIn(month: Month, dice: Dice): Date {
  const length = month.to.getTime() - longestStoryMs - month.from.getTime();
  for (;;) {
    const at = new Date(month.from.getTime() + Math.floor(dice.next() * length));
    const isWorking = at.getUTCDay() % 6 !== 0 && at.getUTCHours() >= 7 && at.getUTCHours() < 18;
    if (isWorking || dice.chance(0.08)) {
      return at;
    }
  }
}
