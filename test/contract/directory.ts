import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Principal } from "../../src/caller/caller.ts";
import type { Directory } from "../../src/ports.ts";

const tenantId = "0c9d6a1f-84b7-4f0e-b3c5-2e6a9d71f840";

/** Of the sample estate. */
export const accounts = {
  alice: { tenantId, objectId: "2c65348d-7137-5b97-b703-8ec989ced599", kind: "user" },
  /** In jit-approvers through oncall. */
  dan: { tenantId, objectId: "67b1f2d5-7e8a-5143-a0ae-e60dea4518b1", kind: "user" },
  /** Disabled. */
  gus: { tenantId, objectId: "fd6f9a1f-caf8-5504-9681-a655882c17cd", kind: "user" },
  pipeline: { tenantId, objectId: "25c9229b-8a59-52c7-8f8b-dc42966fd802", kind: "application" },
  nobody: { tenantId, objectId: "ffffffff-8a59-42c7-8f8b-dc42966fd802" },
} satisfies Record<string, Principal>;

export const groups = {
  requesters: "587a0cd5-4bee-56f8-ab31-2be0c4dbbe6b",
  approvers: "bfb51f14-d783-5626-b1df-cb6a46084004",
  oncall: "f0f9e807-5ec2-5864-83f3-fb0a3306c210",
} as const;

/** What everybody who tells of accounts and groups promises. */
export function directoryContract(open: () => Directory): void {
  describe("the directory", () => {
    let directory: Directory;
    beforeEach(() => {
      directory = open();
    });

    it.each<[keyof typeof accounts, boolean]>([
      ["alice", true],
      ["pipeline", true],
      ["gus", false],
      ["nobody", false],
    ])("says of %s whether the account may sign in: %s", async (name, expected) => {
      const { kind: _, ...ofUnknownKind } = { kind: undefined, ...accounts[name] };

      expect(await directory.isEnabled(accounts[name])).toBe(expected);
      expect(await directory.isEnabled(ofUnknownKind)).toBe(expected);
      expect(await directory.isEnabled(accounts[name], { fresh: true })).toBe(expected);
    });

    it("finds groups through groups, of those asked about only", async () => {
      const all = Object.values(groups);

      expect(await directory.groupsOf(accounts.dan, all)).toEqual(
        new Set([groups.approvers, groups.oncall]),
      );
      expect(await directory.groupsOf(accounts.dan, [groups.approvers])).toEqual(
        new Set([groups.approvers]),
      );
      expect(await directory.groupsOf(accounts.alice, all)).toEqual(new Set());
      expect(await directory.groupsOf(accounts.nobody, all)).toEqual(new Set());
      expect(await directory.groupsOf(accounts.dan, [])).toEqual(new Set());
    });

    it("does not mind the case of ids, how many there are, or what is no id", async () => {
      const others = Array.from(
        { length: 45 },
        (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
      );
      const dan = { ...accounts.dan, objectId: accounts.dan.objectId.toUpperCase() };
      const asked = [...others, groups.oncall.toUpperCase(), groups.oncall, "', or 1 eq 1"];

      expect(await directory.groupsOf(dan, asked, { fresh: true })).toEqual(
        new Set([groups.oncall]),
      );
    });
  });
}
