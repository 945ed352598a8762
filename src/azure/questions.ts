import type { Clock } from "../ports.ts";
import { ArmError } from "./azure-error.ts";
import { createBoundedMap } from "./bounded-map.ts";

/** An answer with the moment it was asked for, in milliseconds: that is when its age begins. */
export interface Answered<T> {
  readonly answer: T;
  readonly askedAt: number;
}

/** A place in the order in which questions were asked; finer than any clock. */
export type Moment = number;

/** Answers to one kind of question. Concurrent questions share one call; failures are not kept. */
export interface Answers<T> {
  /** The kept answer, the one under way, or a new one. With `since`, none that was asked before that moment. */
  get(key: string, load: () => Promise<T>, since?: Moment): Promise<Answered<T>>;
  /** As `get`, but nothing where it would have to ask. */
  peek(key: string, since?: Moment): Promise<Answered<T>> | undefined;
  forget(key: string): void;
}

/** Several kinds of questions with one order and one limit of age. */
export interface Questions {
  /** Whatever is asked from now on comes after this moment. */
  moment(): Moment;
  /** Room for the answers to so many questions; those not used for longest are forgotten. */
  answers<T>(size: number): Answers<T>;
  /** What `ask` finds, if that is not too old by then: else it is asked once more. Throws an `ArmError` when that took too long too. */
  young<T>(ask: () => Promise<Answered<T>>): Promise<T>;
}

interface Entry<T> {
  readonly answered: Promise<Answered<T>>;
  readonly askedAt: number;
  readonly order: number;
}

/** NB. `keptMs` is how long a right may outlive its removal: an answer's age counts from when it was asked for, not from when it came. */
export function createQuestions({
  clock,
  keptMs,
}: {
  readonly clock: Clock;
  readonly keptMs: number;
}): Questions {
  let asked = 0;
  const isYoung = (askedAt: number): boolean => {
    const age = clock.now().getTime() - askedAt;
    // A clock that was set back tells no age.
    return age >= 0 && age < keptMs;
  };
  return {
    moment: () => asked,
    async young(ask) {
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        const { answer, askedAt } = await ask();
        if (isYoung(askedAt)) {
          return answer;
        }
      }
      throw new ArmError("Answers from Azure came when they were too old to be used.", {
        code: "ETIMEDOUT",
      });
    },
    answers<T>(size: number): Answers<T> {
      const entries = createBoundedMap<Entry<T>>(size);
      const peek = (key: string, since: Moment = 0) => {
        const kept = entries.get(key);
        return kept !== undefined && kept.order > since && isYoung(kept.askedAt)
          ? kept.answered
          : undefined;
      };
      return {
        peek,
        get(key, load, since) {
          const kept = peek(key, since);
          if (kept !== undefined) {
            return kept;
          }
          asked += 1;
          const askedAt = clock.now().getTime();
          const answered = load().then((answer) => ({ answer, askedAt }));
          const entry = { answered, askedAt, order: asked };
          entries.set(key, entry);
          answered.catch(() => entries.forget(key, entry));
          return answered;
        },
        forget(key) {
          const kept = entries.get(key);
          if (kept !== undefined) {
            entries.forget(key, kept);
          }
        },
      };
    },
  };
}

/** The oldest of several answers is how old they are together. */
export function oldest(...answers: readonly Answered<unknown>[]): number {
  return Math.min(...answers.map(({ askedAt }) => askedAt));
}
