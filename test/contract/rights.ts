import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Caller } from "../../src/caller/caller.ts";
import { actions } from "../../src/caller/requirements.ts";
import type { Rights } from "../../src/ports.ts";
import { grantingAssignment } from "../support/rights-builders.ts";

const subscriptionId = "5b0f2a6e-3c1d-4e7f-9a52-7d1c0e4b8f31";
export const subscription = `/subscriptions/${subscriptionId}`;
const vm = `${subscription}/resourceGroups/rg-demo/providers/Microsoft.Compute/virtualMachines`;
const person = (name: string, objectId: string): Caller => ({
  tenantId: "0c9d6a1f-84b7-4f0e-b3c5-2e6a9d71f840",
  objectId,
  name,
  kind: "user",
});

export const people = {
  /** Everything in the subscription. */
  olivia: person("olivia", "dbc4842e-9c24-5a1a-9a16-050442db0b7a"),
  /** The requester's role on vm-linux and vm-windows, among others. */
  alice: person("alice", "2c65348d-7137-5b97-b703-8ec989ced599"),
  /** Nothing. */
  eve: person("eve", "057ff420-fe67-51c2-a247-3516ac6d9f7a"),
};
export const vmIds = {
  linux: `${vm}/vm-linux`,
  windows: `${vm}/vm-windows`,
  dual: `${vm}/vm-dual`,
};

/** What nobody may do there. */
export const denied = { name: "stack lock", scope: vmIds.windows, action: actions.writeMachine };

/** What everybody who tells rights promises. */
export function rightsContract(open: () => Rights): void {
  describe("the rights of callers", () => {
    let rights: Rights;
    beforeEach(() => {
      rights = open();
    });

    async function mayInitiate(caller: Caller, scope: string): Promise<boolean> {
      const held = await rights.of(caller, subscriptionId);
      return grantingAssignment(held, actions.initiate, scope) !== undefined;
    }

    it("hold below the scope of their assignment", async () => {
      expect(await mayInitiate(people.olivia, vmIds.linux)).toBe(true);
    });

    it("are found below the subscription, and hold there only", async () => {
      expect(await mayInitiate(people.alice, vmIds.linux)).toBe(true);
      expect(await mayInitiate(people.alice, vmIds.windows)).toBe(true);
      expect(await mayInitiate(people.alice, vmIds.dual)).toBe(false);
      expect(await mayInitiate(people.alice, subscription)).toBe(false);
    });

    it("are taken away by a deny assignment, from everybody and only where it stands", async () => {
      const held = await rights.of(people.olivia, subscriptionId);

      expect(held.denies.map(({ name }) => name)).toEqual([denied.name]);
      expect(grantingAssignment(held, denied.action, denied.scope)).toBeUndefined();
      expect(grantingAssignment(held, denied.action, vmIds.dual)).toBeDefined();
      expect(grantingAssignment(held, actions.initiate, denied.scope)).toBeDefined();
    });

    it("are none for who has none", async () => {
      expect((await rights.of(people.eve, subscriptionId)).assignments).toEqual([]);
    });

    it("are none in a subscription that does not exist", async () => {
      const found = await rights.of(people.olivia, "99999999-9999-4999-8999-999999999999");

      expect(found.assignments).toEqual([]);
    });

    it("do not depend on the case of ids", async () => {
      const caller = { ...people.olivia, objectId: people.olivia.objectId.toUpperCase() };

      const found = await rights.of(caller, subscriptionId.toUpperCase());

      expect(found.assignments).toHaveLength(1);
      expect(found).toEqual(await rights.of(people.olivia, subscriptionId));
    });

    it("are the same when they are asked for anew", async () => {
      const found = await rights.of(people.alice, subscriptionId, { fresh: true });

      expect(found).toEqual(await rights.of(people.alice, subscriptionId));
      expect(found.definitions.size).toBeGreaterThan(0);
    });
  });
}
