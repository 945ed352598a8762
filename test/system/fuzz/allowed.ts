import type { Person } from "./estate.ts";
import type { Version } from "./policies-seen.ts";
import { isInside, rangesOf } from "./prefixes.ts";
import type { Terms } from "./read-bodies.ts";
import type { RulesRead } from "./read-rules.ts";

/** A port as it was granted: with sources in any case. */
export interface GrantedPort {
  readonly machine: string;
  readonly port: number;
  readonly sources: readonly string[];
  readonly seconds: number;
}

export interface Asked {
  readonly person: Person;
  readonly ports: readonly GrantedPort[];
  readonly justification: string;
  readonly isBreakGlass: boolean;
}

/** Expressions that policies of a run ask for; of any other nobody here says what it matches. */
export const knownPatterns: readonly string[] = [
  "\\bINC-\\d{4,8}\\b",
  "^[A-Z]{2,5}-\\d+",
  "(?i)inc",
];

/** How far a client's clock may run ahead, in seconds. */
const toleranceSeconds = 60;

type Verdict = "opens" | "waits";

/** What may become of a request by the policy as it was then: it opens, it waits for people, either, or neither. */
export function verdictsOf(version: Version, asked: Asked): readonly Verdict[] {
  const isWithin = asked.ports.every((port) => {
    const terms = version.content?.machines.get(port.machine)?.get(port.port);
    return terms !== undefined && isWithinTerms(port, terms);
  });
  return isWithin ? version.rules.flatMap((rules) => verdictsOfRules(rules, asked)) : [];
}

function isWithinTerms({ sources, seconds }: GrantedPort, terms: Terms): boolean {
  return (
    sources.every((source) => isInside(source, terms.sources)) &&
    seconds <= terms.longestSeconds + toleranceSeconds
  );
}

function verdictsOfRules(rules: RulesRead | undefined, asked: Asked): readonly Verdict[] {
  const isFit =
    isJustified(rules, asked) &&
    asked.ports.every(({ sources }) => sources.every((source) => isNarrow(rules, source)));
  if (!isFit || (asked.isBreakGlass && !rules?.breakGlass?.people.includes(asked.person))) {
    return [];
  }
  if (asked.isBreakGlass || rules?.approval === undefined) {
    return ["opens"];
  }
  const automatic = rules.approval.automatic.filter(({ people }) => people.includes(asked.person));
  // Hours come and go.
  const isSometimes = automatic.length > 0;
  return automatic.some(({ isAlways }) => isAlways)
    ? ["opens"]
    : [...(isSometimes ? (["opens"] as const) : []), "waits"];
}

function isJustified(
  rules: RulesRead | undefined,
  { justification, isBreakGlass }: Asked,
): boolean {
  const said = justification.replace(/\s/g, "");
  if (isBreakGlass) {
    return said.length >= 10;
  }
  const { isRequired = false, pattern = "" } = rules?.justification ?? {};
  const [, flags = "", rest = ""] = /^(\(\?i\))?(.*)$/s.exec(pattern) ?? [];
  const fits =
    !knownPatterns.includes(pattern) || new RegExp(rest, flags && "i").test(justification);
  return said === "" ? !isRequired : fits;
}

function isNarrow(rules: RulesRead | undefined, source: string): boolean {
  const { isAnyAllowed = true, widest = { 4: 0, 6: 0 } } = rules?.sources ?? {};
  const isAny = source === "*" && !isAnyAllowed;
  return (
    !isAny && (rangesOf(source)?.every(({ family, length }) => length >= widest[family]) ?? false)
  );
}
