import { defaultRules } from "../network/default-rules.ts";
import { rulesOf } from "../network/nsg.ts";
import type { Decision, Verdict } from "./decision.ts";
import { type Destination, groupsOf } from "./destination.ts";
import type { InForce } from "./in-force.ts";
import { matchingRule } from "./matching-rule.ts";
import { routedToAppliances } from "./next-hop.ts";

/** A packet in front of the machine's NSGs, with the source it bears there. */
export interface Arrival {
  readonly destination: Destination;
  readonly port: number;
  readonly source: string;
  readonly sourcePort: number;
}

/** What the NSGs in front of the machine say; each of them has to allow. */
export function nsgVerdict(inForce: InForce, arrival: Arrival): Verdict {
  const { address, nsgIds, isClosedWithoutNsg } = arrival.destination;
  if (nsgIds.length === 0) {
    return isClosedWithoutNsg
      ? { letsIn: false, decidedBy: [], note: "A Standard public IP without NSG is closed." }
      : { letsIn: true, decidedBy: [], note: "There is no NSG." };
  }
  const { resources } = inForce;
  const { source, sourcePort, port, destination } = arrival;
  const packet = {
    source: { address: source, port: sourcePort, groups: groupsOf(resources, source) },
    destination: { address, port, groups: groupsOf(resources, address) },
    virtualNetwork: destination.virtualNetwork,
    routedToAppliances: routedToAppliances(resources, destination),
  };
  const decidedBy: Decision[] = [];
  for (const networkSecurityGroup of nsgIds) {
    const nsg = inForce.get(networkSecurityGroup);
    const rules = [...(nsg === undefined ? [] : rulesOf(nsg)), ...defaultRules];
    const rule = matchingRule(rules, packet);
    const access = rule?.properties["access"] === "Allow" ? "Allow" : "Deny";
    decidedBy.push({ networkSecurityGroup, rule: rule?.name ?? "", access });
    if (access === "Deny") return { letsIn: false, decidedBy };
  }
  return { letsIn: true, decidedBy };
}
