import type { ArmResource, Behaviour, FirewallEntry } from "../estate.ts";
import type { Decision, Verdict } from "./decision.ts";
import { destinationWithin } from "./destination.ts";
import { hasPublicAddress, privateAddressOf, reachOf } from "./firewall.ts";
import { type FirewallPacket, speaksAbout, speaksOfDestination } from "./firewall-match.ts";
import { dnatRulesOf, type FirewallRule, networkRulesOf, textsOf } from "./firewall-rules.ts";
import type { InForce } from "./in-force.ts";
import { nsgVerdict } from "./nsg-verdict.ts";

/** A client's connection to a public address of a firewall. */
export interface Call {
  readonly entry: FirewallEntry;
  readonly mappedPort: number;
  readonly sourcePort: number;
}

/** The verdict on a call, and where it leads, let in or not. */
export interface CallVerdict extends Verdict {
  readonly target?: Target;
}

interface Target {
  readonly address: string;
  readonly port: number;
  /** Undefined when no machine that the firewall reaches has the address. */
  readonly virtualMachine?: string | undefined;
}

interface Translated {
  readonly firewall: ArmResource;
  readonly rule: FirewallRule;
  readonly address: string;
  readonly port: number;
}

/** The ports of the entry's public address that DNAT rules in force translate, for whatever source; ranges of ports are left out. */
export function mappedPortsOf(inForce: InForce, entry: FirewallEntry): readonly number[] {
  const firewall = ownerOf(inForce, entry);
  if (firewall === undefined) return [];
  const ports = dnatRulesOf(inForce, firewall).flatMap((rule) =>
    textsOf(rule.members["destinationPorts"])
      .filter((text) => /^\d{1,5}$/.test(text))
      .map(Number)
      .filter((port) =>
        speaksOfDestination(inForce, rule, { destination: entry.publicIpAddress, port }),
      ),
  );
  return [...new Set(ports)];
}

/**
 * DNAT, then by the behaviour asked for the network rules, then the machine's NSGs, which see the firewall's private address
 * as the source. NB. Not modelled: translation to a name, application rules, threat intelligence; and Azure translates the
 * source to the address of any instance in the firewall's subnet, where here it is always the firewall's own.
 */
export function verdictOnCall(
  inForce: InForce,
  call: Call,
  dnatAgainstDeny: Behaviour["dnatAgainstDeny"],
): CallVerdict {
  const { publicIpAddress: destination, source } = call.entry;
  const firewall = ownerOf(inForce, call.entry);
  if (firewall === undefined) return turnedAway("The firewall has no such public address.");
  const packet = { source, destination, port: call.mappedPort };
  const candidates = dnatRulesOf(inForce, firewall).filter((each) =>
    speaksOfDestination(inForce, each, packet),
  );
  const rule = candidates.find((each) => speaksAbout(inForce, each, packet));
  const shown = rule ?? candidates[0];
  if (shown === undefined) return turnedAway("No DNAT rule is about this port.");
  const translated = translationOf(firewall, shown);
  const target = targetOf(inForce, translated);
  const verdict =
    rule === undefined
      ? turnedAway("No DNAT rule for this port is about this source.")
      : verdictBehind(inForce, translated, call, dnatAgainstDeny);
  return { ...verdict, target };
}

/** What the network rules say, and if none does, the firewall itself: it lets nothing pass unasked. */
export function networkDecision(
  inForce: InForce,
  firewall: ArmResource,
  packet: FirewallPacket,
): Decision {
  return (
    explicitDecision(inForce, firewall, packet) ?? {
      firewall: firewall.id,
      rule: "no rule matched",
      access: "Deny",
    }
  );
}

function explicitDecision(
  inForce: InForce,
  firewall: ArmResource,
  packet: FirewallPacket,
): Decision | undefined {
  const rule = networkRulesOf(inForce, firewall).find((each) => speaksAbout(inForce, each, packet));
  if (rule === undefined) return undefined;
  return decisionOf(firewall, rule, rule.action === "Allow" ? "Allow" : "Deny");
}

function verdictBehind(
  inForce: InForce,
  { firewall, rule, address, port }: Translated,
  { entry, sourcePort }: Call,
  dnatAgainstDeny: Behaviour["dnatAgainstDeny"],
): Verdict {
  const translatedTo = `${address}:${port}`;
  const decidedBy: Decision[] = [{ ...decisionOf(firewall, rule, "Allow"), translatedTo }];
  if (dnatAgainstDeny === "deny wins") {
    const packet = { source: entry.source, destination: address, port };
    const decision = explicitDecision(inForce, firewall, packet);
    if (decision !== undefined) decidedBy.push(decision);
    if (decision?.access === "Deny") return { letsIn: false, decidedBy };
  }
  const { resources } = inForce;
  const destination = destinationWithin(resources, reachOf(resources, firewall), address);
  if (destination === undefined) {
    return { letsIn: false, decidedBy, note: "The firewall reaches no machine at that address." };
  }
  const source = privateAddressOf(firewall) ?? "";
  const verdict = nsgVerdict(inForce, { destination, port, source, sourcePort });
  return { ...verdict, decidedBy: [...decidedBy, ...verdict.decidedBy] };
}

/** The entry's firewall, if it has the entry's public address. */
function ownerOf(inForce: InForce, entry: FirewallEntry): ArmResource | undefined {
  const firewall = inForce.get(entry.firewall);
  if (firewall === undefined) return undefined;
  return hasPublicAddress(inForce.resources, firewall, entry.publicIpAddress)
    ? firewall
    : undefined;
}

function translationOf(firewall: ArmResource, rule: FirewallRule): Translated {
  const { translatedAddress, translatedPort } = rule.members;
  return { firewall, rule, address: String(translatedAddress), port: Number(translatedPort) };
}

function targetOf(inForce: InForce, { firewall, address, port }: Translated): Target {
  const { resources } = inForce;
  const destination = destinationWithin(resources, reachOf(resources, firewall), address);
  return { address, port, virtualMachine: destination?.virtualMachine };
}

function decisionOf(
  firewall: ArmResource,
  { name, collection }: FirewallRule,
  access: Decision["access"],
): Decision {
  return { firewall: firewall.id, collection, rule: name, access };
}

function turnedAway(note: string): Verdict {
  return { letsIn: false, decidedBy: [], note };
}
