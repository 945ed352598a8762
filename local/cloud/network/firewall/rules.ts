import { isIPv4 } from "node:net";
import { isObject } from "../../answers.ts";
import { isPortRange } from "../prefixes.ts";
import { unreadable } from "../rule-errors.ts";
import { isAddressOrRange, isAny, isTag } from "./addresses.ts";
import {
  badAddress,
  badPorts,
  badProtocol,
  badReference,
  badTranslatedPort,
  badTranslation,
  missingMember,
} from "./errors.ts";

/** What classic rules and rules of a policy call the same member. */
export type Spelling = "protocols" | "ipProtocols";
export type RuleKind = "nat" | "network" | "application";
type Rule = Readonly<Record<string, unknown>>;

interface Context {
  readonly spelling: Spelling;
  readonly exists: (id: string) => boolean;
}

/** Throws Azure's refusal of the first fault found in a rule. */
export function checkRule(kind: RuleKind, rule: Rule, context: Context): void {
  const name = String(rule["name"]);
  checkSources(name, rule, context);
  if (kind === "application") checkApplication(name, rule);
  else checkProtocols(name, rule, context, kind === "nat" ? ["TCP", "UDP"] : networkProtocols);
  if (kind === "nat") checkNat(name, rule);
  if (kind === "network") checkNetwork(name, rule, context);
}

const networkProtocols = ["TCP", "UDP", "Any", "ICMP"];

function checkProtocols(
  name: string,
  rule: Rule,
  { spelling }: Context,
  allowed: readonly string[],
): void {
  const foreign = spelling === "protocols" ? "ipProtocols" : "protocols";
  if (rule[foreign] !== undefined) {
    throw unreadable(`Could not find member '${foreign}' on rule '${name}'; it has '${spelling}'.`);
  }
  const protocols = texts(rule, spelling);
  if (protocols.length === 0) throw missingMember(name, spelling);
  for (const protocol of protocols) {
    if (!allowed.includes(protocol)) throw badProtocol(name, protocol, allowed.join(", "));
  }
}

function checkSources(name: string, rule: Rule, { exists }: Context): void {
  const addresses = texts(rule, "sourceAddresses");
  const groups = texts(rule, "sourceIpGroups");
  if (addresses.length + groups.length === 0) {
    throw missingMember(name, "sourceAddresses, sourceIpGroups");
  }
  for (const address of addresses) {
    if (!isAny(address) && !isAddressOrRange(address)) throw badAddress(name, address);
  }
  checkIpGroups(name, groups, exists);
}

function checkIpGroups(
  name: string,
  groups: readonly string[],
  exists: (id: string) => boolean,
): void {
  for (const id of groups) if (!exists(id)) throw badReference(id, name);
}

function checkNat(name: string, rule: Rule): void {
  const addresses = texts(rule, "destinationAddresses");
  if (addresses.length === 0) throw missingMember(name, "destinationAddresses");
  for (const address of addresses) if (!isIPv4(address)) throw badAddress(name, address);
  checkPorts(name, rule);
  const { translatedAddress, translatedFqdn, translatedPort } = rule;
  if (!/^[1-9]\d{0,4}$/.test(String(translatedPort)) || Number(translatedPort) > 65_535) {
    throw badTranslatedPort(name);
  }
  const hasAddress = typeof translatedAddress === "string" && isIPv4(translatedAddress);
  const hasFqdn = typeof translatedFqdn === "string" && translatedFqdn !== "";
  const isWrong = translatedAddress !== undefined && !hasAddress;
  if (hasAddress === hasFqdn || isWrong) throw badTranslation(name);
}

function checkNetwork(name: string, rule: Rule, { exists }: Context): void {
  const addresses = texts(rule, "destinationAddresses");
  const groups = texts(rule, "destinationIpGroups");
  const names = texts(rule, "destinationFqdns");
  if (addresses.length + groups.length + names.length === 0) {
    throw missingMember(name, "destinationAddresses, destinationIpGroups, destinationFqdns");
  }
  for (const address of addresses) {
    if (!isAny(address) && !isTag(address) && !isAddressOrRange(address)) {
      throw badAddress(name, address);
    }
  }
  checkIpGroups(name, groups, exists);
  checkPorts(name, rule);
}

function checkPorts(name: string, rule: Rule): void {
  const ports = texts(rule, "destinationPorts");
  if (ports.length === 0) throw missingMember(name, "destinationPorts");
  for (const port of ports) if (!isPortRange(port)) throw badPorts(name, port);
}

/** NB. Ours writes no application rules: they are looked at only as far as a slip would show. */
function checkApplication(name: string, rule: Rule): void {
  const protocols = rule["protocols"];
  if (!Array.isArray(protocols) || protocols.length === 0 || !protocols.every(isObject)) {
    throw missingMember(name, "protocols");
  }
  const targets = ["targetFqdns", "fqdnTags", "targetUrls", "webCategories"];
  if (targets.every((member) => texts(rule, member).length === 0)) {
    throw missingMember(name, targets.join(", "));
  }
}

/** An array of texts; none when left out. */
export function texts(rule: Rule, member: string): readonly string[] {
  const value = rule[member] ?? [];
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
  throw unreadable(`Property '${member}' must be an array of strings.`);
}
