import type { DataPlaneEntry } from "../estate.ts";
import { defaultRules } from "../network/default-rules.ts";
import { rulesOf } from "../network/nsg.ts";
import { destinationOf, groupsOf } from "./destination.ts";
import type { InForce } from "./in-force.ts";
import { matchingRule } from "./matching-rule.ts";

/** Whether a new connection is let in, and by which rule of which NSG; after the first Deny no other NSG is asked. */
export interface Verdict {
  readonly letsIn: boolean;
  readonly decidedBy: readonly Decision[];
  /** Said when it was no rule that decided. */
  readonly note?: string;
}

interface Decision {
  readonly networkSecurityGroup: string;
  readonly rule: string;
  readonly access: "Allow" | "Deny";
}

/**
 * The cloud's own judgement, on the rules in force at this moment. It shares no code with the app: what the app believes
 * to be open or closed shows here, or does not.
 */
export function verdictOn(inForce: InForce, entry: DataPlaneEntry, sourcePort: number): Verdict {
  const { resources } = inForce;
  const destination = destinationOf(resources, entry);
  if (destination === undefined) {
    return { letsIn: false, decidedBy: [], note: "There is no such machine, or no such address." };
  }
  const { address, virtualNetwork, nsgIds, isClosedWithoutNsg } = destination;
  if (nsgIds.length === 0) {
    return isClosedWithoutNsg
      ? { letsIn: false, decidedBy: [], note: "A Standard public IP without NSG is closed." }
      : { letsIn: true, decidedBy: [], note: "There is no NSG." };
  }
  const packet = {
    source: {
      address: entry.source,
      port: sourcePort,
      groups: groupsOf(resources, entry.source),
    },
    destination: { address, port: entry.port, groups: groupsOf(resources, address) },
    virtualNetwork,
  };
  const decidedBy: Decision[] = [];
  for (const networkSecurityGroup of nsgIds) {
    const nsg = inForce.nsg(networkSecurityGroup);
    const rules = [...(nsg === undefined ? [] : rulesOf(nsg)), ...defaultRules];
    const rule = matchingRule(rules, packet);
    const access = rule?.properties["access"] === "Allow" ? "Allow" : "Deny";
    decidedBy.push({ networkSecurityGroup, rule: rule?.name ?? "", access });
    if (access === "Deny") return { letsIn: false, decidedBy };
  }
  return { letsIn: true, decidedBy };
}
