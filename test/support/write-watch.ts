import type { Fact } from "../../src/activity/fact.ts";
import { gateFactLimits } from "../../src/activity/gate-facts.ts";
import type { ActivityStore } from "../../src/activity/store.ts";
import { idKey } from "../../src/policy/resource-id.ts";
import type { Network } from "../../src/ports.ts";
import type { FakeNetwork } from "./fake-network.ts";

/**
 * Watches the two laws of the facts of writes, whatever dies: no change on any gate is without a fact that said so before, and no fact
 * tells of a change that did not happen.
 */
export interface WriteWatch {
  /** The audit, and the network, as processes are to see them. */
  readonly activity: ActivityStore;
  readonly network: Network;
  /** What should never have been, a sentence each. */
  readonly wrongs: readonly string[];
  /** Facts of writes of which nobody has told what became of them. */
  unanswered(): readonly string[];
}

export function watchWrites(activity: ActivityStore, network: FakeNetwork): WriteWatch {
  const asked = new Set<string>();
  const ever = new Set<string>();
  const told = new Map<string, Set<string>>();
  const wrongs: string[] = [];
  const nameOf = (gateId: string, rule: string) => `${idKey(gateId)} ${rule.toLowerCase()}`;

  function look(gateId: string) {
    const reading = network.peek(gateId);
    const names = (reading?.gate.rules ?? []).map(({ name }) => name);
    for (const name of names) {
      ever.add(nameOf(gateId, name));
    }
    return { names, etag: reading?.etag };
  }

  function judge(fact: Fact): void {
    if (fact.outcome === "asked") {
      for (const { id, rules } of fact.gates ?? []) {
        for (const rule of rules) {
          asked.add(nameOf(id, rule));
        }
      }
    }
    const outcomes = told.get(nameOfWrite(fact)) ?? new Set();
    told.set(nameOfWrite(fact), outcomes.add(fact.outcome));
    if (fact.outcome === "done") {
      judgeDone(fact);
    }
  }

  function judgeDone(fact: Fact): void {
    for (const { id, rules, etag } of fact.gates ?? []) {
      const now = look(id);
      const never = rules.filter((rule) => !ever.has(nameOf(id, rule)));
      const gone = rules.filter((rule) => etag === now.etag && !now.names.includes(rule));
      wrongs.push(...never.map((rule) => `${fact.id}: ${rule} never was on ${id}`));
      wrongs.push(...gone.map((rule) => `${fact.id}: ${rule} was not on ${id} then`));
    }
    if (told.get(nameOfWrite(fact))?.has("asked") !== true) {
      wrongs.push(`${fact.id}: nobody asked for it`);
    }
  }

  return {
    activity: {
      ...activity,
      async record(facts) {
        await activity.record(facts);
        for (const fact of facts.filter(({ operation }) => operation === "gate.write")) {
          judge(fact);
        }
      },
    },
    network: {
      ...network,
      // As the network is at the moment: a test may put something else in its place.
      readGate: (gateId) => network.readGate(gateId),
      progress: (gateId, operation) => network.progress(gateId, operation),
      async write(reading, changes) {
        const { id } = reading.gate;
        const names = changes.map((change) =>
          change.kind === "put" ? change.rule.name : change.name,
        );
        const untold = names.filter((name) => !asked.has(nameOf(id, name)));
        if (names.length <= gateFactLimits.rules) {
          wrongs.push(...untold.map((name) => `${name} of ${id} is written and was not told`));
        }
        try {
          return await network.write(reading, changes);
        } finally {
          look(id);
        }
      },
    },
    wrongs,
    unanswered: () =>
      [...told].flatMap(([id, outcomes]) =>
        outcomes.has("done") || outcomes.has("failed") ? [] : [id],
      ),
  };
}

/** What the facts of one write have in common: `gate.write.{id}` and its VM. */
const nameOfWrite = ({ id, outcome }: Fact): string => id.replace(`.${outcome}.`, ".");
