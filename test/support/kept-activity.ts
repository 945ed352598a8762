import { setImmediate as quiet } from "node:timers/promises";
import type { Fact } from "../../src/activity/fact.ts";
import { createLog } from "../../src/log.ts";
import { type KeepPorts, keepActivity } from "../../src/workflow/keep-activity.ts";
import {
  monthsOf,
  readAnchors,
  type VerifyPorts,
  verifyOneMonth,
} from "../../src/workflow/verify-activity.ts";
import { createFakeActivity } from "./fake-activity.ts";
import { createFakeAnchors, createFakeDrops } from "./fake-anchors.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createFixedClock } from "./fixed-clock.ts";
import { sha256 } from "./stored-chains.ts";
import { aFact } from "./stored-samples.ts";

/** An audit with its anchors in memory, at a time of its own. */
export function createKeptActivity(startsAt: string) {
  const clock = createFixedClock(startsAt);
  const logged: string[] = [];
  const [fake, anchors, anchorContainer, drops] = [
    createFakeActivity(),
    createFakeAnchors(),
    createFakeAnchors(),
    createFakeDrops(),
  ];
  const ports = {
    clock,
    ids: { digest: sha256 },
    log: createLog((_level, line) => logged.push(JSON.parse(line).what ?? JSON.parse(line).event)),
    ledger: fake.ledger,
    activity: fake.activity,
    anchors,
    anchorContainer,
    drops,
  };

  /** What the timer does, in a process of its own. */
  async function keep(
    options: { readonly retentionDays?: number; readonly faults?: Faults } = {},
  ): Promise<void> {
    const { retentionDays, faults = createFaults() } = options;
    const through = <T extends object>(name: string, port: T, streams: Partial<T> = {}): T => ({
      ...faults.through(name, { ...port }),
      ...streams,
    });
    const process: KeepPorts = {
      ...ports,
      activity: through("activity", fake.activity),
      ledger: through("ledger", fake.ledger),
      anchors: through("anchors", anchors, { since: anchors.since }),
      anchorContainer: through("container", anchorContainer, { since: anchorContainer.since }),
      drops: through("drops", drops),
      retentionDays,
    };
    let isDone = false;
    const run = keepActivity(process).finally(() => {
      isDone = true;
    });
    // A process that dies never comes to its end.
    await Promise.race([run, standsStill(() => isDone)]);
  }

  return {
    ...ports,
    logged,
    tamper: fake.tamper,
    keep,
    record: (...facts: readonly Partial<Fact>[]) => fake.activity.record(facts.map(aFact)),
    verify: (from: string, to: string) => verifyAll(ports, { from, to }),
    async drops(): Promise<readonly Fact[]> {
      const found: Fact[] = [];
      for (const month of await fake.ledger.months()) {
        for await (const item of fake.ledger.rows(month)) {
          const fact: Fact | undefined = "row" in item ? JSON.parse(item.row.text) : undefined;
          found.push(...(fact?.operation === "activity.drop" ? [fact] : []));
        }
      }
      return found.sort((one, other) => (one.at < other.at ? -1 : 1));
    },
  };
}

/** Everything of these months, as `npm run verify` looks at it. */
export async function verifyAll(
  ports: VerifyPorts,
  span: { readonly from: string; readonly to: string },
) {
  const there = await ports.ledger.months();
  const anchors = await readAnchors(ports, span.from);
  const problems = [...anchors.problems];
  for (const month of monthsOf(there, anchors, span)) {
    const isThere = there.includes(month);
    problems.push(...((await verifyOneMonth(ports, month, anchors, { isThere }))?.problems ?? []));
  }
  return problems.map(({ kind, chain, sequence, factId }) => ({ kind, chain, sequence, factId }));
}

async function standsStill(isDone: () => boolean): Promise<void> {
  for (let round = 0; round < 20 && !isDone(); round += 1) {
    await quiet();
  }
}
