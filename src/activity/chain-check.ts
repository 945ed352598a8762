import type { Digest } from "../ports.ts";
import { chainHash, chainStart } from "./chain.ts";
import type { Fact } from "./fact.ts";
import { type FactPlace, placesOf } from "./places.ts";
import { type Problem, type ProblemKind, problemKinds } from "./problem.ts";
import type { ChainHead, ChainRow } from "./store.ts";

/** What an anchor says of a chain: the hash that it had at a number, and when that was written down. */
export interface AnchoredHead {
  readonly sequence: number;
  readonly hash: string;
  readonly at: string;
}

/** A chain that was looked at. */
export interface CheckedChain {
  /** The first problem, by its number in the chain. */
  readonly problem?: Problem | undefined;
  /** The subscriptions whose facts lie in it, lower-case. */
  readonly subscriptions: ReadonlySet<string>;
}

/** A fact, and all places at which it has to lie: the first with its subscription. */
export interface PlacedFact {
  readonly fact: Fact;
  readonly places: readonly FactPlace[];
}

/** The ends of a stretch of the chain that are not joined to their neighbours yet. */
interface OpenEnds {
  readonly hash: string;
  readonly previous: string;
}

/**
 * Looks at one chain, whose rows may come in any order. What is remembered of a row is its number, and its hashes until its neighbours
 * have come: rows that come newest first take next to nothing.
 */
export class ChainCheck {
  readonly chain: string;
  readonly #digest: Digest;
  readonly #anchored: readonly AnchoredHead[];
  readonly #seen = new Set<number>();
  readonly #open = new Map<number, OpenEnds>();
  readonly #subscriptions = new Set<string>();
  /** What stands at the numbers that head and anchors speak of. */
  readonly #hashes = new Map<number, string>();
  #head: ChainHead | undefined;
  #highest = 0;
  #problem: Problem | undefined;

  constructor(chain: string, digest: Digest, anchored: readonly AnchoredHead[] = []) {
    this.chain = chain;
    this.#digest = digest;
    this.#anchored = anchored;
  }

  head(head: ChainHead): void {
    this.#head = head;
  }

  /** Whether rows were written after the head was read: then {@link end} has to be told the head as it is now. */
  get isBeyondHead(): boolean {
    return this.#head !== undefined && this.#highest > this.#head.sequence;
  }

  /** Looks at a row; answers its fact where it is one that belongs into this chain. */
  row(row: ChainRow): PlacedFact | undefined {
    const fact = factOf(row.text);
    if (fact !== undefined) {
      this.#subscriptions.add(fact.subscriptionId.toLowerCase());
    }
    const { previous, sequence, text, hash } = row;
    const isNumber = Number.isSafeInteger(sequence) && sequence >= 1;
    if (
      fact === undefined ||
      !isNumber ||
      chainHash(this.#digest, previous, sequence, text) !== hash
    ) {
      this.#note("altered", isNumber ? sequence : undefined, fact);
    }
    if (isNumber) {
      this.#link(row, fact);
    }
    return fact === undefined ? undefined : this.#placed(row, fact);
  }

  /** What came out, once all rows were there. `now` is the head as it stands by then, for a chain that grew meanwhile. */
  end(now?: ChainHead): CheckedChain {
    this.#endAtHead(now);
    for (const { sequence, hash, at } of this.#anchored) {
      const found = this.#hashes.get(sequence);
      if (found !== undefined && found !== hash) {
        this.#note("anchorDiffers", sequence, undefined, ` The anchor was written at ${at}.`);
      } else if (sequence > Math.max(this.#head?.sequence ?? 0, now?.sequence ?? 0)) {
        this.#note("cut", sequence, undefined, ` The anchor was written at ${at}.`);
      }
    }
    return { problem: this.#told(), subscriptions: this.#subscriptions };
  }

  /** A problem of no fact in particular is the subscription's whose facts alone the chain holds. */
  #told(): Problem | undefined {
    const [only, ...others] = this.#subscriptions;
    return (
      this.#problem && {
        ...this.#problem,
        subscriptionId: this.#problem.subscriptionId ?? (others.length === 0 ? only : undefined),
      }
    );
  }

  #placed(row: ChainRow, fact: Fact): PlacedFact | undefined {
    const places = placesIn(fact, this.#digest);
    if (places === undefined) {
      this.#note("altered", row.sequence, fact);
      return undefined;
    }
    const own = places.find(({ chain }) => chain === this.chain);
    if (own?.rowKey !== row.rowKey) {
      this.#note("misplaced", row.sequence, fact);
    }
    return own === undefined ? undefined : { fact, places };
  }

  /** Joins the row to its neighbours, as far as they were there before it. */
  #link({ sequence, previous, hash }: ChainRow, fact: Fact | undefined): void {
    if (this.#seen.has(sequence)) {
      this.#note("double", sequence, fact);
      return;
    }
    this.#seen.add(sequence);
    this.#highest = Math.max(this.#highest, sequence);
    if (
      sequence === this.#head?.sequence ||
      this.#anchored.some((anchored) => anchored.sequence === sequence)
    ) {
      this.#hashes.set(sequence, hash);
    }
    const [before, after] = [this.#open.get(sequence - 1), this.#open.get(sequence + 1)];
    const expected = sequence === 1 ? chainStart(this.#digest, this.chain) : before?.hash;
    if (expected !== undefined && expected !== previous) {
      this.#note("reordered", sequence, fact);
    }
    if (after !== undefined && after.previous !== hash) {
      this.#note("reordered", sequence + 1);
    }
    this.#open.set(sequence, { hash, previous });
    this.#forgetInner(sequence);
  }

  /** Forgets the hashes of rows that have both neighbours. */
  #forgetInner(sequence: number): void {
    for (const inner of [sequence - 1, sequence, sequence + 1]) {
      const isFirst = inner === 1;
      if ((isFirst || this.#seen.has(inner - 1)) && this.#seen.has(inner + 1)) {
        this.#open.delete(inner);
      }
    }
  }

  /** NB. Rows beyond the head that was read before them are there only where a writer has moved the head since. */
  #endAtHead(now: ChainHead | undefined): void {
    const head = this.#head;
    if (head === undefined) {
      this.#note("headMissing", undefined);
      return;
    }
    const gap = this.#firstGap(head.sequence);
    if (gap !== undefined) {
      this.#note("missing", gap);
    }
    const last = this.#hashes.get(head.sequence);
    const isLast = head.sequence === 0 || last === undefined || last === head.hash;
    if (!isLast || this.#highest > Math.max(head.sequence, now?.sequence ?? 0)) {
      this.#note("headDiffers", isLast ? head.sequence + 1 : head.sequence);
    }
  }

  /** NB. The head is not believed: a number that somebody made a billion costs no more steps than there are rows. */
  #firstGap(most: number): number | undefined {
    for (let sequence = 1; sequence <= most; sequence += 1) {
      if (!this.#seen.has(sequence)) {
        return sequence;
      }
    }
    return undefined;
  }

  /** Keeps the problem with the lowest number; of several there, the first that was found. */
  #note(kind: ProblemKind, sequence: number | undefined, fact?: Fact, more = ""): void {
    const known = this.#problem;
    if (known !== undefined && (known.sequence ?? 0) <= (sequence ?? 0)) {
      return;
    }
    this.#problem = {
      kind,
      chain: this.chain,
      sequence,
      factId: fact?.id,
      at: fact?.at,
      subscriptionId: fact?.subscriptionId.toLowerCase(),
      message: `${problemKinds[kind]}${more}`,
    };
  }
}

/** Nothing for a fact whose ids are none: somebody made it. */
function placesIn(fact: Fact, digest: Digest): readonly FactPlace[] | undefined {
  try {
    return placesOf(fact, digest);
  } catch {
    return undefined;
  }
}

/** The fact that a stored text tells; nothing where it is none. */
function factOf(text: string): Fact | undefined {
  try {
    const fact = JSON.parse(text);
    const isFact =
      [fact.id, fact.at, fact.subscriptionId].every((each) => typeof each === "string") &&
      !Number.isNaN(Date.parse(fact.at));
    return isFact ? fact : undefined;
  } catch {
    return undefined;
  }
}
