import type { Fact } from "../activity/fact.ts";
import { type SignInProblem, signInFact } from "../activity/sign-in-facts.ts";
import type { ActivityStore } from "../activity/store.ts";
import type { Log } from "../log.ts";
import type { Clock, Ids } from "../ports.ts";
import { guarded } from "../workflow/serial.ts";
import { networkOf } from "./rate-limits.ts";

interface Ports {
  readonly clock: Pick<Clock, "now">;
  readonly ids: Pick<Ids, "next">;
  readonly log: Log;
  readonly activity: ActivityStore;
}

/** Tells the audit of callers who were not let in. Both never reject: no fault of storage changes what a stranger is answered. */
export interface SignInProblems {
  /** The first of an address and reason is a fact at once; further ones within ten minutes are counted. `callId` names the fact. */
  tell(problem: SignInProblem, callId: string): Promise<void>;
  /** Records what was counted, once its ten minutes are over, and what could not be recorded before. */
  flush(): Promise<void>;
}

/** So long alike ones are counted, in milliseconds. */
const countedFor = 600_000;

/** NB. Nobody may fill the audit: so many addresses and reasons are told apart at a time, all others are counted together. */
const mostApart = 1_000;

/** So many facts wait for a storage that does not answer; further ones are counted with all others. */
const mostOwed = 1_000;

/** Of more addresses than are told apart. */
const others: SignInProblem = {
  origin: {},
  reasons: [
    {
      code: "AuthenticationFailed",
      message: "Calls from more addresses than are told apart were not let in.",
    },
  ],
};

interface Counted {
  readonly problem: SignInProblem;
  readonly since: number;
  times: number;
  lastAt: Date;
}

/**
 * Counts in this process alone. NB. What is counted lies in memory for ten minutes: a process that ends before loses the number,
 * never the first of them; every call has its line in the log.
 */
export function createSignInProblems(ports: Ports, homeSubscriptionId: string): SignInProblems {
  const counts = new Map<string, Counted>();
  let owed: readonly Fact[] = [];

  function count(key: string, problem: SignInProblem, now: Date): Counted {
    const counted = counts.get(key) ?? { problem, since: now.getTime(), times: 0, lastAt: now };
    counts.set(key, counted);
    return counted;
  }

  const isOver = ({ since }: Counted, now: Date) => now.getTime() - since >= countedFor;

  /** Ends a counting: what came after the first is owed as one fact. */
  function end(key: string, { problem, times, lastAt }: Counted): void {
    counts.delete(key);
    if (times > 0) {
      const { callId: _, ...origin } = problem.origin;
      owe({ ...problem, origin, claimed: undefined }, ports.ids.next(), lastAt, times);
    }
  }

  function owe(problem: SignInProblem, id: string, at: Date, times?: number): void {
    owed = [...owed, signInFact(problem, { id, at, subscriptionId: homeSubscriptionId, times })];
  }

  /** Whether it is the first one of its key, which is told at once. */
  function isNew(key: string, problem: SignInProblem, now: Date): boolean {
    const known = counts.get(key);
    if (known !== undefined && isOver(known, now)) {
      end(key, known);
    }
    const isFirst = !counts.has(key);
    const isApart = !isFirst || (counts.size < mostApart && owed.length < mostOwed);
    const counted = isApart ? count(key, problem, now) : count("others", others, now);
    if (isFirst && isApart) {
      return true;
    }
    counted.times += 1;
    counted.lastAt = now;
    return false;
  }

  async function settle(): Promise<void> {
    await guarded(ports.log, "telling sign-in problems", async () => {
      const facts = owed;
      owed = [];
      try {
        if (facts.length > 0) {
          await ports.activity.record(facts);
        }
      } catch (error) {
        owed = [...facts, ...owed];
        throw error;
      }
    });
  }

  return {
    async tell(problem, callId) {
      const now = ports.clock.now();
      const [reason] = problem.reasons;
      const key = JSON.stringify([
        networkOf(problem.origin.address),
        reason?.code,
        reason?.message,
      ]);
      if (isNew(key, problem, now)) {
        owe(problem, callId, now);
        await settle();
      }
    },

    async flush() {
      const now = ports.clock.now();
      for (const [key, counted] of counts) {
        if (isOver(counted, now)) {
          end(key, counted);
        }
      }
      await settle();
    },
  };
}
