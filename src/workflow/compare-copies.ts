import type { Difference } from "../activity/copy-check.ts";
import { daysOfMonth } from "../activity/months.ts";
import { placesOf } from "../activity/places.ts";
import { type Problem, type ProblemKind, problemKinds } from "../activity/problem.ts";
import type { FiledFact, Ledger } from "../activity/store.ts";
import type { Clock, Ids } from "../ports.ts";

export interface ComparePorts {
  readonly clock: Pick<Clock, "now">;
  readonly ids: Pick<Ids, "digest">;
  readonly ledger: Pick<Ledger, "after" | "daysOf" | "complete">;
}

/** What to look for: chains of one month whose facts of one subscription are not those that its own chains tell. */
interface Asked {
  readonly month: string;
  readonly subscriptionId: string;
  readonly chains: ReadonlySet<string>;
  readonly distrusted: ReadonlySet<string>;
}

/** So many facts of a chain are read at once. */
const pageSize = 1_000;

/**
 * Which facts are behind the differences. One whose recording goes on meanwhile is in some chains already and not in others: so it is
 * looked twice, and what was begun is finished in between. Only what differs both times is told.
 */
export async function compareCopies(
  ports: ComparePorts,
  {
    month,
    differences,
    distrusted,
  }: {
    readonly month: string;
    readonly differences: readonly Difference[];
    /** Chains that are not as they were written. */
    readonly distrusted: ReadonlySet<string>;
  },
): Promise<readonly Problem[]> {
  const asked = [...Map.groupBy(differences, ({ subscriptionId }) => subscriptionId)].map(
    ([subscriptionId, ofOne]) => {
      const chains = new Set(ofOne.map(({ chain }) => chain));
      return { month, subscriptionId, chains, distrusted };
    },
  );
  if (asked.length === 0) {
    return [];
  }
  const first = await lookAtAll(ports, asked);
  await ports.ledger.complete(ports.clock.now());
  const second = await lookAtAll(ports, asked);
  return [...second].filter(([key]) => first.has(key)).map(([, problem]) => problem);
}

async function lookAtAll(ports: ComparePorts, asked: readonly Asked[]) {
  const found = new Map<string, Problem>();
  for (const one of asked) {
    for (const problem of await look(ports, one)) {
      found.set(`${problem.chain}\n${problem.factId}`, problem);
    }
  }
  return found;
}

/** What differs now. */
async function look(ports: ComparePorts, asked: Asked): Promise<readonly Problem[]> {
  const { expected, days } = await expectedIn(ports, asked);
  const problems: Problem[] = [];
  for (const chain of asked.chains) {
    const due = expected.get(chain) ?? new Map<string, FiledFact>();
    problems.push(...(await problemsIn(ports, asked, chain, due, days)));
  }
  return problems;
}

/** What a chain has too little, too much or otherwise than the subscription's own chains say (`due`, by fact). */
async function problemsIn(
  { ledger, ids }: ComparePorts,
  { subscriptionId }: Asked,
  chain: string,
  due: Map<string, FiledFact>,
  days: ReadonlySet<string>,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  let isThere = false;
  for await (const filed of factsOf(ledger, chain)) {
    isThere = true;
    const known = due.get(filed.fact.id);
    due.delete(filed.fact.id);
    const isOfOther = filed.fact.subscriptionId.toLowerCase() !== subscriptionId;
    if (isOfOther || (known !== undefined && textOf(known) === textOf(filed))) {
      continue;
    }
    const day = placesOf(filed.fact, ids.digest)[0]?.chain ?? "";
    const lacking = days.has(day) ? "missing" : "chainMissing";
    problems.push(
      known === undefined
        ? problemOf(lacking, day, filed)
        : problemOf("copiesDiffer", chain, filed),
    );
  }
  const lacking = isThere ? "missing" : "chainMissing";
  return [...problems, ...[...due.values()].map((filed) => problemOf(lacking, chain, filed))];
}

function problemOf(kind: ProblemKind, chain: string, { fact, position }: FiledFact): Problem {
  return {
    kind,
    chain,
    // Where it is not, it has no number.
    ...(position.chain === chain ? { sequence: position.sequence } : {}),
    factId: fact.id,
    at: fact.at,
    subscriptionId: fact.subscriptionId.toLowerCase(),
    message: problemKinds[kind],
  };
}

/** What the subscription's own chains say that these chains hold: by chain and fact. */
async function expectedIn(
  { ledger, ids }: ComparePorts,
  { month, subscriptionId, chains, distrusted }: Asked,
) {
  const expected = new Map<string, Map<string, FiledFact>>();
  const { from, to } = daysOfMonth(month);
  const heads = await ledger.daysOf(subscriptionId, from, to);
  for (const head of heads.filter((one) => !distrusted.has(one.chain))) {
    for await (const filed of factsOf(ledger, head.chain)) {
      for (const { chain } of placesOf(filed.fact, ids.digest)) {
        if (chains.has(chain)) {
          const ofChain = expected.get(chain) ?? new Map<string, FiledFact>();
          expected.set(chain, ofChain.set(filed.fact.id, filed));
        }
      }
    }
  }
  return { expected, days: new Set(heads.map(({ chain }) => chain)) };
}

const textOf = ({ fact }: FiledFact): string => JSON.stringify(fact);

async function* factsOf(ledger: Pick<Ledger, "after">, chain: string): AsyncIterable<FiledFact> {
  for (let sequence = 0; ; ) {
    const page = await ledger.after(chain, sequence, pageSize);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || last.position.sequence <= sequence) {
      return;
    }
    ({ sequence } = last.position);
  }
}
