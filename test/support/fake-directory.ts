import type { Principal } from "../../src/caller/caller.ts";
import type { Directory, Freshness } from "../../src/ports.ts";

type Who = Pick<Principal, "objectId">;

/** People, applications and groups as values. */
export interface FakeDirectory extends Directory {
  /** Adds somebody with an enabled account, in these groups. */
  add(who: Who, groupIds?: readonly string[]): void;
  /** Disables or enables an account. */
  setEnabled(who: Who, isEnabled: boolean): void;
  join(who: Who, groupId: string): void;
  leave(who: Who, groupId: string): void;
  /** The next questions throw; one each. */
  failNext(...errors: readonly Error[]): void;
  /** Who was asked about, oldest first. */
  readonly asked: readonly (Who & Freshness)[];
}

export function createFakeDirectory(): FakeDirectory {
  const accounts = new Map<string, { isEnabled: boolean; readonly groups: Set<string> }>();
  const asked: (Who & Freshness)[] = [];
  const errors: Error[] = [];
  const find = ({ objectId }: Who) => accounts.get(objectId.toLowerCase());

  function question({ objectId }: Who, freshness: Freshness): void {
    asked.push({ objectId, ...freshness });
    const error = errors.shift();
    if (error !== undefined) {
      throw error;
    }
  }

  return {
    asked,
    add({ objectId }, groupIds = []) {
      const groups = new Set(groupIds.map((id) => id.toLowerCase()));
      accounts.set(objectId.toLowerCase(), { isEnabled: true, groups });
    },
    setEnabled(who, isEnabled) {
      const account = find(who);
      if (account !== undefined) {
        account.isEnabled = isEnabled;
      }
    },
    join: (who, groupId) => void find(who)?.groups.add(groupId.toLowerCase()),
    leave: (who, groupId) => void find(who)?.groups.delete(groupId.toLowerCase()),
    failNext: (...coming) => void errors.push(...coming),

    async isEnabled(principal, freshness = {}) {
      question(principal, freshness);
      return find(principal)?.isEnabled === true;
    },
    async groupsOf(principal, groupIds, freshness = {}) {
      question(principal, freshness);
      const groups = find(principal)?.groups;
      return new Set(
        groupIds.map((id) => id.toLowerCase()).filter((id) => groups?.has(id) === true),
      );
    },
  };
}
