import { randomUUID } from "node:crypto";
import { idKey, segmentAfter } from "./arm-id.ts";
import type { ArmResource } from "./estate.ts";

/** A resource as stored (no computed members) and its present etag, in ARM's form `W/"guid"`. */
export interface Held {
  readonly resource: ArmResource;
  readonly etag: string;
}

/** Everything the cloud holds, by ARM id without regard to case, in the order of arrival. */
export interface Resources {
  get(id: string): Held | undefined;
  /** All of one type, optionally only those of one resource group. The same array again until a resource of the type changes. */
  list(type: string, group?: string): readonly Held[];
  hasGroup(group: string): boolean;
  /** Stores the resource under a new etag; the place of an existing one in lists is kept. */
  put(resource: ArmResource): Held;
  remove(id: string): void;
  snapshot(): readonly Held[];
}

/** `changed` is called after every change, so that it can be saved. */
export function createResources(initial: readonly Held[], changed: () => void): Resources {
  const held = new Map(initial.map((item) => [idKey(item.resource.id), item]));
  // Whole lists and the groups are kept until a change: an estate of thousands is not searched anew for every answer.
  const lists = new Map<string, readonly Held[]>();
  let groups: ReadonlySet<string> | undefined;

  function listOf(type: string): readonly Held[] {
    const kept = lists.get(type);
    if (kept !== undefined) return kept;
    const all = [...held.values()].filter(({ resource }) => sameText(resource.type, type));
    lists.set(type, all);
    return all;
  }

  /** NSGs are written all the time: that a resource changed in its place moves no other type's list and no group. */
  function forget(before: Held | undefined, after: Held | undefined): void {
    for (const type of [before?.resource.type, after?.resource.type]) {
      if (type !== undefined) lists.delete(type.toLowerCase());
    }
    if (before === undefined || after === undefined) groups = undefined;
  }

  return {
    get: (id) => held.get(idKey(id)),
    list(type, group) {
      const all = listOf(type.toLowerCase());
      return group === undefined ? all : all.filter((item) => sameText(groupOf(item), group));
    },
    hasGroup(group) {
      groups ??= new Set([...held.values()].map((item) => groupOf(item)?.toLowerCase() ?? ""));
      return groups.has(group.toLowerCase());
    },
    put(resource) {
      const item = { resource, etag: newEtag() };
      const key = idKey(resource.id);
      forget(held.get(key), item);
      held.set(key, item);
      changed();
      return item;
    },
    remove(id) {
      forget(held.get(idKey(id)), undefined);
      held.delete(idKey(id));
      changed();
    },
    snapshot: () => [...held.values()],
  };
}

const groupOf = ({ resource }: Held): string | undefined =>
  segmentAfter(resource.id, "resourceGroups");

export function newEtag(): string {
  return `W/"${randomUUID()}"`;
}

/** ARM compares names, types and ids without case. */
export function sameText(left: string | undefined, right: string): boolean {
  return left?.toLowerCase() === right.toLowerCase();
}
