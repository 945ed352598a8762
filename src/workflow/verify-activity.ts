import {
  type Anchor,
  type AnchorKeeper,
  anchorChainProblem,
  anchorCopiesProblem,
  type KeptAnchor,
  readAnchor,
} from "../activity/anchor.ts";
import type { AnchoredHead } from "../activity/chain-check.ts";
import { tellsDrop } from "../activity/dropped.ts";
import { chainParts } from "../activity/places.ts";
import { type Problem, type ProblemKind, problemKinds } from "../activity/problem.ts";
import type { ActivityStore } from "../activity/store.ts";
import {
  type Verified,
  type VerifyMonthPorts,
  type VerifyOptions,
  verifyMonth,
} from "./verify-month.ts";

export interface VerifyPorts extends VerifyMonthPorts {
  readonly activity: Pick<ActivityStore, "list">;
  readonly anchors: AnchorKeeper;
  /** The container, where one is configured. */
  readonly anchorContainer?: AnchorKeeper | undefined;
}

/** The anchors of a span, and what is wrong with them. */
export interface CheckedAnchors {
  readonly checked: number;
  /** When the newest was written, ISO 8601; nothing where there is none. */
  readonly latest?: string | undefined;
  /** The same of the container; nothing also where none is configured. */
  readonly latestInContainer?: string | undefined;
  readonly problems: readonly Problem[];
  /** What they say of the chains of each month. */
  readonly heads: ReadonlyMap<string, ReadonlyMap<string, readonly AnchoredHead[]>>;
}

/** Reads the anchors that can speak of a month and those after it: from the table and from the container. */
export async function readAnchors(ports: VerifyPorts, month: string): Promise<CheckedAnchors> {
  const from = new Date(`${month}-01T00:00:00Z`);
  const [table, container] = await Promise.all([
    all(ports.anchors, from),
    ports.anchorContainer === undefined ? [] : all(ports.anchorContainer, from),
  ]);
  const { digest } = ports.ids;
  const found = [
    anchorChainProblem(digest, table),
    anchorChainProblem(digest, container),
    anchorCopiesProblem(table, container),
  ];
  // What the container says counts: there nobody can have changed it.
  const kept = new Map([...table, ...container].map((one) => [one.sequence, one]));
  return {
    checked: kept.size,
    latest: table.at(-1)?.at,
    latestInContainer: container.at(-1)?.at,
    problems: found.filter((problem) => problem !== undefined).slice(0, 1),
    heads: headsByMonth([...kept.values()]),
  };
}

async function all(keeper: AnchorKeeper, from: Date): Promise<readonly KeptAnchor[]> {
  const anchors: KeptAnchor[] = [];
  for await (const anchor of keeper.since(from)) {
    anchors.push(anchor);
  }
  return anchors;
}

function headsByMonth(kept: readonly KeptAnchor[]) {
  const anchors = kept.map(readAnchor).filter((anchor): anchor is Anchor => anchor !== undefined);
  const months = new Map<string, Map<string, AnchoredHead[]>>();
  for (const { at, heads } of anchors) {
    for (const { chain, sequence, hash } of heads) {
      const { month } = chainParts(chain);
      const chains = months.get(month) ?? new Map<string, AnchoredHead[]>();
      months.set(month, chains);
      chains.set(chain, [...(chains.get(chain) ?? []), { sequence, hash, at }]);
    }
  }
  return months;
}

/**
 * Looks at a month with what the anchors say of it. A month that is not there is a problem, unless a fact says that it was dropped, or
 * nothing says that it ever was. Nothing when the work was given up.
 */
export async function verifyOneMonth(
  ports: VerifyPorts,
  month: string,
  anchors: CheckedAnchors,
  options: Omit<VerifyOptions, "anchored"> & { readonly isThere: boolean },
): Promise<Verified | undefined> {
  const { subscriptionId: meant } = options;
  const heads = anchors.heads.get(month) ?? new Map<string, readonly AnchoredHead[]>();
  const anchored = new Map(
    [...heads].filter(([chain]) => meant === undefined || subscriptionIn(chain) === meant),
  );
  const verified = options.isThere
    ? await verifyMonth(ports, month, { ...options, anchored })
    : missingMonth(month, [...anchored.keys()]);
  return verified && { ...verified, problems: await notDropped(ports, month, verified.problems) };
}

function missingMonth(month: string, chains: readonly string[]): Verified {
  const kind = "monthMissing";
  const problems = [...new Set(chains.map(subscriptionIn))].map(
    (subscriptionId): Problem => ({
      kind,
      chain: month,
      subscriptionId,
      message: problemKinds[kind],
    }),
  );
  return { chains: 0, facts: 0, problems };
}

/** What only anchors hold against a month of a subscription, and dropping it explains. */
const explainedByDrop: readonly ProblemKind[] = [
  "monthMissing",
  "chainMissing",
  "cut",
  "anchorDiffers",
];

/**
 * Without what is no problem because the month was dropped: while it is looked at, before, or before a fact came that was late and began the
 * month anew.
 */
async function notDropped(
  ports: VerifyPorts,
  month: string,
  problems: readonly Problem[],
): Promise<readonly Problem[]> {
  const dropped = new Map<string, Promise<boolean>>();
  const isDropped = (subscriptionId: string) => {
    const known = dropped.get(subscriptionId) ?? wasDropped(ports, month, subscriptionId);
    dropped.set(subscriptionId, known);
    return known;
  };
  const left: Problem[] = [];
  for (const problem of problems) {
    const { kind, chain, subscriptionId = subscriptionIn(chain) } = problem;
    if (!(explainedByDrop.includes(kind) && (await isDropped(subscriptionId)))) {
      left.push(problem);
    }
  }
  return left;
}

/** Months of a span: those that are there, and those that anchors tell of. Oldest first. */
export function monthsOf(
  there: readonly string[],
  anchors: CheckedAnchors,
  span: { readonly from: string; readonly to: string },
): readonly string[] {
  return [...new Set([...there, ...anchors.heads.keys()])]
    .filter((month) => month >= span.from && month <= span.to)
    .sort();
}

function subscriptionIn(chain: string): string {
  const [, subscriptionId = ""] = chainParts(chain).partition.split("|");
  return subscriptionId;
}

/** Whether the activity of the subscription says that the month was dropped. */
async function wasDropped(
  { activity, clock }: VerifyPorts,
  month: string,
  subscriptionId: string,
): Promise<boolean> {
  const query = {
    of: { subscriptionId },
    from: new Date(`${month}-28T00:00:00Z`),
    to: clock.now(),
    where: { operations: ["activity.drop"] as const, outcomes: ["asked"] as const },
    top: 100,
  };
  let continuation: string | undefined;
  do {
    const page = await activity.list({ ...query, continuation });
    if (page.items.some((fact) => tellsDrop(fact, month))) {
      return true;
    }
    ({ continuation } = page);
  } while (continuation !== undefined);
  return false;
}
