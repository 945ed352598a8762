/** What can be wrong with the stored activity, a sentence each. Kinds are stable: scripts rely on them. */
export const problemKinds = {
  altered:
    "A fact's text, number or hashes are not those that were written: its hash does not fit them.",
  reordered:
    "A fact does not follow the one before it: one of both was changed with its hash, or put in another's place.",
  double: "Two facts of a chain have the same number.",
  missing:
    "A fact is not where it should be: a number of the chain, or a copy of it, is not there.",
  misplaced: "A fact lies where it does not belong: in another chain, or under another key.",
  headMissing: "The chain has facts but no head that tells how many.",
  headDiffers: "The head of the chain is not that of its last fact.",
  cut: "An anchor says that the chain was longer.",
  copiesDiffer: "A fact says one thing in one chain and another in another.",
  chainMissing: "A chain that an anchor tells of, or that facts have to lie in, is not there.",
  monthMissing:
    "An anchor tells of a month that is not there, and no fact says that it was dropped.",
  anchorDiffers: "A fact of the chain is not the one that was anchored at that number.",
  anchorAltered:
    "An anchor does not follow the one before it, or is not the same in the table and in the container.",
  anchorMissing: "An anchor is gone from the table or the container.",
} as const;

export type ProblemKind = keyof typeof problemKinds;

/** One thing that is not as it was written, where it was found. */
export interface Problem {
  readonly kind: ProblemKind;
  /** The chain's name; of an anchor `anchors`. */
  readonly chain: string;
  /** The number in the chain, from 1, where there is one. */
  readonly sequence?: number | undefined;
  readonly factId?: string | undefined;
  /** The fact's time, ISO 8601. */
  readonly at?: string | undefined;
  /** Whose facts are concerned; absent where that cannot be told, or where several are. */
  readonly subscriptionId?: string | undefined;
  readonly message: string;
}
