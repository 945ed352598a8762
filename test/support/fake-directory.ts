import type { Principal } from "../../src/caller/caller.ts";
import type { Directory } from "../../src/ports.ts";

type Who = Pick<Principal, "objectId">;

/** People and groups in memory: everybody is enabled and in no group, until told otherwise. */
export interface FakeDirectory extends Directory {
  join(groupId: string, ...members: readonly Who[]): void;
  leave(groupId: string, ...members: readonly Who[]): void;
  disable(who: Who): void;
}

export function createFakeDirectory(): FakeDirectory {
  const members = new Set<string>();
  const disabled = new Set<string>();
  const key = (groupId: string, who: Who) => `${groupId} ${who.objectId}`.toLowerCase();

  return {
    join: (groupId, ...who) => {
      for (const one of who) {
        members.add(key(groupId, one));
      }
    },
    leave: (groupId, ...who) => {
      for (const one of who) {
        members.delete(key(groupId, one));
      }
    },
    disable: (who) => void disabled.add(who.objectId.toLowerCase()),
    isEnabled: async (who) => !disabled.has(who.objectId.toLowerCase()),
    groupsOf: async (who, groupIds) =>
      new Set(groupIds.filter((id) => members.has(key(id, who))).map((id) => id.toLowerCase())),
  };
}
