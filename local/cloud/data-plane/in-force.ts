import { idKey } from "../arm-id.ts";
import type { ArmResource } from "../estate.ts";
import { networkType } from "../network/references.ts";
import { type Resources, sameText } from "../resources.ts";

/** Beside what the cloud holds, what packets meet meanwhile: rules count from when their write has ended. */
export interface InForce {
  /** What was handed in, watched: write through this one. */
  readonly resources: Resources;
  /** The NSG as packets meet it. */
  nsg(id: string): ArmResource | undefined;
  /** Former states of the NSGs that are being written, to be handed to `createInForce` after a restart. */
  snapshot(): readonly ArmResource[];
}

/**
 * ARM shows what a write asks for at once, as Updating or Deleting. In Azure the change reaches the hosts some time before
 * the operation ends, one after the other; here it does so as a whole and at the end, which is the latest anybody may
 * rely on. A write that supersedes another brings what both asked for into force when it ends.
 */
export function createInForce(inner: Resources, former: readonly ArmResource[] = []): InForce {
  const held = new Map(former.map((nsg) => [idKey(nsg.id), nsg]));

  function remember(next: ArmResource): void {
    if (!sameText(next.type, networkType.nsg)) return;
    const key = idKey(next.id);
    const before = inner.get(next.id)?.resource;
    if (!isBeingWritten(next)) held.delete(key);
    else if (before !== undefined && !held.has(key)) held.set(key, before);
  }

  return {
    resources: {
      ...inner,
      put(resource) {
        remember(resource);
        return inner.put(resource);
      },
      remove(id) {
        held.delete(idKey(id));
        inner.remove(id);
      },
    },
    nsg: (id) => held.get(idKey(id)) ?? inner.get(id)?.resource,
    snapshot: () => [...held.values()],
  };
}

function isBeingWritten({ properties }: ArmResource): boolean {
  const state = properties["provisioningState"];
  return state === "Updating" || state === "Deleting";
}
