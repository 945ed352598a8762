import { idKey, segmentAfter } from "../arm-id.ts";
import { type Held, type Resources, sameText } from "../resources.ts";

/** Resources that remember how each of them was before its last write. */
export interface ResourcesWithPast extends Resources {
  /**
   * Runs `read` while `get` and `list` answer every resource as it was before its last write: absent if that write made
   * it. NB. Only what `read` does before it first waits sees the past.
   */
  asBefore<Answer>(read: () => Answer): Answer;
}

/** The past is not saved: after a restart everything is as it was found. */
export function withPast(resources: Resources): ResourcesWithPast {
  const former = new Map<string, Held | undefined>();
  let isPast = false;

  /** The end of a write is part of it, so what was before is the version last seen at rest. */
  function remember(id: string): void {
    const present = resources.get(id);
    if (present === undefined || isAtRest(present)) former.set(idKey(id), present);
  }

  function formerList(type: string, group: string | undefined): readonly Held[] {
    const present = resources.list(type, group);
    const keys = new Set(present.map(({ resource }) => idKey(resource.id)));
    const removed = [...former].filter(([key]) => !keys.has(key)).map(([, held]) => held);
    return [...present.map(({ resource }) => getFormer(resource.id)), ...removed]
      .filter((held) => held !== undefined)
      .filter(({ resource: { id, type: its } }) => sameText(its, type) && isIn(group, id));
  }

  function getFormer(id: string): Held | undefined {
    const key = idKey(id);
    return former.has(key) ? former.get(key) : resources.get(id);
  }

  return {
    ...resources,
    get: (id) => (isPast ? getFormer(id) : resources.get(id)),
    list: (type, group) => (isPast ? formerList(type, group) : resources.list(type, group)),
    put(resource) {
      remember(resource.id);
      return resources.put(resource);
    },
    remove(id) {
      remember(id);
      resources.remove(id);
    },
    asBefore(read) {
      isPast = true;
      try {
        return read();
      } finally {
        isPast = false;
      }
    },
  };
}

function isIn(group: string | undefined, id: string): boolean {
  return group === undefined || sameText(segmentAfter(id, "resourceGroups"), group);
}

function isAtRest({ resource }: Held): boolean {
  const state = resource.properties["provisioningState"];
  return state !== "Updating" && state !== "Deleting";
}
