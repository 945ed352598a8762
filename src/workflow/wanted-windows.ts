import type { AccessRequest, Window } from "../access/request.ts";
import type { Machine } from "../ports.ts";
import { firstFew, type Reason } from "../reasons.ts";
import { isPrefix, parsePrefix } from "../rules/cidr.ts";
import type { DesiredWindow } from "../rules/intent.ts";

/** Why a window cannot be opened at all, before any gate is asked. */
export function hopelessReasons(
  window: Window,
  machine: Machine | undefined,
  now: Date,
): readonly Reason[] {
  const target = window.vmId;
  const reasons: Reason[] = [];
  if (window.durationSeconds === undefined && Date.parse(window.closesAt) <= now.getTime()) {
    reasons.push({
      code: "WindowOver",
      message:
        window.gates === undefined
          ? `The window ended at ${window.closesAt}, before it could be opened.`
          : `The window ended at ${window.closesAt}, before it was proven open. The service was interrupted: rules for it may have stood for a part of that time.`,
      target,
    });
  }
  if (machine === undefined) {
    reasons.push({
      code: "VirtualMachineNotFound",
      message: `'${window.vmId}' does not exist any more.`,
      target,
    });
  } else if (machine.addresses.every((address) => address.gates.length === 0)) {
    reasons.push({
      code: "NetworkSecurityGroupMissing",
      message: `No network security group stands in front of '${window.vmId}' any more.`,
      target,
    });
  } else {
    const families = new Set(
      machine.addresses
        .filter((address) => address.gates.length > 0)
        .map((address) => address.family),
    );
    const lost = window.sources.filter((source) => !reachable(source, families));
    if (lost.length > 0) {
      const own = families.has(4) ? "IPv4" : "IPv6";
      reasons.push({
        code: "NoAddressForSource",
        message: `'${window.vmId}' has ${own} addresses only, which ${firstFew(lost, 5)} cannot reach. Name a source of ${own}.`,
        target,
      });
    }
  }
  return reasons;
}

function reachable(source: string, families: ReadonlySet<number>): boolean {
  const prefix = parsePrefix(source);
  return source === "*" || (isPrefix(prefix) && families.has(prefix.family));
}

/** A window of a request as a gate should carry it, for the VM's addresses behind that gate. */
export function desiredWindow(
  request: AccessRequest,
  window: Window,
  addresses: readonly string[],
): DesiredWindow {
  return {
    windowId: window.id,
    requestId: request.id,
    policyId: request.policyId,
    vmId: window.vmId,
    addresses,
    port: window.port,
    protocol: window.protocol,
    sources: window.sources,
    // Until it is proven open, a window that counts from then may last as long as its rules tell.
    closesAt:
      window.openedAt === undefined ? (window.latestEnd ?? window.closesAt) : window.closesAt,
    ...(window.latestEnd === undefined ? {} : { latestEnd: window.latestEnd }),
  };
}
