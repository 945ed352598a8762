import { isPrefix, parsePrefix } from "./cidr.ts";
import type { SecurityRule } from "./nsg.ts";

/** Before and since May 2023: how the names of Defender's rules begin, and how their descriptions do. */
const generations = { MicrosoftDefenderForCloud: "MDC", SecurityCenter: "ASC" } as const;

/** The number (signed, 32 bits) and 32 hex digits; `_` parts them in deny rules, `-` in allow rules. */
const names = {
  Deny: /^(MicrosoftDefenderForCloud|SecurityCenter)-JITRule_(0|-?[1-9]\d{0,9})_[0-9A-F]{32}$/,
  Allow: /^(MicrosoftDefenderForCloud|SecurityCenter)-JITRule-(0|-?[1-9]\d{0,9})-[0-9A-F]{32}$/,
} as const;

const descriptions = {
  Deny: /^(MDC|ASC) JIT Network Access rule for policy '[^']*' of VM '([^']+)'\.$/,
  Allow:
    /^(MDC|ASC) JIT Network Access rule created by an initiation request for policy '[^']*' of VM '([^']+)'\.$/,
} as const;

/**
 * Whether a rule is exactly such a one as Microsoft Defender's just-in-time access writes: its name and description of one
 * generation, its kind, and traffic as Defender describes it. Anything that deviates is a customer's.
 */
export function isDefenderRule(rule: SecurityRule): boolean {
  const [, generation = "", number] = names[rule.access].exec(rule.name) ?? [];
  const [, began] = descriptions[rule.access].exec(rule.description) ?? [];
  return (
    began !== undefined &&
    isGeneration(generation) &&
    generations[generation] === began &&
    Number(number) === (Number(number) | 0) &&
    isDefenderTraffic(rule)
  );
}

/** The VM that a rule of Defender's speaks of, lower-cased. */
export function vmNameOf({ access, description }: SecurityRule): string {
  return (descriptions[access].exec(description)?.[2] ?? "").toLowerCase();
}

const isGeneration = (text: string): text is keyof typeof generations => text in generations;

/** Inbound, to certain ports of one address of the VM; everything is denied, and allowed is what was asked for. */
function isDefenderTraffic(rule: SecurityRule): boolean {
  const { destinations, destinationPorts, sources, protocol } = rule;
  const isForAll = sources.length === 1 && sources[0] === "*";
  return (
    rule.direction === "Inbound" &&
    rule.sourceGroups.length === 0 &&
    rule.destinationGroups.length === 0 &&
    rule.sourcePorts.length === 1 &&
    rule.sourcePorts[0] === "*" &&
    destinations.length === 1 &&
    destinations.every(isOneAddress) &&
    destinationPorts.length > 0 &&
    destinationPorts.every(isPort) &&
    (rule.access === "Deny"
      ? isForAll && protocol === "*"
      : (isForAll || (sources.length > 0 && sources.every(isAddressOrRange))) &&
        ["Tcp", "Udp", "*"].includes(protocol))
  );
}

function isOneAddress(text: string): boolean {
  const prefix = parsePrefix(text);
  return isPrefix(prefix) && prefix.length === (prefix.family === 4 ? 32 : 128);
}

const isAddressOrRange = (text: string): boolean => isPrefix(parsePrefix(text));

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
