import type { Reason, ReasonCode } from "../reasons.ts";

/** How many of each a body may list in all. */
export interface SizeLimits {
  readonly "virtual machines": number;
  readonly ports: number;
  readonly sources: number;
}

/**
 * Why a body is too large to be read, or nothing when it is not. Counts alone, whatever else is wrong: to check 100,000 empty
 * ports one by one, and to say of each what it lacks, takes seconds.
 */
export function sizeFault(
  virtualMachines: unknown,
  limits: SizeLimits,
  said: { readonly code: ReasonCode; readonly target: string },
): Reason | undefined {
  const machines = listOf(virtualMachines);
  const isFew = machines.length <= limits["virtual machines"];
  const ports = isFew ? machines.map((machine) => listOf(member(machine, "ports"))) : [];
  const counts: SizeLimits = {
    "virtual machines": machines.length,
    ports: sum(ports.map((list) => list.length)),
    sources: sum(ports.map((list) => sum(list.map(sourcesOf)))),
  };
  const what = (["virtual machines", "ports", "sources"] as const).find(
    (each) => counts[each] > limits[each],
  );
  if (what === undefined) {
    return undefined;
  }
  const [given, most] = [counts[what], limits[what]].map((count) => count.toLocaleString("en"));
  const message = `'${said.target}' lists ${given} ${what} in all: expected at most ${most}. Split it.`;
  return { ...said, message };
}

const sourcesOf = (port: unknown): number =>
  listOf(member(port, "allowedSourceAddressPrefix")).length +
  listOf(member(port, "allowedSourceAddressPrefixes")).length;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);

/** A member of whatever was sent. */
export function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

/** Whether a value of a JSON body holds more than so many characters and entries in all. Looks no further than that, however deep it is. */
export function isLargerThan(value: unknown, most: number): boolean {
  let left = most;
  const open: unknown[] = [value];
  while (open.length > 0 && open.length <= left) {
    const next = open.pop();
    const inner = innerOf(next);
    left -= weightOf(next);
    if (inner.length > left) {
      return true;
    }
    open.push(...inner);
  }
  return open.length > left;
}

function innerOf(value: unknown): readonly unknown[] {
  const isObject = typeof value === "object" && value !== null;
  return Array.isArray(value) ? value : isObject ? Object.values(value) : [];
}

function weightOf(value: unknown): number {
  if (typeof value === "string") {
    return 1 + value.length;
  }
  const isNamed = typeof value === "object" && value !== null && !Array.isArray(value);
  return 1 + (isNamed ? sum(Object.keys(value).map((name) => name.length)) : 0);
}
