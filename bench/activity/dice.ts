/** Chance that is the same for the same seed. */
export interface Dice {
  /** From 0, below 1. */
  next(): number;
  /** A whole number from 0, below that one. */
  below(count: number): number;
  /** True in that share of all throws. */
  chance(share: number): boolean;
  one<T>(of: readonly T[]): T;
  /** An id in the form of a GUID. */
  guid(): string;
}

/** Marsaglia's xorshift of 32 bits ("Xorshift RNGs", 2003; shifts 13, 17, 5): good enough to spread facts over an estate. */
export function createDice(seed: number): Dice {
  // Zero would stay zero; close seeds shall not begin alike.
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let warmUp = 0; warmUp < 20; warmUp += 1) {
    next();
  }
  const below = (count: number) => Math.floor(next() * count);
  return {
    next,
    below,
    chance: (share) => next() < share,
    one(of) {
      const item = of[below(of.length)];
      if (item === undefined) {
        throw new Error("Nothing to choose from.");
      }
      return item;
    },
    guid() {
      const hex = Array.from({ length: 32 }, () => below(16).toString(16)).join("");
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
    },
  };
}

/** Chooses the first most often and each further one less so, as a few machines and people are busier than all others. */
export function createRanking<T>(items: readonly T[]): (dice: Dice) => T {
  let sum = 0;
  const upTo = items.map((_, rank) => {
    sum += 1 / (rank + 1) ** 0.8;
    return sum;
  });
  return (dice) => {
    const thrown = dice.next() * sum;
    const item = items[upTo.findIndex((bound) => thrown < bound)];
    if (item === undefined) {
      throw new Error("Nothing to choose from.");
    }
    return item;
  };
}
