import type { Fact } from "../../src/activity/fact.ts";
import { type Audit, openAudit } from "./audit.ts";
import { checkChains } from "./check.ts";
import { createDice } from "./dice.ts";
import { auditedEstate } from "./estate.ts";
import { endedEarly } from "./stories.ts";

/** One way to write the same facts about one VM, each way about a VM of its own. */
export interface WritersFound {
  readonly way: string;
  readonly facts: number;
  readonly tookMs: number;
  readonly calls: number;
  readonly conflicts: number;
  /** Facts that were recorded, but not in all chains before the sweep looked after them. */
  readonly leftToSweep: number;
  /** Chains of this way's table, and what is wrong with them. */
  readonly chains: number;
  readonly faults: readonly string[];
}

const tenantId = "00000000-0000-4000-8000-000000000001";
const subscriptions = [
  "00000000-0000-4000-8000-000000000002",
  "00000000-0000-4000-8000-000000000003",
] as const;

/** Everybody records a story of their own about the same VM, fact by fact, as windows do that open at the same time. */
export async function writeTogether(
  connectionString: string,
  prefix: string,
  writers: number,
  seed: number,
): Promise<readonly WritersFound[]> {
  const open = (name: string) => openAudit(connectionString, `${prefix}${name}`);
  const stories = storiesOf(writers, seed);
  const one = open("One");
  const together = open("Together");
  const apart = stories.map(() => open("Apart"));
  return [
    await measure("one writer", stories, [one], async () => {
      for (const facts of stories) {
        await recordEach(one, facts);
      }
    }),
    await measure(`${writers} in one process`, stories, [together], () =>
      Promise.all(stories.map((facts) => recordEach(together, facts))),
    ),
    await measure(`${writers} apart`, stories, apart, () =>
      Promise.all(apart.map((audit, index) => recordEach(audit, stories[index] ?? []))),
    ),
  ];
}

async function recordEach({ store }: Audit, facts: readonly Fact[]): Promise<void> {
  for (const fact of facts) {
    await store.record([fact]);
  }
}

async function measure(
  way: string,
  stories: readonly (readonly Fact[])[],
  audits: readonly Audit[],
  work: () => Promise<unknown>,
): Promise<WritersFound> {
  const [audit] = audits;
  if (audit === undefined) {
    throw new Error("Nobody writes.");
  }
  // Connects, which makes the tables that are not there.
  await Promise.all(audits.map(({ ledger }) => ledger.months()));
  const sum = (of: "calls" | "conflicts") =>
    audits.reduce((total, { counted }) => total + counted[of], 0);
  const before = { calls: sum("calls"), conflicts: sum("conflicts") };
  const startedAt = performance.now();
  await work();
  const tookMs = performance.now() - startedAt;
  const [calls, conflicts] = [sum("calls") - before.calls, sum("conflicts") - before.conflicts];
  // What is pending counts from a minute of age on; nobody writes any more.
  const left = await audit.ledger.complete(new Date(Date.now() + 60_000));
  const facts = stories.flat();
  return {
    ...{ way, facts: facts.length, tookMs, calls, conflicts },
    leftToSweep: left.length,
    ...(await lookAt(audit, facts)),
  };
}

async function lookAt({ store, ledger }: Audit, facts: readonly Fact[]) {
  const [first] = facts;
  if (first?.vmId === undefined) {
    throw new Error("There are no facts.");
  }
  const { chains, faults } = await checkChains(ledger, first.at.slice(0, 7));
  const found = new Set<string>();
  const span = { of: { vmId: first.vmId }, from: new Date(0), to: new Date() };
  for await (const { fact } of store.walk(span)) {
    found.add(fact.id);
  }
  const missing = facts.filter(({ id }) => !found.has(id));
  return {
    chains,
    faults: missing.length === 0 ? faults : [...faults, `${missing.length} facts are missing.`],
  };
}

function storiesOf(writers: number, seed: number): readonly (readonly Fact[])[] {
  const dice = createDice(seed);
  const { vms, people, approvers } = auditedEstate(tenantId, subscriptions);
  const month = new Date();
  const at = new Date(Date.UTC(month.getUTCFullYear(), month.getUTCMonth() - 1, 15, 12));
  return Array.from({ length: writers }, (_, index) =>
    endedEarly({
      at: new Date(at.getTime() + index),
      vm: vms[0] ?? raise(),
      requestor: people[index % people.length] ?? raise(),
      approver: approvers[0] ?? raise(),
      requestId: dice.guid(),
      callId: dice.guid(),
      port: 22,
      source: `198.18.0.${(index % 250) + 1}`,
      justification: "Everybody wants the same machine",
      minutes: 15,
    }),
  );
}

function raise(): never {
  throw new Error("The estate is empty.");
}
