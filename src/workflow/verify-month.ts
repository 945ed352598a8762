import { type AnchoredHead, ChainCheck } from "../activity/chain-check.ts";
import { CopyCheck } from "../activity/copy-check.ts";
import { type Problem, problemKinds } from "../activity/problem.ts";
import type { ChainRow, Ledger } from "../activity/store.ts";
import type { Clock, Ids } from "../ports.ts";
import { compareCopies } from "./compare-copies.ts";

export interface VerifyMonthPorts {
  readonly clock: Pick<Clock, "now">;
  readonly ids: Pick<Ids, "digest">;
  readonly ledger: Ledger;
}

/** What was looked at, and what is wrong. */
export interface Verified {
  readonly chains: number;
  /** Each once, however many chains hold it. */
  readonly facts: number;
  /** The first of each chain. */
  readonly problems: readonly Problem[];
}

export interface VerifyOptions {
  /** What anchors say, by chain. */
  readonly anchored: ReadonlyMap<string, readonly AnchoredHead[]>;
  /** Looks only for what concerns the facts of this one, lower-case. @default all */
  readonly subscriptionId?: string | undefined;
  /** Asked now and then; once it is so, the work is given up. */
  readonly isLate?: (() => boolean) | undefined;
  /** Told now and then how many rows were looked at. */
  readonly onProgress?: ((rows: number) => void) | undefined;
}

/** NB. A fact may take so long from its own time until all chains have it, in milliseconds: its copies are compared only then. */
const youngMs = 120_000;

const rowsBetweenLooks = 1_000;

/**
 * Looks at every chain of a month: that each holds exactly what was written, and that all of them tell the same facts. Nothing when it
 * was given up. Memory holds hashes of one chain at a time, and a sum for each chain.
 */
export async function verifyMonth(
  ports: VerifyMonthPorts,
  month: string,
  options: VerifyOptions,
): Promise<Verified | undefined> {
  const walk = new MonthWalk(ports, options);
  let rows = 0;
  for await (const item of ports.ledger.rows(month)) {
    if ("head" in item) {
      (await walk.at(item.head.chain)).head(item.head);
    } else {
      walk.row(await walk.at(item.row.chain), item.row);
    }
    rows += 1;
    if (rows % rowsBetweenLooks === 0) {
      options.onProgress?.(rows);
      if (options.isLate?.() === true) {
        return undefined;
      }
    }
  }
  await walk.leave();
  return walk.end(month);
}

/** One pass over the chains of a month, and what it found. */
class MonthWalk {
  readonly #ports: VerifyMonthPorts;
  readonly #options: VerifyOptions;
  readonly #copies: CopyCheck;
  readonly #unseen: Set<string>;
  /** The first of each chain. */
  readonly #problems = new Map<string, Problem>();
  #check: ChainCheck | undefined;
  #chains = 0;
  #facts = 0;

  constructor(ports: VerifyMonthPorts, options: VerifyOptions) {
    this.#ports = ports;
    this.#options = options;
    const before = new Date(ports.clock.now().getTime() - youngMs);
    this.#copies = new CopyCheck(ports.ids.digest, before);
    this.#unseen = new Set(options.anchored.keys());
  }

  /** The chain that the next row is of. */
  async at(chain: string): Promise<ChainCheck> {
    if (this.#check?.chain === chain) {
      return this.#check;
    }
    await this.leave();
    this.#unseen.delete(chain);
    this.#check = new ChainCheck(chain, this.#ports.ids.digest, this.#options.anchored.get(chain));
    return this.#check;
  }

  row(check: ChainCheck, row: ChainRow): void {
    const placed = check.row(row);
    if (placed !== undefined) {
      this.#copies.add(row.chain, placed, row.text);
      const isCounted =
        row.chain === placed.places[0]?.chain && this.#isMeant(placed.fact.subscriptionId);
      this.#facts += isCounted ? 1 : 0;
    }
  }

  /** Ends the chain that was looked at last. */
  async leave(): Promise<void> {
    const check = this.#check;
    if (check !== undefined) {
      const now = check.isBeyondHead ? await this.#ports.ledger.head(check.chain) : undefined;
      const { problem, subscriptions } = check.end(now);
      this.#note(problem && this.#ofWhom(problem, subscriptions));
      this.#chains += [...subscriptions].some((each) => this.#isMeant(each)) ? 1 : 0;
      this.#check = undefined;
    }
  }

  async end(month: string): Promise<Verified> {
    for (const chain of this.#unseen) {
      const kind = "chainMissing";
      this.#note({ kind, chain, message: problemKinds[kind] });
    }
    for (const problem of await this.#compared(month)) {
      this.#note(problem);
    }
    const problems = [...this.#problems.values()].filter((problem) => this.#concerns(problem));
    return { chains: this.#chains, facts: this.#facts, problems };
  }

  /** NB. A chain that is not as it was written counts for nothing here: what it says would accuse all others. */
  async #compared(month: string): Promise<readonly Problem[]> {
    const distrusted = new Set(this.#problems.keys());
    const meant = this.#copies
      .differences()
      .filter(({ subscriptionId }) => this.#isMeant(subscriptionId));
    for (const { chain, subscriptionId } of meant) {
      const problem = this.#problems.get(chain);
      if (problem !== undefined) {
        // What lies there no more was of this subscription, whatever else is wrong there.
        const about = this.#concerns(problem) ? problem : { ...problem, subscriptionId: undefined };
        this.#problems.set(chain, this.#ofWhom(about, new Set([subscriptionId])));
      }
    }
    const differences = meant.filter(({ chain }) => !distrusted.has(chain));
    return compareCopies(this.#ports, { month, differences, distrusted });
  }

  #note(problem: Problem | undefined): void {
    if (problem !== undefined && !this.#problems.has(problem.chain)) {
      this.#problems.set(problem.chain, problem);
    }
  }

  /**
   * NB. A chain that cannot be trusted is compared with nothing. Where facts of this subscription lie in it, its readers learn that much;
   * number and time may be those of a fact of another.
   */
  #ofWhom(problem: Problem, subscriptions: ReadonlySet<string>): Problem {
    const { subscriptionId: meant } = this.#options;
    const { kind, chain, message } = problem;
    return problem.subscriptionId === undefined && meant !== undefined && subscriptions.has(meant)
      ? { kind, chain, message, subscriptionId: meant }
      : problem;
  }

  #isMeant(subscriptionId: string): boolean {
    const { subscriptionId: meant } = this.#options;
    return meant === undefined || subscriptionId.toLowerCase() === meant;
  }

  /** NB. What is wrong with facts of other subscriptions, or of whose facts is not known, is not told to readers of this one. */
  #concerns({ subscriptionId, chain }: Problem): boolean {
    const { subscriptionId: meant } = this.#options;
    return (
      meant === undefined ||
      subscriptionId === meant ||
      (subscriptionId === undefined && chain.includes(`/subscription|${meant}|`))
    );
  }
}
