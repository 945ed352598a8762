import { idKey } from "../../arm-id.ts";
import type { ArmResource, Behaviour } from "../../estate.ts";
import type { Fate, Operation, OperationError, Operations } from "../../operations.ts";
import { type Held, type Resources, sameText } from "../../resources.ts";
import { networkType } from "../references.ts";
import { anotherOperation } from "../write-refusals.ts";

/** What a write asks for; with `refusal` it is accepted first, and refused by the result of its operation. */
export interface Asked {
  readonly goal: ArmResource;
  readonly refusal?: OperationError | undefined;
}

/** One write of a firewall, a rule collection group or an IP group. */
export interface FirewallWrite {
  /** Azure's own name of the operation. */
  readonly name: string;
  readonly id: string;
  /** Ids of what else it changes: policies, firewalls. All of them are Updating meanwhile. */
  readonly reach: readonly string[];
  /** Throws when the request is invalid; then nothing has changed. */
  readonly asked: () => Asked;
  /** What is told if it fails. Azure's InternalServerError when left out. */
  readonly failure?: OperationError | undefined;
  readonly fate: Fate | undefined;
}

export interface FirewallWrites {
  /**
   * Accepts a write: what it asks for is shown at once, Updating or Deleting, under a new etag. Throws 409 while another
   * operation writes any of the same resources.
   */
  accept(write: FirewallWrite): { readonly held: Held; readonly operation: Operation };
}

interface Options {
  readonly resources: Resources;
  readonly operations: Operations;
  /** Milliseconds; a write that reaches no deployed firewall takes a twentieth of it. */
  readonly updateMs: number;
}

/**
 * One update at a time per firewall: unlike those of NSGs, writes never supersede each other. Parent and child policies
 * lock each other because a change of the parent reaches the child.
 */
export function createFirewallWrites({ resources, operations, updateMs }: Options): FirewallWrites {
  return {
    accept({ name, id, reach, asked, failure, fate }) {
      const { goal, refusal } = asked();
      const earlier = operations.runningOnAny([id, ...reach]);
      if (earlier !== undefined) throw anotherOperation(earlier, id);
      const former = resources.get(id)?.resource ?? null;
      const held = resources.put(goal);
      const alsoWrites = reach.filter((other) => idKey(other) !== idKey(id));
      setStates(resources, alsoWrites, "Updating");
      const comesToNothing = refusal !== undefined || fate === "fails" || fate === "is canceled";
      const told = refusal ?? failure;
      const operation = operations.start(name, held.resource.id, {
        fate,
        isRefused: refusal !== undefined,
        durationMs: isDeployed([id, ...reach]) ? updateMs : updateMs / 20,
        alsoWrites,
        ...(told === undefined ? {} : { failure: told }),
        ...(comesToNothing ? { former } : {}),
      });
      return { held, operation };
    },
  };

  /** A classic firewall without IP configurations takes no time either (azure-cli recordings). */
  function isDeployed(ids: readonly string[]): boolean {
    return ids.some((id) => {
      const resource = resources.get(id)?.resource;
      if (!sameText(resource?.type, networkType.firewall)) return false;
      const configurations = resource?.properties["ipConfigurations"];
      return Array.isArray(configurations) && configurations.length > 0;
    });
  }
}

/** What the end of an operation does to what it wrote; handed to `createOperations`. NSGs are none of its business. */
export function endFirewallOperation(
  resources: Resources,
  operation: Operation,
  failed: Behaviour["failedFirewallUpdate"],
): void {
  const { target, alsoWrites, doom, former } = operation;
  if (alsoWrites === undefined) return;
  const shown = resources.get(target)?.resource;
  const isDeletion = shown?.properties["provisioningState"] === "Deleting";
  if (doom === undefined) {
    if (isDeletion) resources.remove(target);
    else setStates(resources, [target], "Succeeded");
    setStates(resources, alsoWrites, "Succeeded");
    return;
  }
  setStates(resources, alsoWrites, "Failed");
  if (failed === "shows what was asked" || former === undefined) {
    setStates(resources, [target], "Failed");
  } else if (former === null) resources.remove(target);
  else resources.put(inState(former, "Failed"));
}

/** The resource in another state; nothing else of it changes. */
export function inState(resource: ArmResource, provisioningState: string): ArmResource {
  return { ...resource, properties: { ...resource.properties, provisioningState } };
}

/** NB. What an administrator has taken away meanwhile stays away. */
function setStates(resources: Resources, ids: readonly string[], state: string): void {
  for (const id of ids) {
    const held = resources.get(id);
    if (held !== undefined) resources.put(inState(held.resource, state));
  }
}
