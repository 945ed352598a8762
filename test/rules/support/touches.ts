import type { FirewallRule } from "../../../src/rules/firewall.ts";
import {
  addressesOf,
  mayHold,
  mayShareTransport,
  type OwnTraffic,
} from "../../../src/rules/firewall-overlap.ts";

/** Whether a rule may speak about a packet of the traffic, by looking at the two alone. */
export const touches = (rule: FirewallRule, traffic: OwnTraffic): boolean =>
  mayShareTransport(rule, traffic) && mayHold(rule, addressesOf(traffic.destinations));
