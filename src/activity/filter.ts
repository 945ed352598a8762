import { idKey, resourceGroupOf } from "../policy/resource-id.ts";
import type { Fact } from "./fact.ts";
import type { FactFilter } from "./store.ts";

/** Whether a fact is among those asked for. */
export function matches(fact: Fact, filter: FactFilter): boolean {
  const { operations, outcomes, vmId, subscriptionId, resourceGroup, person, requestId } = filter;
  const { windowId, text } = filter;
  return (
    (operations === undefined || operations.includes(fact.operation)) &&
    (outcomes === undefined || outcomes.includes(fact.outcome)) &&
    (vmId === undefined || (fact.vmId !== undefined && idKey(fact.vmId) === idKey(vmId))) &&
    (subscriptionId === undefined || isSame(fact.subscriptionId, subscriptionId)) &&
    (resourceGroup === undefined || isSame(groupOf(fact) ?? "", resourceGroup)) &&
    (person === undefined ||
      [fact.actor, fact.requestor].some((one) => isSame(one?.objectId ?? "", person))) &&
    (requestId === undefined || isSame(fact.requestId ?? "", requestId)) &&
    (windowId === undefined || isSame(fact.windowId ?? "", windowId)) &&
    (text === undefined || holds(fact, text.toLowerCase()))
  );
}

/** NB. Values alone: a name that every fact has, such as `operation`, would be found in all of them. */
function holds(value: unknown, text: string): boolean {
  return typeof value === "object" && value !== null
    ? Object.values(value).some((each) => holds(each, text))
    : String(value ?? "")
        .toLowerCase()
        .includes(text);
}

/** The resource group of the fact's VM, or where there is none, of its policy. */
export function groupOf({ vmId, policyId }: Fact): string | undefined {
  return resourceGroupOf(vmId ?? policyId ?? "");
}

const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();
