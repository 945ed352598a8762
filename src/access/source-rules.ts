import type { AccessRules } from "../policy/access-rules.ts";
import { firstFew, type Reason } from "../reasons.ts";
import { type AddressRun, addressRuns, countWithin } from "../rules/address-runs.ts";
import { isPrefix, parsePrefix } from "../rules/cidr.ts";

/** The sources of one window, and the field of the request that named them. */
export interface RuledWindow {
  readonly sources: readonly string[];
  readonly target: string;
}

type SourceRules = NonNullable<AccessRules["sources"]>;

/** How many sources a reason names; it says how many more there are. */
const namedAtMost = 5;

/** The addresses of a family, and those of them of which half or more is as good as any. */
const families = [
  { family: 4, width: 32, limit: "widestIpv4PrefixLength", first: 0n, last: (1n << 32n) - 1n },
  // 2000::/3 is all of IPv6 that is given out to the public (https://www.iana.org/assignments/ipv6-address-space).
  {
    family: 6,
    width: 128,
    limit: "widestIpv6PrefixLength",
    first: 1n << 125n,
    last: (1n << 126n) - 1n,
  },
] as const;

/** Every reason why sources are wider than the policy's rules allow; to be asked again when a window is about to be opened. */
export function sourceRuleFaults(
  rules: AccessRules | undefined,
  windows: readonly RuledWindow[],
): readonly Reason[] {
  const sourceRules = rules?.sources;
  if (sourceRules === undefined) {
    return [];
  }
  return windows.flatMap(({ sources, target }) => {
    const read = readSources(sources);
    return [
      ...(sourceRules.anyAllowed ? [] : anyFaults(read, target)),
      ...widthFaults(sourceRules, read, target),
    ];
  });
}

interface Sources {
  readonly any: readonly string[];
  readonly runs: readonly AddressRun[];
}

/** NB. What cannot be read counts as any. */
function readSources(sources: readonly string[]): Sources {
  const read = sources.map((text) => ({ text, prefix: parsePrefix(text) }));
  return {
    any: read.flatMap(({ text, prefix }) => (isPrefix(prefix) ? [] : [text])),
    runs: addressRuns(read.flatMap(({ prefix }) => (isPrefix(prefix) ? [prefix] : []))),
  };
}

function anyFaults({ any, runs }: Sources, target: string): readonly Reason[] {
  const wide = families.flatMap(({ family, first, last }) => {
    const own = runs.filter((run) => run.family === family);
    const covered = own.reduce((sum, run) => sum + countWithin(run, first, last), 0n);
    return covered * 2n > last - first ? textsOf(own) : [];
  });
  const sources = [...any, ...wide];
  const message = `The policy does not allow '*', nor sources that together are half of all addresses or more; asked for was ${firstFew(sources, namedAtMost)}.`;
  return sources.length === 0 ? [] : [{ code: "AnySourceNotAllowed", message, target }];
}

function widthFaults(
  rules: SourceRules,
  { any, runs }: Sources,
  target: string,
): readonly Reason[] {
  return families.flatMap(({ family, width, limit }) => {
    const widest = rules[limit];
    if (widest === undefined) {
      return [];
    }
    const most = 1n << BigInt(width - widest);
    const wide = runs.filter((run) => run.family === family && run.last - run.first >= most);
    const tooWide = [...(widest === 0 || any.length === 0 ? [] : [any]), ...wide.map(textsOf)];
    return tooWide.map((sources): Reason => {
      const subject = `${firstFew(sources, namedAtMost)} ${sources.length === 1 ? "is" : "are together"}`;
      const message = `${subject} wider than the policy allows: /${widest} is the widest IPv${family} source.`;
      return { code: "SourceTooWide", message, target };
    });
  });
}

function textsOf(runs: AddressRun | readonly AddressRun[]): readonly string[] {
  return [runs].flat().flatMap((run) => run.ranges.map((range) => range.text));
}

/**
 * Whether sources reach no further than others: no more runs of addresses, and none larger than its counterpart when those of a
 * family are put in order of size; where there is no counterpart, no larger than a single address.
 */
export function isNoWider(sources: readonly string[], than: readonly string[]): boolean {
  const [asked, agreed] = [readSources(sources), readSources(than)];
  if (agreed.any.length > 0) {
    return true;
  }
  return (
    asked.any.length === 0 &&
    asked.runs.length <= agreed.runs.length &&
    ([4, 6] as const).every((family) => {
      const most = sizesOf(agreed.runs, family);
      return sizesOf(asked.runs, family).every((size, index) => size <= (most[index] ?? 1n));
    })
  );
}

/** How many addresses each run of a family has, the largest first. */
function sizesOf(runs: readonly AddressRun[], family: 4 | 6): readonly bigint[] {
  return runs
    .filter((run) => run.family === family)
    .map(({ first, last }) => last - first + 1n)
    .toSorted((one, other) => (one < other ? 1 : -1));
}
