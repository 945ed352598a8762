import type { Fact } from "../../src/activity/fact.ts";
import type { FactSpan } from "../../src/activity/store.ts";
import type { AuditedEstate } from "./estate.ts";
import { factsOf, type Month } from "./history.ts";
import type { Options } from "./options.ts";

/** A page that is asked for in both histories. */
export interface Question {
  readonly name: string;
  readonly span: FactSpan;
  /** How many pages are passed over before it. */
  readonly pagesBefore: number;
  /** A list that ends in the short history and not in the long: told, but not compared. */
  readonly isUneven?: boolean;
}

/** A page's place in a long walk. */
const deep = 50;

/** The place among the busiest of whom is asked about: the very busiest would flatter. */
const place = 3;

/** What is asked: with no narrower time than the whole long history, and of one day. */
export function questionsFor(
  estate: AuditedEstate,
  months: readonly Month[],
  { seed, top }: Options,
): readonly Question[] {
  const [first, newest] = [months[0], months.at(-1)];
  const subscriptionId = estate.vms[0]?.subscriptionId;
  if (first === undefined || newest === undefined || subscriptionId === undefined) {
    throw new Error("There is nothing to ask for.");
  }
  const facts = factsOf(estate, newest, seed);
  const whole = { from: first.from, to: newest.to };
  const vms = busiest(facts, ({ vmId }) => vmId);
  const vmId = nth(vms, top);
  const objectId = nth(busiest(facts, personOf), top);
  const vm = { vmId };
  const person = { person: { tenantId: estate.people[0]?.tenantId ?? "", objectId } };
  const subscription = { subscriptionId };
  const quiet = { vmId: vms.at(-1)?.[0] ?? "" };
  const days = {
    all: busiestDay(facts.filter((fact) => fact.subscriptionId === subscriptionId)),
    vm: busiestDay(facts.filter((fact) => fact.vmId === vmId)),
    person: busiestDay(facts.filter((fact) => personOf(fact) === objectId)),
  };
  return [
    question("one VM", { of: vm, ...whole }),
    question("one requestor", { of: person, ...whole }),
    question("one day", { of: subscription, ...days.all }),
    question("one day of the VM", { of: vm, ...days.vm }),
    question("one day of the requestor", { of: person, ...days.person }),
    question("a subscription", { of: subscription, ...whole }),
    { ...question(`… ${deep} pages on`, { of: subscription, ...whole }), pagesBefore: deep },
    { ...question("a VM seldom used", { of: quiet, ...whole }), isUneven: true },
  ];
}

function question(name: string, span: FactSpan): Question {
  return { name, span, pagesBefore: 0 };
}

const personOf = ({ requestor }: Fact): string | undefined => requestor?.objectId;

/** Keys with their counts, the most frequent first. */
function busiest(
  facts: readonly Fact[],
  keyOf: (fact: Fact) => string | undefined,
): readonly (readonly [key: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const fact of facts) {
    const key = keyOf(fact);
    if (key !== undefined) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return [...counts].toSorted(([, one], [, other]) => other - one);
}

function busiestDay(facts: readonly Fact[]): Pick<FactSpan, "from" | "to"> {
  const [[day] = []] = busiest(facts, ({ at }) => at.slice(0, 10));
  const from = new Date(`${day}T00:00:00.000Z`);
  return { from, to: new Date(from.getTime() + 86_399_999) };
}

/** The one at the place, or the nearest before it that has more facts than a page holds. */
function nth(ranking: readonly (readonly [key: string, count: number])[], top: number): string {
  const full = ranking.slice(0, place + 1).findLast(([, count]) => count > top);
  if (full === undefined) {
    throw new Error(`Nobody has more than ${top} facts in the newest month: more are needed.`);
  }
  return full[0];
}
