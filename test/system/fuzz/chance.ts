import { createHash } from "node:crypto";

/** Choices that look random; the same seed makes the same choices in the same order. */
export class Chance {
  readonly #seed: string;
  #block = 0;
  #words: number[] = [];

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** From 0 up to 1. */
  float(): number {
    if (this.#words.length === 0) {
      const digest = createHash("sha256").update(`${this.#seed} ${this.#block}`).digest();
      this.#block += 1;
      this.#words = Array.from({ length: 8 }, (_, word) => digest.readUInt32LE(word * 4));
    }
    return (this.#words.pop() ?? 0) / 2 ** 32;
  }

  /** A whole number, both ends included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.float() * (to - from + 1));
  }

  isIn(percent: number): boolean {
    return this.float() * 100 < percent;
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) {
      throw new Error("There is nothing to pick from.");
    }
    return list[this.int(0, list.length - 1)] as T;
  }

  /** One of a list; nothing where it is empty. */
  maybe<T>(list: readonly T[]): T | undefined {
    return list[this.int(0, list.length - 1)];
  }

  /** Some of a list, each once, in any order; at least one where the list has any. */
  some<T>(list: readonly T[], most: number): readonly T[] {
    const left = [...list];
    const count = Math.min(this.int(1, most), left.length);
    return Array.from({ length: count }, () => left.splice(this.int(0, left.length - 1), 1)).flat();
  }

  /** One of the makers, each as often as its weight says. */
  weighted<T>(makers: readonly (readonly [weight: number, make: () => T])[]): T {
    const all = makers.reduce((sum, [weight]) => sum + weight, 0);
    let left = this.float() * all;
    const found = makers.find(([weight]) => {
      left -= weight;
      return left < 0;
    });
    return (found ?? this.pick(makers))[1]();
  }

  guid(): string {
    const hex = Array.from({ length: 32 }, () => this.int(0, 15).toString(16)).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }
}
