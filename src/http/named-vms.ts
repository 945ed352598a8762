import { parseVirtualMachineId } from "../policy/resource-id.ts";

/** VMs that a body names, as far as it can be read: so that the audit of a refusal is found at them. */
export function namedVms(body: unknown): readonly string[] {
  const holder = (body as { properties?: unknown } | null)?.properties ?? body;
  const machines = (holder as { virtualMachines?: unknown } | null)?.virtualMachines;
  const ids = Array.isArray(machines)
    ? machines.map((vm: unknown) => (vm as { id?: unknown } | null)?.id)
    : [];
  return ids
    .filter((id): id is string => typeof id === "string" && parseVirtualMachineId(id) !== undefined)
    .slice(0, 100);
}
