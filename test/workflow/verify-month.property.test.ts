import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Fact } from "../../src/activity/fact.ts";
import type { ChainRow } from "../../src/activity/store.ts";
import { anchorDaily } from "../../src/workflow/anchor-activity.ts";
import { readAnchors, verifyOneMonth } from "../../src/workflow/verify-activity.ts";
import { createFakeActivity } from "../support/fake-activity.ts";
import { createFakeAnchors } from "../support/fake-anchors.ts";
import { createFixedClock } from "../support/fixed-clock.ts";
import { fewRuns } from "../support/property-runs.ts";
import {
  forged,
  ledgerOver,
  type StoredChain,
  sha256,
  storedChains,
} from "../support/stored-chains.ts";
import { vmId } from "../support/stored-samples.ts";

const month = "2026-03";
const subscriptions = [
  "11111111-2222-3333-4444-555555555555",
  "99999999-2222-3333-4444-555555555555",
];
const people = ["alice", "bob"].map((name) => ({ tenantId: "t", objectId: name, name }));

const facts = fc
  .array(
    fc.record({
      at: fc.date({
        min: new Date("2026-03-01T00:00:00Z"),
        max: new Date("2026-03-04T23:59:59Z"),
        noInvalidDate: true,
      }),
      subscriptionId: fc.constantFrom(...subscriptions),
      vmId: fc.option(fc.constantFrom(vmId("web1"), vmId("db1")), { nil: undefined }),
      actor: fc.option(fc.constantFrom(...people), { nil: undefined }),
      requestId: fc.option(fc.constantFrom("request-1", "request-2"), { nil: undefined }),
    }),
    { minLength: 2, maxLength: 14 },
  )
  .map((all) =>
    all.map(
      (one, index): Fact => ({
        ...one,
        id: `fact-${index}`,
        at: one.at.toISOString(),
        operation: "access.open",
        outcome: "done",
      }),
    ),
  );

type Chains = Map<string, StoredChain>;
interface Place {
  readonly chain: string;
  readonly stored: StoredChain;
  readonly index: number;
}

const otherText = ({ text }: ChainRow) =>
  JSON.stringify({ ...JSON.parse(text), comment: "forged" });
const row = ({ stored, index }: Place): ChainRow => stored.rows[index] as ChainRow;
const put = ({ stored, index }: Place, change: Partial<ChainRow>): void => {
  stored.rows[index] = { ...row({ stored, index } as Place), ...change };
};
const rewrite = ({ chain, stored }: Place, rows: readonly ChainRow[]): void => {
  Object.assign(stored, forged(chain, rows));
};

/** Each does one thing to storage, and answers whether there was anything to do it to. */
const tamperings: Readonly<
  Record<string, (place: Place, other: Place, chains: Chains) => boolean>
> = {
  "a text is altered": (place) => {
    put(place, { text: otherText(row(place)) });
    return true;
  },
  "a text is altered, with its hash": (place) => {
    const { previous, sequence } = row(place);
    const text = otherText(row(place));
    put(place, { text, hash: sha256(`${previous}\n${sequence}\n${text}`) });
    return true;
  },
  "a text is altered, with all hashes from there on": (place) => {
    put(place, { text: otherText(row(place)) });
    rewrite(place, place.stored.rows);
    return true;
  },
  "a fact is removed": (place) => {
    place.stored.rows.splice(place.index, 1);
    return true;
  },
  "a fact is removed, and the others are numbered anew": (place) => {
    place.stored.rows.splice(place.index, 1);
    rewrite(place, place.stored.rows);
    return place.stored.rows.length > 0;
  },
  "a chain is cut at its end, and its head set back": (place) => {
    rewrite(place, place.stored.rows.slice(0, place.index));
    return place.index > 0;
  },
  "two facts take each other's place": (place) => {
    const { rows } = place.stored;
    const [one, next] = [row(place), rows[(place.index + 1) % rows.length] as ChainRow];
    const nextPlace = { ...place, index: rows.indexOf(next) };
    put(place, { text: next.text, rowKey: next.rowKey });
    put(nextPlace, { text: one.text, rowKey: one.rowKey });
    return rows.length > 1;
  },
  "two facts take each other's place, and all are numbered anew": (place) => {
    const { rows } = place.stored;
    const [first, ...rest] = rows;
    rewrite(place, first === undefined ? [] : [...rest, first]);
    // Of other chains only what they hold is held fast, not in which order it came there.
    return rows.length > 1 && place.chain.includes("/subscription|");
  },
  "two numbers are exchanged": (place) => {
    const { rows } = place.stored;
    const next = { ...place, index: (place.index + 1) % rows.length };
    const [one, other] = [row(place).sequence, row(next).sequence];
    put(place, { sequence: other });
    put(next, { sequence: one });
    return rows.length > 1;
  },
  "a fact is moved into another chain": (place, other) => {
    const [moved] = place.stored.rows.splice(place.index, 1);
    const isThere = other.stored.rows.some(({ rowKey }) => rowKey === moved?.rowKey);
    rewrite(other, [...other.stored.rows, moved as ChainRow]);
    return place.chain !== other.chain && !isThere;
  },
  "a fact is copied under another key": (place) => {
    rewrite(place, [...place.stored.rows, { ...row(place), rowKey: `${row(place).rowKey}-again` }]);
    return true;
  },
  "a head is removed": (place) => {
    place.stored.head = undefined;
    return true;
  },
  "a head is changed": (place) => {
    const head = place.stored.head;
    place.stored.head = head && { ...head, hash: sha256("forged") };
    return true;
  },
  "a whole chain is removed": (place, _other, chains) => chains.delete(place.chain),
};

async function prepared(all: readonly Fact[]) {
  const clock = createFixedClock("2026-04-10T00:00:00Z");
  const { activity, ledger } = createFakeActivity();
  await activity.record(all);
  const anchors = createFakeAnchors();
  const ports = { clock, ids: { digest: sha256 }, ledger, activity, anchors };
  await anchorDaily(ports);
  const chains = await storedChains(ledger);
  for (const stored of chains.values()) {
    stored.rows.sort((one, other) => one.sequence - other.sequence);
  }
  return { ports: { ...ports, ledger: ledgerOver(chains, ledger) }, chains };
}

type Ports = Awaited<ReturnType<typeof prepared>>["ports"];
async function verified(ports: Ports, subscriptionId?: string) {
  const anchors = await readAnchors(ports, month);
  return verifyOneMonth(ports, month, anchors, { isThere: true, subscriptionId });
}

function placeIn(chains: Chains, at: number): Place {
  const all = [...chains].flatMap(([chain, stored]) =>
    stored.rows.map((_, index) => ({ chain, stored, index })),
  );
  return all[at % all.length] as Place;
}

describe("verifying a month of activity", () => {
  it("finds nothing where nothing was done to it, and counts each fact once", async () => {
    await fc.assert(
      fc.asyncProperty(facts, async (all) => {
        const { ports, chains } = await prepared(all);

        expect(await verified(ports)).toEqual({
          chains: chains.size,
          facts: all.length,
          problems: [],
        });
      }),
      fewRuns,
    );
  });

  it.each(Object.keys(tamperings))("finds that %s, and in which chain", async (name) => {
    await fc.assert(
      fc.asyncProperty(facts, fc.nat(), fc.nat(), async (all, at, elsewhere) => {
        const { ports, chains } = await prepared(all);
        const [place, other] = [placeIn(chains, at), placeIn(chains, elsewhere)];
        fc.pre(tamperings[name]?.(place, other, chains) === true);

        const found = (await verified(ports))?.problems ?? [];

        expect(found.length).toBeGreaterThan(0);
        for (const { chain } of found) {
          expect([place.chain, other.chain]).toContain(chain);
        }
      }),
      fewRuns,
    );
  });

  it("tells a reader of one subscription what concerns it, and of others nothing", async () => {
    await fc.assert(
      fc.asyncProperty(facts, fc.nat(), async (all, at) => {
        const { ports, chains } = await prepared(all);
        const place = placeIn(chains, at);
        const whose = JSON.parse(row(place).text).subscriptionId;
        put(place, { text: otherText(row(place)) });

        for (const subscriptionId of subscriptions) {
          const found = (await verified(ports, subscriptionId))?.problems ?? [];
          expect(found.map(({ kind }) => kind)).toEqual(
            subscriptionId === whose ? ["altered"] : [],
          );
        }
      }),
      fewRuns,
    );
  });
});
