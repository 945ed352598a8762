import type { AnchorKeeper, KeptAnchor } from "../../src/activity/anchor.ts";
import type { Drop, DropStore } from "../../src/activity/dropped.ts";

/** Anchors in memory; keeps the same promises as table and container, shown by the same contract tests. */
export interface FakeAnchors extends AnchorKeeper {
  /** What somebody who may write there could do: changes what is kept, or takes it away. */
  tamper(sequence: number, change: Partial<KeptAnchor> | "remove"): void;
}

export function createFakeAnchors(): FakeAnchors {
  let kept: readonly KeptAnchor[] = [];
  return {
    async put(anchor) {
      if (kept.some(({ sequence }) => sequence === anchor.sequence)) {
        return false;
      }
      kept = [...kept, anchor].sort((one, other) => one.sequence - other.sequence);
      return true;
    },

    newest: async () => kept.at(-1),

    numbers: async () => new Set(kept.map(({ sequence }) => sequence)),

    async *since(moment) {
      const first = kept.findIndex(({ at }) => at >= moment.toISOString());
      yield* kept.slice(first < 0 ? -1 : Math.max(0, first - 1));
    },

    tamper(sequence, change) {
      kept = kept.flatMap((anchor) =>
        anchor.sequence !== sequence
          ? [anchor]
          : change === "remove"
            ? []
            : [{ ...anchor, ...change }],
      );
    },
  };
}

/** Begun drops in memory. */
export function createFakeDrops(): DropStore {
  const begun = new Map<string, Drop>();
  return {
    async begin(drop) {
      begun.set(drop.month, begun.get(drop.month) ?? drop);
    },
    unfinished: async () => [...begun.values()],
    async end(month) {
      begun.delete(month);
    },
  };
}
