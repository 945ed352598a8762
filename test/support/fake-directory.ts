import type { Principal } from "../../src/caller/caller.ts";
import type { Directory, Freshness } from "../../src/ports.ts";

type Who = Pick<Principal, "objectId">;

/** People, applications and groups as values. */
export interface FakeDirectory extends Directory {
  /** Adds somebody with an enabled account, in these groups. */
  add(who: Who, groupIds?: readonly string[]): void;
  /** Disables or enables an account. */
  setEnabled(who: Who, isEnabled: boolean): void;
  disable(who: Who): void;
  join(groupId: string, ...members: readonly Who[]): void;
  leave(groupId: string, ...members: readonly Who[]): void;
  /** The next questions throw; one each. */
  failNext(...errors: readonly Error[]): void;
  /** Who was asked about, oldest first. */
  readonly asked: readonly (Who & Freshness)[];
}

/** `knowsEverybody`: whoever is asked about has an enabled account; else only those who were added. */
export function createFakeDirectory({ knowsEverybody = false } = {}): FakeDirectory {
  const accounts = new Map<string, { isEnabled: boolean; readonly groups: Set<string> }>();
  const asked: (Who & Freshness)[] = [];
  const errors: Error[] = [];

  function find({ objectId }: Who) {
    const key = objectId.toLowerCase();
    if (knowsEverybody && !accounts.has(key)) {
      accounts.set(key, { isEnabled: true, groups: new Set() });
    }
    return accounts.get(key);
  }

  function setEnabled(who: Who, isEnabled: boolean): void {
    const account = find(who);
    if (account !== undefined) {
      account.isEnabled = isEnabled;
    }
  }

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
    setEnabled,
    disable: (who) => setEnabled(who, false),
    join(groupId, ...members) {
      for (const member of members) {
        find(member)?.groups.add(groupId.toLowerCase());
      }
    },
    leave(groupId, ...members) {
      for (const member of members) {
        find(member)?.groups.delete(groupId.toLowerCase());
      }
    },
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
