import type { Policy, PolicyContent } from "./policy.ts";
import { idKey } from "./resource-id.ts";

/**
 * The content without the public addresses that nobody asked for. A policy is shown with the address of the firewall in front of a
 * VM; whoever puts it back as it was shown does not wish for that very one, and must not be refused when the firewall has
 * another one day. To wish for one is to name another than the one shown; a wish that stands stays.
 */
export function withoutNoted(before: Policy | undefined, content: PolicyContent): PolicyContent {
  const wished = new Map(
    (before?.virtualMachines ?? []).map((vm) => [idKey(vm.id), vm.publicIpAddress]),
  );
  return {
    ...content,
    virtualMachines: content.virtualMachines.map((vm) => {
      const key = idKey(vm.id);
      const isNoted =
        vm.publicIpAddress !== undefined &&
        vm.publicIpAddress === before?.firewallAddresses?.[key] &&
        wished.get(key) === undefined;
      return isNoted ? { ...vm, publicIpAddress: undefined } : vm;
    }),
  };
}
