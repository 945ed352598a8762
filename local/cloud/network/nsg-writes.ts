import type { ArmResource, Behaviour } from "../estate.ts";
import type { Fate, Operation, Operations } from "../operations.ts";
import { type Held, newEtag, type Resources } from "../resources.ts";
import { settled, updating } from "./nsg.ts";
import { networkType } from "./references.ts";
import { anotherOperation, lockedByOperation } from "./write-refusals.ts";

type NsgOperationName =
  | "PutSecurityRuleOperation"
  | "DeleteSecurityRuleOperation"
  | "PutNetworkSecurityGroupOperation"
  | "DeleteNetworkSecurityGroupOperation";

export interface NsgWrites {
  /**
   * Accepts a write of an NSG. What it asks for is visible at once (Updating, or Deleting) under a new etag, and is in
   * force, under another new etag, when the operation has succeeded. `asked` throws when the request is invalid; then
   * nothing has changed. With a fate that comes to nothing the NSG only shows that somebody is at work on it.
   */
  accept(
    name: NsgOperationName,
    nsgId: string,
    asked: () => ArmResource,
    fate: Fate | undefined,
  ): { readonly held: Held; readonly operation: Operation };
}

interface Options {
  readonly resources: Resources;
  readonly operations: Operations;
  readonly parallelWrites: Behaviour["parallelWrites"];
}

/**
 * A write that supersedes another keeps what the other asked for: the NSG as shown is the goal, and the last operation
 * brings all of it into force. Only the earlier operation ends Canceled.
 */
export function createNsgWrites({ resources, operations, parallelWrites }: Options): NsgWrites {
  return {
    accept(name, nsgId, asked, fate) {
      const goal = asked();
      const earlier = operations.running(nsgId);
      if (earlier !== undefined) refuseParallel(earlier, nsgId, parallelWrites);
      const comesToNothing = fate === "fails" || fate === "is canceled";
      const held = comesToNothing ? pretend(goal) : resources.put(goal);
      const operation = operations.start(name, nsgId, { fate });
      if (earlier !== undefined) operations.supersede(earlier, operation);
      return { held, operation };
    },
  };

  /** NB. The goal is kept out of sight, for a write that supersedes this one would take it over. */
  function pretend(goal: ArmResource): Held {
    const before = resources.get(goal.id);
    const shown = before === undefined ? undefined : resources.put(updating(before.resource));
    return { resource: goal, etag: shown?.etag ?? newEtag() };
  }
}

/** What the end of an operation does to its NSG; handed to `createOperations`. */
export function endNsgOperation(resources: Resources, operation: Operation): void {
  const held = resources.get(operation.target);
  if (held?.resource.type !== networkType.nsg) return;
  const deletes = operation.name === "DeleteNetworkSecurityGroupOperation";
  if (deletes && operation.doom === undefined) resources.remove(operation.target);
  else resources.put(settled(held.resource));
}

function refuseParallel(
  earlier: Operation,
  nsgId: string,
  parallelWrites: Behaviour["parallelWrites"],
): void {
  // NB. Nothing supersedes the deletion of the whole group.
  if (parallelWrites === "conflict" || earlier.name === "DeleteNetworkSecurityGroupOperation") {
    throw anotherOperation(earlier, nsgId);
  }
  if (parallelWrites === "retry later") {
    throw lockedByOperation(earlier, nsgId);
  }
}
