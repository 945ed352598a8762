import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Fact } from "../../src/activity/fact.ts";
import { BadContinuation } from "../../src/activity/query.ts";
import type { ActivityStore, FactQuery } from "../../src/activity/store.ts";
import type { Reason } from "../../src/reasons.ts";
import { aFact, subscriptionId, vmId } from "../support/stored-samples.ts";

/** What every store of activity promises. */
export function activityStoreContract(open: () => ActivityStore): void {
  describe("the store of activity", () => {
    let activity: ActivityStore;

    beforeEach(() => {
      activity = open();
    });

    it("lists what happened to a VM, the newest first, whatever the case of its id", async () => {
      const [older, newer] = [
        aFact({ at: "2026-03-01T09:00:00.000Z" }),
        aFact({ at: "2026-03-01T09:00:00.001Z" }),
      ];
      await activity.record([older, newer, aFact({ vmId: vmId("web11") })]);

      const page = await activity.list(asked({ of: { vmId: vmId("WEB1") } }));

      expect(page).toEqual({ items: [newer, older] });
    });

    it("lists everything of a subscription, with or without a VM", async () => {
      const facts = [aFact({ vmId: undefined }), aFact(), aFact({ vmId: vmId("db1") })];
      await activity.record([
        ...facts,
        aFact({ subscriptionId: subscriptionId.replace("1", "9") }),
      ]);

      const page = await activity.list(
        asked({ of: { subscriptionId: subscriptionId.toUpperCase() } }),
      );

      expect(idsOf(page.items)).toEqual(idsOf(facts));
    });

    it("keeps every field of a fact", async () => {
      const fact = aFact({
        policyId: "/policy",
        actor: { tenantId: "tenant", objectId: "object", name: "alice" },
        sources: ["203.0.113.7"],
        gates: [{ id: "/gate", rules: ["JitAccess-1"] }],
        reasons: [{ code: "GateFull", message: "No place is left." }],
      });

      await activity.record([fact]);

      expect((await activity.list(asked())).items).toEqual([fact]);
    });

    it("records a fact once, however often and in whatever month it is told", async () => {
      const fact = aFact({ at: "2026-02-28T23:59:59.999Z", outcome: "done" });
      const retried = { ...fact, at: "2026-03-01T00:00:00.500Z" };
      const other = aFact({ at: "2026-03-01T00:00:01.000Z" });

      await activity.record([fact, fact]);
      await activity.record([retried]);
      await activity.record([other, retried]);

      for (const query of [asked(), asked({ of: { subscriptionId } })]) {
        expect((await activity.list(query)).items).toEqual([other, fact]);
      }
    });

    it("keeps a fact once when several retries record it at the same time", async () => {
      const fact = aFact();

      await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          activity.record([{ ...fact, at: `2026-03-0${index + 1}T09:00:00.000Z` }, aFact()]),
        ),
      );

      const { items } = await activity.list(asked({ top: 100 }));
      expect(items.filter((item) => item.id === fact.id)).toHaveLength(1);
      expect(items).toHaveLength(7);
    });

    it("records nothing for no facts", async () => {
      await activity.record([]);

      expect((await activity.list(asked())).items).toEqual([]);
    });

    it("records the facts of a policy of 250 VMs, each with its VM and all with the subscription", async () => {
      const facts = Array.from({ length: 250 }, (_, index) => aFact({ vmId: vmId(`vm-${index}`) }));

      await activity.record(facts);

      const all = await activity.list(asked({ of: { subscriptionId }, top: 1_000 }));
      const one = await activity.list(asked({ of: { vmId: vmId("vm-249") } }));
      expect(idsOf(all.items)).toEqual(idsOf(facts));
      expect(one.items).toEqual([facts[249]]);
    });

    it("records 100 facts at once that each tell 50 KB of reasons", async () => {
      const facts = Array.from({ length: 100 }, () => aFact({ reasons: [longReason()] }));

      await activity.record(facts);
      await activity.record(facts);

      const { items } = await activity.list(asked({ top: 100 }));
      expect(items.toSorted(byId)).toEqual(facts.toSorted(byId));
    }, 30_000);

    it("lists from the first moment asked for to the last, both included", async () => {
      const times = [
        "08:59:59.999",
        "09:00:00.000",
        "10:00:00.000",
        "11:00:00.000",
        "11:00:00.001",
      ];
      await activity.record(
        times.map((time) =>
          aFact({ id: time.slice(0, 2) + time.slice(-1), at: `2026-03-01T${time}Z` }),
        ),
      );

      const page = await activity.list(
        asked({ from: new Date("2026-03-01T09:00:00Z"), to: new Date("2026-03-01T11:00:00Z") }),
      );

      expect(page.items.map((fact) => fact.id)).toEqual(["110", "100", "090"]);
    });

    it.each([
      { case: "of a VM over months", query: { of: { vmId: vmId("web1") } } },
      { case: "of a subscription over days", query: { of: { subscriptionId } } },
    ])("pages $case without a gap or a double", async ({ query }) => {
      const facts = Array.from({ length: 23 }, (_, index) =>
        aFact({
          id: `fact-${index}`,
          at: new Date(Date.UTC(2025, 10, 20 + index * 5)).toISOString(),
        }),
      );
      const together = [0, 1, 2, 3].map((index) =>
        aFact({ id: `same-${index}`, at: "2026-01-31T00:00:00.000Z" }),
      );
      await activity.record([...facts, ...together]);

      const seen: string[] = [];
      let continuation: string | undefined;
      do {
        const page = await activity.list(asked({ ...query, top: 4, continuation }));
        expect(page.items.length).toBeLessThanOrEqual(4);
        seen.push(...page.items.map((fact) => fact.id));
        continuation = page.continuation;
      } while (continuation !== undefined);

      const expected = [...facts, ...together].sort((one, other) =>
        one.at === other.at ? (one.id < other.id ? -1 : 1) : one.at < other.at ? 1 : -1,
      );
      expect(seen).toEqual(expected.map((fact) => fact.id));
    });

    it("goes on where a page ended even if more has happened since", async () => {
      const [first, second, third] = [1, 2, 3].map((day) =>
        aFact({ at: `2026-03-0${day}T00:00:00.000Z` }),
      );
      await activity.record([first as Fact, second as Fact]);
      const page = await activity.list(asked({ top: 1 }));
      await activity.record([third as Fact]);

      const next = await activity.list(asked({ top: 1, continuation: page.continuation }));

      expect(page.items).toEqual([second]);
      expect(next).toEqual({ items: [first] });
    });

    it.each(["garbage", "e30", "", "eyJhIjoxfQ", "WyJhIiwiYiJd"])(
      "refuses '%s' as a continuation",
      async (continuation) => {
        await expect(activity.list(asked({ continuation }))).rejects.toThrow(BadContinuation);
      },
    );

    it("asks back to the beginning of time without harm", async () => {
      const fact = aFact();
      await activity.record([fact]);

      const page = await activity.list(
        asked({ from: new Date(0), to: new Date("9999-12-31T00:00:00Z") }),
      );

      expect(page.items).toEqual([fact]);
    });
  });
}

function asked(fields: Partial<FactQuery> = {}): FactQuery {
  return {
    of: { vmId: vmId("web1") },
    from: new Date("2025-11-01T00:00:00Z"),
    to: new Date("2026-04-01T00:00:00Z"),
    top: 50,
    ...fields,
  };
}

/** Does not get shorter by compression, as no real text would be that bad. */
function longReason(): Reason {
  return { code: "GateFull", message: randomBytes(37_500).toString("base64") };
}

const byId = (one: Fact, other: Fact): number => (one.id < other.id ? -1 : 1);

function idsOf(facts: readonly Fact[]): readonly string[] {
  return facts.map((fact) => fact.id).sort();
}
