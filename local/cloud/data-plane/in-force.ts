import { idKey } from "../arm-id.ts";
import type { ArmResource } from "../estate.ts";
import { networkType } from "../network/references.ts";
import { type Resources, sameText } from "../resources.ts";

/** Beside what the cloud holds, what packets meet meanwhile: rules count from when their write has ended. */
export interface InForce {
  /** What was handed in, watched: write through this one. */
  readonly resources: Resources;
  /** A resource as packets meet it. */
  get(id: string): ArmResource | undefined;
  /** All of one type as packets meet them. */
  list(type: string): readonly ArmResource[];
  /** Former states of what is being written, to be handed to `createInForce` after a restart. */
  snapshot(): readonly ArmResource[];
  /** Calls back after every change of a resource, with its type. */
  watch(changed: (type: string) => void): void;
}

/** What has rules, or is what rules speak of, and takes its time to be written. */
const heldTypes: readonly string[] = [
  networkType.nsg,
  networkType.firewall,
  networkType.firewallPolicy,
  networkType.ruleCollectionGroup,
  networkType.ipGroup,
];

/**
 * ARM shows what a write asks for at once, as Updating or Deleting. In Azure the change reaches the hosts some time before
 * the operation ends, one after the other; here it does so as a whole and at the end, which is the latest anybody may
 * rely on. A write that supersedes another brings what both asked for into force when it ends; one that failed brings
 * nothing, whatever ARM shows, until a later one succeeds.
 */
export function createInForce(inner: Resources, former: readonly ArmResource[] = []): InForce {
  const held = new Map(former.map((resource) => [idKey(resource.id), resource]));
  const watchers: ((type: string) => void)[] = [];

  function remember(next: ArmResource): void {
    if (!heldTypes.some((type) => sameText(type, next.type))) return;
    const key = idKey(next.id);
    const before = inner.get(next.id)?.resource ?? nothingYet(next);
    if (isSettled(next)) held.delete(key);
    else if (before !== undefined && !held.has(key)) held.set(key, before);
  }

  function tell(type: string): void {
    for (const changed of watchers) changed(type);
  }

  return {
    resources: {
      ...inner,
      put(resource) {
        remember(resource);
        const stored = inner.put(resource);
        tell(resource.type);
        return stored;
      },
      remove(id) {
        const type = inner.get(id)?.resource.type ?? "";
        held.delete(idKey(id));
        inner.remove(id);
        tell(type);
      },
    },
    get: (id) => held.get(idKey(id)) ?? inner.get(id)?.resource,
    list: (type) =>
      inner.list(type).map(({ resource }) => held.get(idKey(resource.id)) ?? resource),
    snapshot: () => [...held.values()],
    watch(changed) {
      watchers.push(changed);
    },
  };
}

/** What a firewall, a group of its rules and the like are while they are made: there, and without effect. */
function nothingYet(next: ArmResource): ArmResource | undefined {
  return sameText(next.type, networkType.nsg) ? undefined : { ...next, properties: {} };
}

function isSettled({ properties }: ArmResource): boolean {
  const state = properties["provisioningState"] ?? "Succeeded";
  return state === "Succeeded";
}
