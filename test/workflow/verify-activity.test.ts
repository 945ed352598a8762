import { beforeEach, describe, expect, it } from "@jest/globals";
import { chainHash } from "../../src/activity/chain.ts";
import type { ChainRow, Ledger } from "../../src/activity/store.ts";
import { allOf } from "../support/all-of.ts";
import { createKeptActivity, verifyAll } from "../support/kept-activity.ts";
import { forged, ledgerOver, sha256, storedChains } from "../support/stored-chains.ts";
import { aFact, subscriptionId, vmId } from "../support/stored-samples.ts";

const [vmChain, dayChain] = ["/vm|", "/subscription|"];
const march = { from: "2026-03", to: "2026-03" };

describe("verifying the activity", () => {
  let kept: ReturnType<typeof createKeptActivity>;
  let facts: readonly string[];

  beforeEach(async () => {
    kept = createKeptActivity("2026-03-10T12:17:45Z");
    facts = ["fact-1", "fact-2", "fact-3"];
    await kept.record(...facts.map((id, index) => ({ id, at: `2026-03-09T0${index}:00:00.000Z` })));
    await kept.keep();
  });

  const verify = () => kept.verify(march.from, march.to);
  const chains = () => storedChains(kept.ledger);
  const chainOf = async (kind: string) =>
    [...(await chains()).keys()].find((name) => name.includes(kind)) ?? "";
  const rowOf = async (chain: string, sequence: number) =>
    (await chains()).get(chain)?.rows.find((row) => row.sequence === sequence) as ChainRow;

  it("tells a changed row with its chain, its number and its fact", async () => {
    const chain = await chainOf(vmChain);
    const { text } = await rowOf(chain, 2);
    kept.tamper.alter(chain, 2, { text: text.replace("fact-2", "fact-9") });

    expect(await verify()).toEqual([{ kind: "altered", chain, sequence: 2, factId: "fact-9" }]);
  });

  it("tells of several in a chain the first", async () => {
    const chain = await chainOf(vmChain);
    kept.tamper.remove(chain, 3);
    kept.tamper.remove(chain, 2);
    kept.tamper.alter(chain, 1, { text: "{" });

    expect(await verify()).toEqual([{ kind: "altered", chain, sequence: 1, factId: undefined }]);
  });

  it("tells which fact lacks where a chain was cut and its head set back", async () => {
    const chain = await chainOf(vmChain);
    const before = await rowOf(chain, 2);
    kept.tamper.remove(chain, 3);
    kept.tamper.setHead(chain, { sequence: 2, hash: before.hash });

    expect(await verify()).toEqual([
      { kind: "missing", chain, sequence: undefined, factId: "fact-3" },
    ]);
  });

  it("finds by the anchor that all chains were cut alike", async () => {
    const stored = await chains();
    for (const [chain, { rows }] of stored) {
      const left = rows.filter(({ sequence }) => sequence < 3);
      stored.set(
        chain,
        forged(
          chain,
          left.toSorted((one, other) => one.sequence - other.sequence),
        ),
      );
    }
    const ports = { ...kept, ledger: ledgerOver(stored, kept.ledger) };

    expect(await verifyAll(ports, march)).toEqual([
      { kind: "cut", chain: await chainOf(dayChain), sequence: 3, factId: undefined },
    ]);
  });

  it("finds by the anchor that all chains were written anew with another text", async () => {
    const stored = await chains();
    for (const [chain, { rows }] of stored) {
      const changed = rows.map((row) => ({ ...row, text: row.text.replace("access.", "policy.") }));
      stored.set(
        chain,
        forged(
          chain,
          changed.toSorted((one, other) => one.sequence - other.sequence),
        ),
      );
    }
    const found = await verifyAll({ ...kept, ledger: ledgerOver(stored, kept.ledger) }, march);

    expect(found).toMatchObject([{ kind: "anchorDiffers", chain: await chainOf(dayChain) }]);
  });

  it("takes a fact that is on its way into its chains for none that is missing", async () => {
    // Begun before the look, however old it says it is; the VM's chain gets it when the sweep finishes it.
    await kept.record({ id: "late", at: "2026-03-09T05:00:00.000Z" });
    const whole = await chains();
    const chain = await chainOf(vmChain);
    const partly = new Map(whole);
    const rows = (whole.get(chain)?.rows ?? []).toSorted(
      (one, other) => one.sequence - other.sequence,
    );
    partly.set(chain, forged(chain, rows.slice(0, -1)));
    const ledger: Ledger = {
      ...ledgerOver(partly, kept.ledger),
      async complete() {
        partly.set(chain, forged(chain, rows));
        return [];
      },
    };

    expect(await verifyAll({ ...kept, ledger }, march)).toEqual([]);
    partly.set(chain, forged(chain, rows.slice(0, -1)));
    const stuck = { ...ledger, complete: async () => [] };
    expect(await verifyAll({ ...kept, ledger: stuck }, march)).toMatchObject([
      { kind: "missing", chain, factId: "late" },
    ]);
  });

  it("takes facts that are recorded during the look for what they are", async () => {
    let count = 0;
    const ledger: Ledger = {
      ...kept.ledger,
      async *rows(month) {
        for await (const item of kept.ledger.rows(month)) {
          yield item;
          if ("head" in item) {
            count += 1;
            await kept.record({ id: `meanwhile-${count}`, at: "2026-03-10T12:17:40.000Z" });
          }
        }
      },
    };

    expect(await verifyAll({ ...kept, ledger }, march)).toEqual([]);
    expect(count).toBeGreaterThan(1);
  });

  it("finds a row behind the head that no writer put there", async () => {
    const chain = await chainOf(vmChain);
    const last = await rowOf(chain, 3);
    const text = JSON.stringify(aFact({ id: "planted", at: "2026-03-09T09:00:00.000Z" }));
    const stored = await chains();
    const planted = {
      ...last,
      sequence: 4,
      previous: last.hash,
      text,
      hash: chainHash(sha256, last.hash, 4, text),
    };
    stored.get(chain)?.rows.push(planted);
    const found = await verifyAll({ ...kept, ledger: ledgerOver(stored, kept.ledger) }, march);

    expect(found).toMatchObject([{ kind: "misplaced", chain, sequence: 4, factId: "planted" }]);
  });

  it("takes a text that is no fact for altered, whatever stands in it", async () => {
    const chain = await chainOf(vmChain);
    const others = ["", "null", "[]", "{}", '{"id":"a","at":"then","subscriptionId":"b"}'];
    const odd = { ...aFact({ at: "2026-03-09T01:00:00.000Z" }), vmId: 5, requestId: {} };
    for (const text of [...others, JSON.stringify(odd)]) {
      const stored = await chains();
      const rows = (stored.get(chain)?.rows ?? []).toSorted(
        (one, two) => one.sequence - two.sequence,
      );
      const changed = rows.map((row) => (row.sequence === 2 ? { ...row, text } : row));
      stored.set(chain, forged(chain, changed));
      const found = await verifyAll({ ...kept, ledger: ledgerOver(stored, kept.ledger) }, march);

      expect(found).toMatchObject([{ kind: "altered", chain, sequence: 2 }]);
    }
  });

  it("finds a month that is gone without a word", async () => {
    await kept.ledger.drop("2026-03");

    expect(await verify()).toMatchObject([{ kind: "monthMissing", chain: "2026-03" }]);
  });

  it("finds an anchor that was altered, is gone, or says another thing in the container", async () => {
    kept.clock.advance(86_400_000);
    await kept.keep();
    kept.clock.advance(86_400_000);
    await kept.keep();
    const [first] = await allOf(kept.anchors.since(new Date(0)));
    const text = (first?.text ?? "").replace('"sequence":3', '"sequence":2');

    kept.anchors.tamper(1, { text });
    expect(await verify()).toMatchObject([
      { kind: "anchorAltered", chain: "anchors", sequence: 2 },
    ]);
    kept.anchors.tamper(1, { text: first?.text ?? "" });
    kept.anchorContainer.tamper(2, "remove");
    expect(await verify()).toMatchObject([
      { kind: "anchorMissing", chain: "anchors", sequence: 2 },
    ]);
  });

  it("takes an anchor that tells of no month for altered, and reads on", async () => {
    const [first] = await allOf(kept.anchors.since(new Date(0)));
    const { at = "", sequence = 1 } = first ?? {};
    const heads = [{ chain: "no/month", sequence: 1, hash: "0".repeat(64) }];
    const text = JSON.stringify({ version: 1, sequence, at, previous: "0".repeat(64), heads });
    kept.anchors.tamper(1, { text });
    kept.anchorContainer.tamper(1, { text });

    expect(await verify()).toMatchObject([{ kind: "anchorAltered", sequence: 1 }]);
  });

  it("says nothing against anchors that the container does not have yet", async () => {
    kept.clock.advance(86_400_000);
    kept.anchorContainer.put = () => Promise.reject(new Error("503"));
    await kept.keep();

    expect(await kept.anchorContainer.numbers()).toEqual(new Set([1]));
    expect(await verify()).toEqual([]);
  });

  it("believes the container where the table's anchors were taken away and its chains cut", async () => {
    const stored = await chains();
    const cut = new Map(
      [...stored].map(([chain, { rows }]) => {
        const left = rows.filter(({ sequence }) => sequence < 2);
        return [chain, forged(chain, left)] as const;
      }),
    );
    kept.anchors.tamper(1, "remove");
    const found = await verifyAll({ ...kept, ledger: ledgerOver(cut, kept.ledger) }, march);

    expect(found.map(({ kind }) => kind)).toEqual(["anchorMissing", "cut"]);
  });

  it("looks at facts of persons and requests too", async () => {
    const person = { tenantId: "tenant", objectId: "object", name: "alice" };
    await kept.record({
      id: "of-alice",
      at: "2026-03-09T11:00:00.000Z",
      vmId: vmId("db1"),
      actor: person,
      requestId: "request",
      subscriptionId,
    });
    const chain = await chainOf("/person|");
    kept.tamper.alter(chain, 1, { hash: "0".repeat(64) });

    expect(await verify()).toMatchObject([{ kind: "altered", chain, factId: "of-alice" }]);
  });
});
