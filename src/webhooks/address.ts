import ipaddr from "ipaddr.js";

/** Addresses of networks that are somebody's own: reached only where the settings say so. */
const ownNetworks: readonly string[] = ["private", "loopback", "uniqueLocal", "carrierGradeNat"];

/**
 * Azure's platform answers there in every virtual network, though the address looks public.
 * @see https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
 */
const azurePlatform = "168.63.129.16";

/** All of today's global unicast; whatever lies outside is reserved, local, or has another address inside it. */
const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse("2000::"), 3];

/**
 * Whether a webhook may be sent to an address, IPv4 or IPv6 as the resolver or the URL parser writes it. NB. Only what is
 * publicly routed is: an IPv6 address that carries an IPv4 address (mapped, NAT64, 6to4, Teredo) is refused whatever it
 * carries, and so are link-local addresses, where clouds keep their metadata services, even when private ones are allowed.
 */
export function mayReach(address: string, allowPrivate: boolean): boolean {
  if (!ipaddr.isValid(address)) {
    return false;
  }
  const parsed = ipaddr.parse(address);
  const range = parsed.range();
  if (ownNetworks.includes(range)) {
    return allowPrivate;
  }
  const isPublic =
    range === "unicast" &&
    (parsed instanceof ipaddr.IPv6 ? parsed.match(globalUnicast) : address !== azurePlatform);
  return isPublic;
}
