import { beforeEach, describe, expect, it } from "@jest/globals";
import type { ActivityStore, Ledger } from "../../src/activity/store.ts";
import { allOf } from "../support/all-of.ts";
import { countFacts, faultsOf } from "../support/chain-check.ts";
import { aFact, subscriptionId, vmId } from "../support/stored-samples.ts";

interface Opened {
  readonly activity: ActivityStore;
  readonly ledger: Ledger;
  /** Whoever records next, and first of all, dies once the facts are claimed. */
  interruptNext(): void;
}

/** What every ledger promises to those who verify, anchor, export and drop. */
export function ledgerContract(open: () => Opened): void {
  describe("the ledger of the activity", () => {
    let activity: ActivityStore;
    let ledger: Ledger;
    let interruptNext: () => void;

    beforeEach(() => {
      ({ activity, ledger, interruptNext } = open());
    });

    it("is empty before the first fact", async () => {
      expect(await ledger.months()).toEqual([]);
      expect(await allOf(ledger.rows("2026-03"))).toEqual([]);
      expect(await ledger.head("2026-03/vm|none")).toBeUndefined();
      expect(await ledger.after("2026-03/vm|none", 0, 10)).toEqual([]);
      expect(await ledger.daysOf(subscriptionId, "2026-03-01", "2026-03-31")).toEqual([]);
      expect(await ledger.subscriptions("2026-03")).toEqual([]);
      expect(await ledger.complete(new Date(Date.now() + 60_000))).toEqual([]);
    });

    it("knows the months that hold facts, oldest first", async () => {
      await activity.record(
        ["2026-03-01", "2025-12-31", "2026-01-15"].map((day) =>
          aFact({ at: `${day}T00:00:00.000Z` }),
        ),
      );

      expect(await ledger.months()).toEqual(["2025-12", "2026-01", "2026-03"]);
    });

    it("gives of each chain the head first, and then facts that follow each other by their hashes", async () => {
      const person = { tenantId: "tenant", objectId: "object", name: "alice" };
      for (let count = 0; count < 3; count += 1) {
        await activity.record([
          aFact({ actor: person, requestor: person, requestId: "request" }),
          aFact({ vmId: vmId("db1") }),
        ]);
      }

      const rows = await allOf(ledger.rows("2026-03"));

      const chains = rows.map((one) => ("head" in one ? one.head : one.row).chain);
      expect(rows.filter((one) => "head" in one)).toHaveLength(5);
      expect(rows).toHaveLength(5 + 6 + 3 * 4);
      expect(chains).toEqual([...chains].sort());
      expect("head" in (rows[0] ?? {})).toBe(true);
      expect(await faultsOf(ledger)).toEqual([]);
      expect(await countFacts(ledger)).toBe(6);
    });

    it("keeps the text and the place of a fact that is told again with another content", async () => {
      const fact = aFact({ justification: "first" });
      await activity.record([fact]);

      await activity.record([{ ...fact, justification: "second", vmId: vmId("db1") }]);

      const rows = await allOf(ledger.rows("2026-03"));
      expect(rows.filter((one) => "row" in one)).toHaveLength(2);
      expect(await faultsOf(ledger)).toEqual([]);
    });

    it("gives the facts of a chain in the order of recording, from where a reader was", async () => {
      const facts = [5, 3, 4, 1].map((day) =>
        aFact({ id: `day-${day}`, at: `2026-03-0${day}T09:00:00.000Z` }),
      );
      for (const fact of facts) {
        await activity.record([fact]);
      }
      const chain = await chainOfVm();

      const first = await ledger.after(chain, 0, 3);
      const rest = await ledger.after(chain, first.at(-1)?.position.sequence ?? 0, 3);

      expect([...first, ...rest].map(({ fact }) => fact)).toEqual(facts);
      expect([...first, ...rest].map(({ position }) => position.sequence)).toEqual([1, 2, 3, 4]);
      expect(await ledger.after(chain, 4, 3)).toEqual([]);
      expect(await ledger.head(chain)).toEqual(rest.at(-1)?.position);
    });

    it("knows the days of a subscription that have facts, newest first", async () => {
      const days = ["2026-01-31", "2026-02-01", "2026-02-14", "2026-03-01"];
      await activity.record(days.map((day) => aFact({ at: `${day}T23:59:59.999Z` })));
      await activity.record([aFact({ subscriptionId: "another", at: "2026-02-02T00:00:00.000Z" })]);

      const heads = await ledger.daysOf(subscriptionId.toUpperCase(), "2026-02-01", "2026-03-31");

      expect(heads.map(({ chain, sequence }) => [chain.slice(0, 7), sequence])).toEqual([
        ["2026-03", 1],
        ["2026-02", 1],
        ["2026-02", 1],
      ]);
      expect((await ledger.after(heads[1]?.chain ?? "", 0, 9)).map(({ fact }) => fact.at)).toEqual([
        "2026-02-14T23:59:59.999Z",
      ]);
    });

    it("knows the subscriptions of a month", async () => {
      const others = ["9", "a", "a-b", "ab"];
      await activity.record(others.map((id) => aFact({ subscriptionId: id })));
      await activity.record([1, 2, 3].map((day) => aFact({ at: `2026-03-0${day}T00:00:00.000Z` })));
      await activity.record([aFact({ subscriptionId: "april", at: "2026-04-01T00:00:00.000Z" })]);

      expect([...(await ledger.subscriptions("2026-03"))].sort()).toEqual(
        [...others, subscriptionId].sort(),
      );
    });

    it("finishes what somebody began who died then, once, and answers it", async () => {
      const facts = [aFact({ id: "one" }), aFact({ id: "two", vmId: vmId("db1") })];
      const soon = new Date(Date.now() + 60_000);
      interruptNext();
      await activity.record(facts).catch(() => undefined);
      const before = await countFacts(ledger);

      const [finished, again] = [await ledger.complete(soon), await ledger.complete(soon)];

      expect(before).toBe(0);
      expect(finished).toEqual(facts);
      expect(again).toEqual([]);
      expect(await countFacts(ledger)).toBe(2);
      expect(await faultsOf(ledger)).toEqual([]);
    });

    it("drops a month as a whole, and only that one", async () => {
      const [old, young] = [aFact({ at: "2026-02-10T00:00:00.000Z" }), aFact()];
      await activity.record([old, young]);

      await ledger.drop("2026-02");
      await ledger.drop("2026-02");
      await ledger.drop("1999-01");

      expect(await ledger.months()).toEqual(["2026-03"]);
      expect(await allOf(ledger.rows("2026-02"))).toEqual([]);
      const page = await activity.list({
        of: { subscriptionId },
        from: new Date(0),
        to: new Date("2027-01-01"),
        top: 10,
      });
      expect(page.items).toEqual([young]);
    });

    async function chainOfVm(): Promise<string> {
      for await (const one of ledger.rows("2026-03")) {
        const { chain } = "head" in one ? one.head : one.row;
        if (chain.includes("/vm|")) {
          return chain;
        }
      }
      return "";
    }
  });
}
