import { beforeEach, describe, expect, it } from "@jest/globals";
import { BadContinuation } from "../../src/activity/query.ts";
import type { PolicyStore } from "../../src/ports.ts";
import { aPolicy, groupId, policyId, subscriptionId, vmId } from "../support/stored-samples.ts";

/** What every store of policies promises. */
export function policyStoreContract(open: () => PolicyStore): void {
  describe("the store of policies", () => {
    let policies: PolicyStore;

    beforeEach(() => {
      policies = open();
    });

    it("finds a policy whatever the case of its id, and gives it back as it was written", async () => {
      const policy = aPolicy();
      await policies.put(policy);

      const stored = await policies.get(policy.id.toUpperCase());

      expect(stored?.value).toEqual(policy);
      expect(await policies.get(policyId("unknown"))).toBeUndefined();
    });

    it("never holds the same id twice in different case", async () => {
      await policies.put(aPolicy());

      const second = await policies.put(aPolicy({ id: aPolicy().id.toUpperCase() }));

      expect(second).toBeUndefined();
    });

    it("holds a policy of 1,000 VMs with 4 ports each", async () => {
      const policy = aPolicy({
        virtualMachines: Array.from({ length: 1_000 }, (_, index) => ({
          id: vmId(`machine-${index}`),
          ports: [22, 3389, 5985, 5986].map((number) => ({
            number,
            protocol: "TCP",
            allowedSourceAddressPrefixes: [`10.${index % 256}.${number % 256}.0/24`],
            maxRequestAccessDuration: "PT3H",
          })),
        })),
      });

      await policies.put(policy);

      expect((await policies.get(policy.id))?.value).toEqual(policy);
    });

    it("replaces only what its writer has seen", async () => {
      const created = await policies.put(aPolicy());
      const changed = await policies.put(aPolicy({ kind: "Second" }), created?.etag);

      const late = await policies.put(aPolicy({ kind: "Late" }), created?.etag);
      const next = await policies.put(aPolicy({ kind: "Third" }), changed?.etag);

      expect(late).toBeUndefined();
      expect(next?.value.kind).toBe("Third");
      expect(await policies.get(aPolicy().id)).toEqual(next);
    });

    it("lets one of several writers win who saw the same", async () => {
      const created = await policies.put(aPolicy());

      const written = await Promise.all(
        ["a", "b", "c", "d"].map((kind) => policies.put(aPolicy({ kind }), created?.etag)),
      );

      const winners = written.filter((stored) => stored !== undefined);
      expect(winners).toHaveLength(1);
      expect((await policies.get(aPolicy().id))?.value).toEqual(winners[0]?.value);
    });

    it("forgets the details of an earlier, larger version", async () => {
      const gates = Array.from({ length: 2_000 }, (_, index) => `${groupId}/gate-${index * 7919}`);
      const created = await policies.put(aPolicy({ gates }));

      await policies.put(aPolicy({ gates: [] }), created?.etag);

      expect((await policies.get(aPolicy().id))?.value).toEqual(aPolicy({ gates: [] }));
    });

    it("does not bring back a policy that was removed", async () => {
      const created = await policies.put(aPolicy());
      await policies.remove(aPolicy().id, created?.etag ?? "");

      expect(await policies.put(aPolicy(), created?.etag)).toBeUndefined();
      expect(await policies.get(aPolicy().id)).toBeUndefined();
    });

    it("removes only what the remover has seen; removing twice is removing once", async () => {
      const created = await policies.put(aPolicy());
      const changed = await policies.put(aPolicy({ state: "deleting" }), created?.etag);

      const late = await policies.remove(aPolicy().id, created?.etag ?? "");
      const first = await policies.remove(aPolicy().id.toUpperCase(), changed?.etag ?? "");
      const again = await policies.remove(aPolicy().id, changed?.etag ?? "");

      expect([late, first, again]).toEqual([false, true, true]);
    });

    it("lists a subscription's policies page by page in the order of their ids", async () => {
      const names = ["alpha", "beta", "beta-2", "default", "gamma"];
      for (const name of [...names].reverse()) {
        await policies.put(aPolicy({ id: policyId(name), name }));
      }
      const elsewhere = aPolicy().id.replace(subscriptionId, subscriptionId.replace("1", "9"));
      await policies.put(aPolicy({ id: elsewhere, name: "elsewhere" }));

      const pages: string[][] = [];
      let continuation: string | undefined;
      do {
        const page = await policies.list(subscriptionId.toUpperCase(), { top: 2, continuation });
        pages.push(page.items.map((policy) => policy.name));
        continuation = page.continuation;
      } while (continuation !== undefined);

      expect(pages).toEqual([["alpha", "beta"], ["beta-2", "default"], ["gamma"]]);
    });

    it("offers no further page when the last one is full", async () => {
      await policies.put(aPolicy());

      expect((await policies.list(subscriptionId, { top: 1 })).continuation).toBeUndefined();
    });

    it.each(["garbage", "e30", ""])("refuses '%s' as a continuation", async (continuation) => {
      const listing = policies.list(subscriptionId, { top: 2, continuation });

      await expect(listing).rejects.toThrow(BadContinuation);
    });

    it("finds the policies of all subscriptions, and those of them that are not settled", async () => {
      const other = subscriptionId.replace("1", "9");
      const elsewhere = policyId("elsewhere").replace(subscriptionId, other);
      await policies.put(aPolicy({ id: policyId("settled") }));
      await policies.put(aPolicy({ id: policyId("updating"), state: "updating" }));
      await policies.put(aPolicy({ id: elsewhere, subscriptionId: other, state: "deleting" }));

      const found = await policies.unsettled();
      const all = await policies.all();

      expect(found.map((policy) => policy.state).sort()).toEqual(["deleting", "updating"]);
      expect(all.map((policy) => policy.state).sort()).toEqual(["deleting", "settled", "updating"]);
    });
  });
}
