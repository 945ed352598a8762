import { setTimeout as pauseFor } from "node:timers/promises";
import type { User } from "./user.ts";

/** A number from 0 up to 1; the same seed gives the same row of numbers. */
export type Random = () => number;

/** A linear congruential generator with the constants of Numerical Recipes: even enough to pick moments and doors. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Somebody who asks again and again, always from the same address: often for a door that is still open to them. */
export interface Asker {
  readonly person: string;
  readonly source: string;
  readonly vms: readonly string[];
}

/** A request that was answered 202. */
export interface Granted {
  readonly vmId: string;
  readonly startTimeUtc: string;
}

export interface LoadOptions {
  readonly user: User;
  readonly policy: string;
  readonly askers: readonly Asker[];
  /** Each of them has chances of their own, so that nobody's pace changes what the others do. */
  readonly seed: number;
  /** How long windows last, from and to. */
  readonly seconds: readonly [number, number];
}

/** People asking for windows, whether anybody answers or not. */
export class Load {
  readonly granted: Granted[] = [];
  /** Answers that came but were no 202. */
  readonly refused: string[] = [];
  /** How often there was nobody to answer, or only half an answer. */
  cutOff = 0;
  readonly #options: LoadOptions;
  readonly #askers: readonly { readonly asker: Asker; readonly random: Random }[];
  #isOn = false;
  #working: Promise<unknown> = Promise.resolve();

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#askers = options.askers.map((asker, index) => ({
      asker,
      random: randomFrom(options.seed + index),
    }));
  }

  start(): void {
    this.#isOn = true;
    this.#working = Promise.all(
      this.#askers.map(({ asker, random }) => this.#askOn(asker, random)),
    );
  }

  /** Resolves when nobody asks any more. */
  async stop(): Promise<void> {
    this.#isOn = false;
    await this.#working;
  }

  async #askOn(asker: Asker, random: Random): Promise<void> {
    while (this.#isOn) {
      await this.#askOnce(asker, random).catch(() => {
        this.cutOff += 1;
      });
      await pauseFor(100 + random() * 700);
    }
  }

  async #askOnce({ person, source, vms }: Asker, random: Random): Promise<void> {
    const { user, policy, seconds } = this.#options;
    const [from, to] = seconds;
    const vm = vms[Math.floor(random() * vms.length)] ?? "";
    const lasts = Math.round(from + random() * (to - from));
    // Half of them name their end: what their rules tell is then the very end that counts.
    const end = new Date(Date.now() + lasts * 1_000);
    const { status, body, text } = await (random() < 0.5
      ? user.ask(person, policy, vm, lasts, source)
      : user.askUntil(person, policy, vm, end, source));
    if (status === 202) {
      const { startTimeUtc } = body;
      this.granted.push({ vmId: body.virtualMachines[0].id, startTimeUtc });
    } else if (status === 503 && text === "") {
      // The host is starting: nobody has looked at the request yet.
      this.cutOff += 1;
    } else {
      this.refused.push(`${status} ${text}`);
    }
  }
}
