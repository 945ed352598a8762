/** Azure Resource Manager ids: parsed strictly, compared without case, as ARM does. */

/** A virtual machine's ARM id, taken apart. `key` is the lower-cased id: the form in which ids are compared and stored. */
export interface VirtualMachineId {
  readonly id: string;
  readonly key: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly name: string;
}

/** An id of a subscription, tenant, person or request, in any case. */
export const guidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** NB. No segment is `.` or `..`: as part of an address they would lead elsewhere. */
const virtualMachinePattern =
  /^\/subscriptions\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/resourceGroups\/(?!\.{1,2}\/)([-\w.()]{1,90})\/providers\/Microsoft\.Compute\/virtualMachines\/(?!\.{1,2}$)([^/\\?#%\s]{1,64})$/i;

/** The parts of an ARM virtual machine id, or nothing when the text is not one (classic VMs are not). */
export function parseVirtualMachineId(text: string): VirtualMachineId | undefined {
  const match = virtualMachinePattern.exec(text);
  const [, subscriptionId, resourceGroup, name] = match ?? [];
  if (subscriptionId === undefined || resourceGroup === undefined || name === undefined) {
    return undefined;
  }
  return { id: text, key: idKey(text), subscriptionId, resourceGroup, name };
}

/** Whether the id is that of a classic (Azure Service Management) virtual machine, which has no gate of ours before it. */
export function isClassicVirtualMachineId(text: string): boolean {
  return /\/providers\/Microsoft\.ClassicCompute\/virtualMachines\//i.test(text);
}

/** The form in which two ids are the same resource: lower case, one leading slash, no trailing or doubled slash. */
export function idKey(id: string): string {
  return `/${id.toLowerCase().split("/").filter(Boolean).join("/")}`;
}

/** The last segment of an id: the resource's own name, in the case it was written. */
export function resourceName(id: string): string {
  return id.split("/").filter(Boolean).at(-1) ?? id;
}

/** The subscription an id lies in, lower-cased, or nothing for ids above subscriptions. */
export function subscriptionOf(id: string): string | undefined {
  const [head, subscriptionId] = idKey(id).split("/").filter(Boolean);
  return head === "subscriptions" ? subscriptionId : undefined;
}

/** The resource group an id lies in, in the case it was written; nothing for ids that lie in none. */
export function resourceGroupOf(id: string): string | undefined {
  const [head, , groups, name] = id.split("/").filter(Boolean);
  return head?.toLowerCase() === "subscriptions" && groups?.toLowerCase() === "resourcegroups"
    ? name
    : undefined;
}

/** The form in which locations are compared: Azure takes "West Europe" for "westeurope". */
export function locationKey(location: string): string {
  return location.toLowerCase().replaceAll(" ", "");
}
