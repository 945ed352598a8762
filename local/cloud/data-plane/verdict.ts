import type { DataPlaneEntry } from "../estate.ts";
import type { Verdict } from "./decision.ts";
import { destinationOf } from "./destination.ts";
import { networkDecision } from "./firewall-verdict.ts";
import type { InForce } from "./in-force.ts";
import { firewallBefore } from "./next-hop.ts";
import { nsgVerdict } from "./nsg-verdict.ts";

/**
 * The cloud's own judgement on a connection to a machine's address, on the rules in force at this moment. It shares no code
 * with the app: what the app believes to be open or closed shows here, or does not.
 *
 * A firewall on the way asks its network rules and keeps the source, as Azure Firewall does towards private addresses.
 */
export function verdictOn(inForce: InForce, entry: DataPlaneEntry, sourcePort: number): Verdict {
  const destination = destinationOf(inForce.resources, entry);
  if (destination === undefined) {
    return { letsIn: false, decidedBy: [], note: "There is no such machine, or no such address." };
  }
  const { source, port } = entry;
  const atNsgs = () => nsgVerdict(inForce, { destination, port, source, sourcePort });
  const firewall = firewallBefore(inForce, destination, source);
  if (firewall === undefined) return atNsgs();
  const packet = { source, destination: destination.address, port };
  const decision = networkDecision(inForce, firewall, packet);
  if (decision.access === "Deny") return { letsIn: false, decidedBy: [decision] };
  const verdict = atNsgs();
  return { ...verdict, decidedBy: [decision, ...verdict.decidedBy] };
}
