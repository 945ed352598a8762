import { isSamePerson } from "../access/request.ts";
import type { Fact } from "../activity/fact.ts";
import type { Caller } from "../caller/caller.ts";
import { createReader } from "../caller/requirements.ts";
import { idKey, subscriptionOf } from "../policy/resource-id.ts";
import type { Rights } from "../ports.ts";
import { remembered } from "../remembered.ts";

/** A fact as somebody may see it. */
export interface SeenFact {
  readonly fact: Fact;
  /** False where it is shown only because it is of a request of the caller's: it may lack something, and its place in a history is not theirs to know. */
  readonly isReader: boolean;
}

/** What one caller may see of the activity, for one call: each subscription's rights are asked for once. */
export interface ActivityView {
  /** Whether the caller may read the activity of a scope: a VM, a policy, a resource group, a subscription. */
  mayRead(scope: string): Promise<boolean>;
  /** The fact as the caller may see it, or nothing. */
  see(fact: Fact): Promise<SeenFact | undefined>;
}

/** So many scopes are remembered: a history may be about any number of machines. */
const mostKnown = 10_000;

/**
 * A fact is for those who may read the VM it is about, or else the policy, or else the subscription. Whoever asked for access sees
 * what became of that too, as they see their request: without what is told of the calls of others.
 */
export function createActivityView(rights: Rights, caller: Caller): ActivityView {
  const readers = new Map<string, Promise<ReturnType<typeof createReader>>>();
  const known = remembered<boolean>(mostKnown);

  function readerOf(subscriptionId: string): Promise<ReturnType<typeof createReader>> {
    const reader =
      readers.get(subscriptionId) ?? rights.of(caller, subscriptionId).then(createReader);
    readers.set(subscriptionId, reader);
    return reader;
  }

  async function mayRead(scope: string): Promise<boolean> {
    const key = idKey(scope);
    const found = known.get(key);
    if (found !== undefined) {
      return found;
    }
    const subscriptionId = subscriptionOf(key);
    const may = subscriptionId !== undefined && (await readerOf(subscriptionId))(key);
    known.set(key, may);
    return may;
  }

  return {
    mayRead,
    async see(fact) {
      if (await mayRead(scopeOf(fact))) {
        return { fact, isReader: true };
      }
      return isOfOwnRequest(fact, caller)
        ? { fact: withoutOthersCalls(fact, caller), isReader: false }
        : undefined;
    },
  };
}

function scopeOf({ vmId, policyId, subscriptionId }: Fact): string {
  return vmId ?? policyId ?? `/subscriptions/${subscriptionId}`;
}

function isOfOwnRequest({ operation, requestor }: Fact, caller: Caller): boolean {
  return (
    operation.startsWith("access.") && requestor !== undefined && isSamePerson(requestor, caller)
  );
}

/** NB. From where an approver called is nobody's business who may not read the scope. */
function withoutOthersCalls(fact: Fact, caller: Caller): Fact {
  const { origin: _, ...shown } = fact;
  return fact.actor !== undefined && isSamePerson(fact.actor, caller) ? fact : shown;
}
