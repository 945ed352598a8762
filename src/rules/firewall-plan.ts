import type { Firewall, FirewallRule } from "./firewall.ts";
import type { GateIntent, Owner } from "./intent.ts";
import type { GatePlan } from "./nsg-plan.ts";

export function planFirewall(
  _firewall: Firewall,
  _intent: GateIntent,
  _now: Date,
  _owner: Owner,
): GatePlan<FirewallRule> {
  throw new Error("not there yet");
}
