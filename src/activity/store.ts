import type { Principal } from "../caller/caller.ts";
import type { Page } from "../ports.ts";
import type { Fact, FactOutcome, Operation } from "./fact.ts";

/** Whose facts, or what about; exactly one. Each is a history of its own, of which a query reads only the time it asks for. */
export type FactsOf =
  | { readonly vmId: string }
  | { readonly subscriptionId: string }
  /** Facts of requests of theirs, and of what they did themselves. */
  | { readonly person: Principal }
  | { readonly requestId: string };

/** What else has to hold of a fact. Ids in any case. */
export interface FactFilter {
  readonly operations?: readonly Operation[] | undefined;
  readonly outcomes?: readonly FactOutcome[] | undefined;
  readonly vmId?: string | undefined;
  readonly subscriptionId?: string | undefined;
  /** Name of the resource group of the VM, or where there is none, of the policy. */
  readonly resourceGroup?: string | undefined;
  /** Object id of who acted, or whose request it is. */
  readonly person?: string | undefined;
  readonly requestId?: string | undefined;
  readonly windowId?: string | undefined;
  /** Occurs, in any case, in one of the fact's texts. */
  readonly text?: string | undefined;
}

/** The times are included, both. */
export interface FactSpan {
  readonly of: FactsOf;
  readonly from: Date;
  readonly to: Date;
  readonly where?: FactFilter | undefined;
}

export interface FactQuery extends FactSpan {
  readonly top: number;
  readonly continuation?: string | undefined;
}

/** What is to be read to its end. */
export interface FactWalk extends FactSpan {
  /** Told after each answer of the storage, however few facts are in it; what it throws ends the walk. */
  readonly onAnswer?: (() => void) | undefined;
}

/** Where a fact stands in a chain of which each fact holds the hash of the one before. */
export interface ChainPosition {
  /** Month, and what it is a chain of: `2026-11/vm|…`. */
  readonly chain: string;
  /** From 1, in the order of recording. */
  readonly sequence: number;
  /** SHA-256 as 64 lower-case hex digits. */
  readonly hash: string;
}

export interface FiledFact {
  readonly fact: Fact;
  readonly position: ChainPosition;
}

/** The audit: append-only. */
export interface ActivityStore {
  /** Records the facts; one that is recorded already (same id) stays as it is. Once this resolves none of them can be lost. */
  record(facts: readonly Fact[]): Promise<void>;
  /**
   * Newest first. May hold fewer than `top` and still go on: what a page costs is bounded, however few facts the filter lets through.
   * Throws `BadContinuation`.
   */
  list(query: FactQuery): Promise<Page<Fact>>;
  /** All of it, newest first, read as it is asked for: never more than a thousand facts in memory. */
  walk(span: FactWalk): AsyncIterable<FiledFact>;
}

/** What stands at the end of a chain. */
export interface ChainHead extends ChainPosition {}

/** One row of a chain as it is stored: what a verification looks at. */
export interface ChainRow extends ChainPosition {
  /** Where it lies: the place that its fact has to have there. */
  readonly rowKey: string;
  /** The hash of the fact before; of the first one that of the chain's name. */
  readonly previous: string;
  /** The fact as JSON, exactly as it was hashed. */
  readonly text: string;
}

/** The chains as they are stored, for those who verify, anchor, export and drop them. */
export interface Ledger {
  /** Months that hold facts, such as `2026-11`, oldest first. */
  months(): Promise<readonly string[]>;
  /** All chains of a month: of each first its head, then its facts in any order. Reads as it is asked for. */
  rows(month: string): AsyncIterable<{ readonly head: ChainHead } | { readonly row: ChainRow }>;
  /** Nothing where there is no such chain. */
  head(chain: string): Promise<ChainHead | undefined>;
  /** Facts of a chain whose sequence is above that one, in their order; at most so many. */
  after(chain: string, sequence: number, most: number): Promise<readonly FiledFact[]>;
  /** The chains of a subscription by day, of these days (UTC, `2026-11-26`), newest first; days without facts are left out. */
  daysOf(subscriptionId: string, from: string, to: string): Promise<readonly ChainHead[]>;
  /** Subscriptions with facts in that month. */
  subscriptions(month: string): Promise<readonly string[]>;
  /** Finishes the recording of facts whose writer ended in between, if they were begun before that moment. Answers them. */
  complete(before: Date): Promise<readonly Fact[]>;
  /** Drops all chains of a month. Done already is done. */
  drop(month: string): Promise<void>;
}
