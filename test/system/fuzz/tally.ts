import type { Purpose } from "./fuzz-call.ts";

/** How many calls there were, and how they were answered. */
export class Tally {
  readonly #counts = new Map<string, Map<number, number>>();
  readonly #times: number[] = [];
  readonly #startedAt = performance.now();
  calls = 0;

  /** `status` is 0 where there was no answer. */
  count(purpose: Purpose, status: number, tookMs: number): void {
    this.calls += 1;
    const of = this.#counts.get(purpose) ?? new Map<number, number>();
    of.set(status, (of.get(status) ?? 0) + 1);
    this.#counts.set(purpose, of);
    this.#times.push(tookMs);
  }

  answered(purpose: Purpose, status: number): number {
    return this.#counts.get(purpose)?.get(status) ?? 0;
  }

  /** Calls a second since the beginning. */
  get perSecond(): number {
    return Math.round((this.calls * 1_000) / (performance.now() - this.#startedAt));
  }

  /** By purpose and status. */
  get table(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      [...this.#counts].map(([purpose, of]) => [
        purpose,
        [...of]
          .toSorted(([one], [other]) => one - other)
          .map(([status, count]) => `${status}: ${count}`)
          .join(", "),
      ]),
    );
  }

  /** Milliseconds that half of the answers, 95 in 100 and all of them took at most; of calls that went out together, all of these. */
  get times(): { readonly p50: number; readonly p95: number; readonly most: number } {
    const sorted = this.#times.toSorted((one, other) => one - other);
    const at = (part: number) => Math.round(sorted[Math.ceil(sorted.length * part) - 1] ?? 0);
    return { p50: at(0.5), p95: at(0.95), most: at(1) };
  }
}
