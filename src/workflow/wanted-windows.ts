import type { AccessRequest, Window } from "../access/request.ts";
import type { Machine } from "../ports.ts";
import { firstFew, type Reason } from "../reasons.ts";
import { isPrefix, parsePrefix } from "../rules/cidr.ts";
import { isPublic } from "../rules/firewall-overlap.ts";
import type { DesiredWindow } from "../rules/intent.ts";
import type { PlaceBehind } from "./vm-gates.ts";

/**
 * Why a window cannot be opened at all, before any gate is asked. `longestLead`: how long before its end the slowest gate has
 * to begin closing it, in milliseconds.
 */
export function hopelessReasons(
  window: Window,
  machine: Machine | undefined,
  now: Date,
  longestLead = 0,
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
  if (window.gates === undefined && !isLongEnough(window, now, longestLead)) {
    reasons.push(tooSlow(window, longestLead));
  }
  return [...reasons, ...unreachable(window, machine)];
}

/** Why nobody comes to the machine, whatever its gates let through. */
function unreachable(
  { vmId: target, sources }: Window,
  machine: Machine | undefined,
): readonly Reason[] {
  if (machine === undefined) {
    const message = `'${target}' does not exist any more.`;
    return [{ code: "VirtualMachineNotFound", message, target }];
  }
  const held = machine.addresses.filter((address) => address.gates.length > 0);
  if (held.length === 0) {
    const message = `No network security group or firewall that this service can manage stands in front of '${target}' any more.`;
    return [{ code: "NetworkSecurityGroupMissing", message, target }];
  }
  const families = new Set(held.map((address) => address.family));
  const lost = sources.filter((source) => !reachable(source, families));
  if (lost.length > 0) {
    const own = families.has(4) ? "IPv4" : "IPv6";
    const message = `'${target}' has ${own} addresses only, which ${firstFew(lost, 5)} cannot reach. Name a source of ${own}.`;
    return [{ code: "NoAddressForSource", message, target }];
  }
  const outside = sources.filter(isPublic);
  if (outside.length > 0 && !isEnteredFromOutside(machine)) {
    const message = `Neither '${target}' nor the firewall in front of it has a public address by which ${firstFew(outside, 5)} could come. Name a source inside the network.`;
    return [{ code: "FirewallWithoutPublicAddress", message, target }];
  }
  return [];
}

/**
 * Whether people from outside may come to the machine. NB. Not certainly: to an address that no firewall stands before they may come
 * by ways that this service does not look at, such as a load balancer.
 */
const isEnteredFromOutside = ({ addresses }: Machine): boolean =>
  addresses
    .filter(({ family }) => family === 4)
    .some(
      ({ publicIpId, firewalls = [] }) =>
        publicIpId !== undefined ||
        firewalls.length === 0 ||
        firewalls.some(({ publicAddresses }) => publicAddresses.length > 0),
    );

/** Whether the slowest gate can both open the window and close it in time; of one that counts from its opening, close it. */
function isLongEnough(
  { durationSeconds, closesAt }: Window,
  now: Date,
  longestLead: number,
): boolean {
  return durationSeconds === undefined
    ? longestLead === 0 || Date.parse(closesAt) > now.getTime() + 2 * longestLead
    : durationSeconds * 1_000 >= longestLead;
}

function tooSlow({ vmId, durationSeconds }: Window, longestLead: number): Reason {
  const [times, hint] =
    durationSeconds === undefined
      ? [2, ", or for a duration, which counts from when the port is open"]
      : [1, ""];
  const least = Math.ceil((longestLead * times) / 60_000);
  const message = `The firewall in front of '${vmId}' takes about ${Math.ceil(longestLead / 1_000)} seconds for a change. Ask for ${least} minute(s) or more${hint}.`;
  return { code: "GateTooSlow", message, target: vmId };
}

function reachable(source: string, families: ReadonlySet<number>): boolean {
  const prefix = parsePrefix(source);
  return source === "*" || (isPrefix(prefix) && families.has(prefix.family));
}

/** A window of a request as a gate should carry it, for what of the VM is behind that gate. */
export function desiredWindow(
  request: AccessRequest,
  window: Window,
  { addresses, through, publicAddresses }: PlaceBehind,
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
    ...(through === undefined ? {} : { through }),
    ...(publicAddresses === undefined ? {} : { publicAddresses }),
  };
}
