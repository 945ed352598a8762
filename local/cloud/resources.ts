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
  /** All of one type, optionally only those of one resource group. */
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
  return {
    get: (id) => held.get(idKey(id)),
    list(type, group) {
      return [...held.values()].filter(
        ({ resource }) =>
          sameText(resource.type, type) &&
          (group === undefined || sameText(segmentAfter(resource.id, "resourceGroups"), group)),
      );
    },
    hasGroup(group) {
      return [...held.values()].some(({ resource }) =>
        sameText(segmentAfter(resource.id, "resourceGroups"), group),
      );
    },
    put(resource) {
      const item = { resource, etag: newEtag() };
      held.set(idKey(resource.id), item);
      changed();
      return item;
    },
    remove(id) {
      held.delete(idKey(id));
      changed();
    },
    snapshot: () => [...held.values()],
  };
}

export function newEtag(): string {
  return `W/"${randomUUID()}"`;
}

/** ARM compares names, types and ids without case. */
export function sameText(left: string | undefined, right: string): boolean {
  return left?.toLowerCase() === right.toLowerCase();
}
