import type { ArmResource, Behaviour } from "../estate.ts";
import type { Operation, Operations } from "../operations.ts";
import type { Held, Resources } from "../resources.ts";
import { CloudError } from "../router.ts";
import { settled } from "./nsg.ts";
import { networkType } from "./references.ts";

type NsgOperationName =
  | "PutSecurityRuleOperation"
  | "DeleteSecurityRuleOperation"
  | "PutNetworkSecurityGroupOperation"
  | "DeleteNetworkSecurityGroupOperation";

export interface NsgWrites {
  /**
   * Accepts a write of an NSG. What it asks for is visible at once (Updating, or Deleting) under a new etag, and is in
   * force, under another new etag, when the operation has succeeded. `asked` throws when the request is invalid; then
   * nothing has changed.
   */
  accept(
    name: NsgOperationName,
    nsgId: string,
    asked: () => ArmResource,
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
    accept(name, nsgId, asked) {
      const goal = asked();
      const earlier = operations.running(nsgId);
      if (earlier !== undefined) refuseParallel(earlier, nsgId, parallelWrites);
      const held = resources.put(goal);
      const operation = operations.start(name, nsgId);
      if (earlier !== undefined) operations.supersede(earlier, operation);
      return { held, operation };
    },
  };
}

/** What the end of an operation does to its NSG; handed to `createOperations`. */
export function endNsgOperation(resources: Resources, operation: Operation): void {
  const held = resources.get(operation.target);
  if (held?.resource.type !== networkType.nsg) return;
  if (operation.name === "DeleteNetworkSecurityGroupOperation") resources.remove(operation.target);
  else resources.put(settled(held.resource));
}

function refuseParallel(
  earlier: Operation,
  nsgId: string,
  parallelWrites: Behaviour["parallelWrites"],
): void {
  // NB. Nothing supersedes the deletion of the whole group.
  if (parallelWrites === "conflict" || earlier.name === "DeleteNetworkSecurityGroupOperation") {
    throw new CloudError(
      409,
      "AnotherOperationInProgress",
      `Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri: ${nsgId} (${earlier.id}).`,
    );
  }
  if (parallelWrites === "retry later") {
    throw new CloudError(429, "RetryableError", "A retryable error occurred.", [
      {
        code: "RetryableErrorDueToAnotherOperation",
        message: `Operation ${earlier.name} (${earlier.id}) is updating resource ${nsgId}. The call can be retried in 12 seconds.`,
      },
    ]);
  }
}
