import { namesOf } from "../../support/generated-estate.ts";
import type { FaultCase } from "./fault-cases.ts";
import type { Groups, Look, ToldPort } from "./fault-watch.ts";
import { windowsOf } from "./life-calls.ts";

/** One case and what has been seen of it: what was told, and what stood at that moment. */
export class Followed {
  readonly case: FaultCase;
  readonly #gates: readonly string[];
  readonly #originals: readonly string[];
  readonly #lies = new Set<string>();
  #told: readonly ToldPort[] = [];
  #isLeft = false;
  #isRestored = true;
  #wasOpen = false;
  #overdueMs = 0;
  #overAt: number | undefined;

  constructor(one: FaultCase, groups: Groups) {
    const { cardGate, subnetGate } = namesOf(one.vm);
    this.case = one;
    this.#gates = [cardGate, subnetGate];
    this.#originals = this.#gates.map((gate) => groups.text(gate));
  }

  /** Compares what is told with what stood just before and just after. */
  see({ before, after, portsOf }: Look): void {
    this.#told = portsOf(namesOf(this.case.vm).vm);
    this.#isLeft = this.#gates.some((gate) => after.allow(gate).all > 0);
    this.#isRestored = this.#gates.every((gate, at) => after.text(gate) === this.#originals[at]);
    const stands = (groups: Groups) =>
      this.#gates.every((gate) => groups.allow(gate).inForce === windowsOf[this.case.shape]);
    const stood = stands(before) || stands(after);
    const isOpenTime = after.at < this.closesAt;
    if (this.#isToldSome("Initiated") && isOpenTime && !stood) {
      this.#lies.add("told Initiated before its end while its rules did not stand");
    }
    if (this.#isToldSome("Revoked") && this.#isLeft) {
      this.#lies.add("told Revoked while a rule was left");
    }
    this.#wasOpen ||= this.#isToldSome("Initiated") && isOpenTime && stood;
    if (this.#isLeft && !isOpenTime) {
      this.#overdueMs = Math.max(this.#overdueMs, after.at - this.closesAt);
    }
    if (this.isOver) {
      this.#overAt ??= after.at;
    }
  }

  /** The last end of its windows, in milliseconds since 1970. */
  get closesAt(): number {
    return Math.max(...this.#told.map(({ endTimeUtc }) => Date.parse(endTimeUtc)));
  }

  /** Told Revoked, and no rule of it left. */
  get isOver(): boolean {
    const isRevoked = this.#told.every(({ status }) => status === "Revoked");
    return this.#told.length > 0 && isRevoked && !this.#isLeft;
  }

  /** When it was first seen to be over, in milliseconds since 1970. */
  get overAt(): number | undefined {
    return this.#overAt;
  }

  /** Whether both groups are, byte for byte, what they were before the request. */
  get isRestored(): boolean {
    return this.#isRestored;
  }

  get statuses(): readonly string[] {
    return [...new Set(this.#told.map(({ status }) => status))];
  }

  /** Why it ended as it did: `Expired`, or `Failed` when it was never open. */
  get reasons(): readonly string[] {
    return [...new Set(this.#told.map(({ statusReason }) => statusReason))];
  }

  /** Whether it was told open while its rules stood. */
  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  /** What was told and was not so. */
  get lies(): readonly string[] {
    return [...this.#lies];
  }

  /** How long after its end a rule of it was last seen. */
  get overdueMs(): number {
    return this.#overdueMs;
  }

  #isToldSome(word: ToldPort["status"]): boolean {
    return this.#told.some(({ status }) => status === word);
  }
}
