import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Fact } from "../../src/activity/fact.ts";
import { BadContinuation } from "../../src/activity/query.ts";
import type { ActivityStore, FactFilter, FactQuery } from "../../src/activity/store.ts";
import { allOf } from "../support/all-of.ts";
import { aFact, policyId, subscriptionId, vmId } from "../support/stored-samples.ts";

const [alice, bob] = ["alice", "bob"].map((name) => ({
  tenantId: "0000000a-0000-4000-8000-000000000000",
  objectId: `${name === "alice" ? "a" : "b"}1111111-0000-4000-8000-000000000000`,
  name,
})) as [NonNullable<Fact["actor"]>, NonNullable<Fact["actor"]>];

/** What every store of activity promises about whose facts, and which of them, can be asked for. */
export function activityHistoriesContract(open: () => { readonly activity: ActivityStore }): void {
  describe("the histories in the activity", () => {
    let activity: ActivityStore;

    beforeEach(() => {
      ({ activity } = open());
    });

    it("tell what a person did, and what was done with their requests, once each", async () => {
      const own = aFact({ at: at(4), actor: alice, requestor: alice });
      const approved = aFact({ at: at(3), actor: bob, requestor: alice });
      const reviewed = aFact({ at: at(2), actor: alice, requestor: bob });
      await activity.record([own, approved, reviewed, aFact({ actor: bob })]);

      const person = { tenantId: alice.tenantId, objectId: alice.objectId.toUpperCase() };

      expect((await activity.list(asked({ of: { person } }))).items).toEqual([
        own,
        approved,
        reviewed,
      ]);
    });

    it("tell the story of a request over months and machines", async () => {
      const requestId = "0ACE0ACE-0000-4000-8000-000000000000";
      const story = [
        aFact({ at: "2026-03-01T00:00:00.000Z", requestId, vmId: vmId("db1") }),
        aFact({ at: "2026-02-28T23:00:00.000Z", requestId: requestId.toLowerCase() }),
      ];
      await activity.record([...story, aFact({ requestId: "another" })]);

      const page = await activity.list(asked({ of: { requestId: requestId.toLowerCase() } }));

      expect(page.items).toEqual(story);
    });

    const samples = [
      aFact({ id: "open", at: at(5), actor: alice, requestId: "r-1" }),
      aFact({ id: "refused", at: at(4), outcome: "refused", operation: "access.initiate" }),
      aFact({ id: "db", at: at(3), vmId: vmId("db1"), requestor: bob }),
      aFact({ id: "policy", at: at(2), vmId: undefined, policyId: policyId("default") }),
      aFact({ id: "said", at: at(1), vmId: undefined, justification: "Ticket O'Brien 7" }),
    ];
    it.each<{ case: string; where: FactFilter; ids: readonly string[] }>([
      { case: "an outcome", where: { outcomes: ["refused", "failed"] }, ids: ["refused"] },
      { case: "an operation", where: { operations: ["access.initiate"] }, ids: ["refused"] },
      { case: "no operation at all", where: { operations: [] }, ids: [] },
      { case: "a VM", where: { vmId: vmId("DB1").toUpperCase() }, ids: ["db"] },
      {
        case: "a resource group",
        where: { resourceGroup: "sHOP" },
        ids: ["open", "refused", "db", "policy"],
      },
      { case: "a person", where: { person: bob.objectId.toUpperCase() }, ids: ["db"] },
      { case: "a request", where: { requestId: "R-1" }, ids: ["open"] },
      { case: "another subscription", where: { subscriptionId: "another" }, ids: [] },
      { case: "a text", where: { text: "o'brien" }, ids: ["said"] },
      {
        case: "a quote, which is not there",
        where: { requestId: "' or 'a' eq 'a" },
        ids: [],
      },
      {
        case: "more than the storage itself can filter",
        where: {
          operations: [
            "access.open",
            "access.close",
            "access.initiate",
            "access.approve",
            "access.deny",
            "access.expire",
            "gate.repair",
            "gate.clean",
            "policy.write",
            "policy.delete",
            "access.extend",
            "access.revoke",
          ],
          outcomes: ["done"],
          vmId: vmId("web1"),
          person: alice.objectId,
        },
        ids: ["open"],
      },
    ])("give only what has $case where that is asked for", async ({ where, ids }) => {
      await activity.record(samples);
      const query = asked({ of: { subscriptionId }, where });

      const walked = await allOf(activity.walk(query));

      expect((await activity.list(query)).items.map(({ id }) => id)).toEqual(ids);
      expect(walked.map(({ fact }) => fact.id)).toEqual(ids);
    });

    it("page what a filter lets through without a gap or a double", async () => {
      const facts = Array.from({ length: 20 }, (_, index) =>
        aFact({
          id: `fact-${index}`,
          at: new Date(Date.UTC(2026, 0, 1 + index * 4)).toISOString(),
          outcome: index % 3 === 0 ? "failed" : "done",
        }),
      );
      await activity.record(facts);
      const seen: string[] = [];
      let continuation: string | undefined;

      do {
        const page = await activity.list(
          asked({ of: { subscriptionId }, where: { outcomes: ["failed"] }, top: 2, continuation }),
        );
        seen.push(...page.items.map(({ id }) => id));
        continuation = page.continuation;
      } while (continuation !== undefined);

      expect(seen).toEqual([18, 15, 12, 9, 6, 3, 0].map((index) => `fact-${index}`));
    });

    it("are walked as a whole, each fact with its place in the chain", async () => {
      const facts = [1, 2, 3].map((day) => aFact({ id: `day-${day}`, at: at(day) }));
      for (const fact of facts) {
        await activity.record([fact]);
      }

      const walked = await allOf(activity.walk(asked()));

      expect(walked.map(({ fact }) => fact)).toEqual(facts.toReversed());
      expect(walked.map(({ position }) => position.sequence)).toEqual([3, 2, 1]);
      expect(new Set(walked.map(({ position }) => position.chain)).size).toBe(1);
      expect(walked[0]?.position).toMatchObject({
        chain: expect.stringMatching(/^2026-03\/vm\|/),
        hash: expect.stringMatching(/^[\da-f]{64}$/),
      });
    });

    it("do not go on where another one ended", async () => {
      await activity.record([1, 2].map((day) => aFact({ at: at(day), actor: alice })));
      const { continuation } = await activity.list(asked({ of: { subscriptionId }, top: 1 }));
      const elsewhere = asked({ of: { person: bob }, continuation });

      const outcome = await activity.list(elsewhere).catch((error: unknown) => error);

      expect(outcome instanceof BadContinuation ? { items: [] } : outcome).toEqual({ items: [] });
    });
  });
}

const at = (day: number): string => `2026-03-0${day}T09:00:00.000Z`;

function asked(fields: Partial<FactQuery> = {}): FactQuery {
  return {
    of: { vmId: vmId("web1") },
    from: new Date("2025-11-01T00:00:00Z"),
    to: new Date("2026-04-01T00:00:00Z"),
    top: 50,
    ...fields,
  };
}
