import type { PolicyRead } from "./read-bodies.ts";
import type { RulesRead } from "./read-rules.ts";

/** One state in which a policy may have been: as a PUT left it, or deleted. */
export interface Version {
  readonly key: string;
  /** When the call was sent and answered, in milliseconds since 1970. */
  readonly sentAt: number;
  readonly answeredAt: number;
  /** Whether the call was answered as done; otherwise it may or may not have had its effect. */
  readonly isCertain: boolean;
  /** Nothing where the policy was deleted. */
  readonly content: PolicyRead | undefined;
  /** The rules about requests that may have held then: several where the body left them as they were. */
  readonly rules: readonly Rules[];
}

/** Rules of a policy about requests; nothing where it has none. */
export type Rules = RulesRead | undefined;
type Change = Omit<Version, "rules">;

/**
 * Every state in which the policies have been, as far as those who put and deleted them were told. A change may be seen by others
 * before it is answered: what was possible is known only once no call is under way any more.
 */
export class PoliciesSeen {
  readonly #versions = new Map<string, Version[]>();
  readonly #latest = new Map<string, PolicyRead | undefined>();
  #answered: Change[] = [];

  /** Notes a PUT, or a DELETE where there is no content. */
  note(change: Change): void {
    this.#answered.push(change);
    if (change.isCertain) {
      this.#latest.set(change.key, change.content);
    }
  }

  /** No call is under way: what was noted since the last time is all there is. */
  settle(): void {
    for (const [key, changes] of Map.groupBy(this.#answered, (change) => change.key)) {
      const before = this.#versions.get(key) ?? [];
      const versions = changes.map((change) => ({
        ...change,
        rules: rulesOf(change, before, changes),
      }));
      this.#versions.set(key, [...before, ...versions]);
    }
    this.#answered = [];
  }

  /** The policies that exist, as they were answered last. */
  get existing(): readonly (readonly [key: string, policy: PolicyRead])[] {
    return [...this.#latest].flatMap(([key, policy]) =>
      policy === undefined ? [] : [[key, policy]],
    );
  }

  get keys(): readonly string[] {
    return [...this.#versions.keys()];
  }

  /** The states in which the policy may have been at some moment between two. */
  possible(key: string, from: number, to: number): readonly Version[] {
    return possibleOf(this.#versions.get(key) ?? [], from, to);
  }
}

function possibleOf<T extends Change>(
  versions: readonly T[],
  from: number,
  to: number,
): readonly T[] {
  const overwrittenAt = versions
    .filter(({ isCertain, answeredAt }) => isCertain && answeredAt < from)
    .reduce((latest, { sentAt }) => Math.max(latest, sentAt), Number.NEGATIVE_INFINITY);
  return versions.filter(({ sentAt, answeredAt }) => sentAt <= to && answeredAt >= overwrittenAt);
}

/** Rules that may hold after a change: what it says, or what any change says that may have come right before it. */
function rulesOf(
  change: Change,
  before: readonly Version[],
  changes: readonly Change[],
  seen: ReadonlySet<Change> = new Set(),
): readonly Rules[] {
  const { content, sentAt, answeredAt } = change;
  const given = content === undefined ? null : content.rules;
  if (given !== undefined) {
    return [given ?? undefined];
  }
  const earlier = possibleOf<Version | Change>([...before, ...changes], sentAt, answeredAt);
  const others = earlier.filter((other) => other !== change && !seen.has(other));
  const isNew = others.every(({ isCertain }) => !isCertain);
  const kept = others.flatMap((other) =>
    "rules" in other ? other.rules : rulesOf(other, before, changes, new Set([...seen, change])),
  );
  return [...new Set([...kept, ...(isNew ? [undefined] : [])])];
}
