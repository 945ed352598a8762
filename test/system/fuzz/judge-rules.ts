import type { ArmNsg, ArmRule } from "../user.ts";
import { machineAt, machines } from "./estate.ts";
import type { Ledger } from "./ledger.ts";
import { isInside } from "./prefixes.ts";
import type { RequestRecord, WindowRecord } from "./request-record.ts";

/** How long a rule may outlive the end of its window, or the answer that said it is to end. */
const graceMs = 60_000;
/** How long opening may take before a length begins to count; the rules of such a window tell an end that is so much later. */
const openingMs = 300_000;

/** All that is wrong with our rules on the groups: each has to be what some permitted call asked for, and nothing may be missing. */
export function judgeRules(
  ledger: Ledger,
  groups: readonly ArmNsg[],
  now: number,
): readonly string[] {
  return groups.flatMap((group) => {
    const own = group.properties.securityRules.filter(({ name }) => name.startsWith("JitAccess-"));
    const allows = own.filter(({ properties }) => properties.access === "Allow");
    const denies = own.filter(({ properties }) => properties.access === "Deny");
    return [
      ...allows.flatMap((rule) => allowFaults(ledger, group.name, rule, now)),
      ...denyFaults(ledger, group.name, denies, now),
    ].map((fault) => `${new Date(now).toISOString()} ${group.name}: ${fault}`);
  });
}

/** An allow rule has to be a window that is open, and each of its ports one, whoever asked. */
function allowFaults(ledger: Ledger, group: string, rule: ArmRule, now: number): readonly string[] {
  const faults: string[] = [];
  const [, requestId = "", , portText, family] =
    /^JitAccess-[\da-f]{6}-Allow-([\da-f-]{36})-(\d+)-(\d+)-v([46])$/.exec(rule.name) ?? [];
  const machine = onlyOne(
    listOf(rule, "destinationAddressPrefix").map((address) => machineAt(address, group)),
  );
  const named = ledger.requests.get(requestId);
  const seen = windowsFor({ ledger, machine, rule, family: family === "6" ? 6 : 4, now });
  const own = seen.find(
    ({ record, window }) => record === named && window.port === Number(portText),
  );
  if (own !== undefined) {
    own.window.seenAt ??= now;
  } else {
    faults.push(
      `${rule.name} is not what a permitted request asked for: ${JSON.stringify(rule.properties)}`,
    );
  }
  const strange = portsOf(rule).filter((port) => !seen.some(({ window }) => window.port === port));
  if (strange.length > 0) {
    faults.push(`${rule.name} opens the ports ${strange}, which nobody asked for`);
  }
  const told = Date.parse(
    / closes (\S+) window /.exec(rule.properties.description ?? "")?.[1] ?? "",
  );
  if (own !== undefined && !(told <= latestEnd(own.window, now))) {
    faults.push(
      `${rule.name} tells a later end than was asked for: ${rule.properties.description}`,
    );
  }
  return faults;
}

const latestEnd = ({ endsAt, seconds }: WindowRecord, now: number): number =>
  endsAt === undefined ? now + seconds * 1_000 + openingMs + 5_000 : endsAt + 1;

interface Opening {
  readonly record: RequestRecord;
  readonly window: WindowRecord;
}

/** Windows that may be open and that the rule could be for. */
function windowsFor({
  ledger,
  machine,
  rule,
  family,
  now,
}: {
  readonly ledger: Ledger;
  readonly machine: string | undefined;
  readonly rule: ArmRule;
  readonly family: 4 | 6;
  readonly now: number;
}): readonly Opening[] {
  const sources = listOf(rule, "sourceAddressPrefix");
  const protocol = String(rule.properties["protocol"]).toUpperCase();
  const found: Opening[] = [];
  for (const record of ledger.requests.values()) {
    for (const window of record.windows) {
      if (
        window.machine === machine &&
        window.protocols.has(protocol) &&
        sources.every((source) => isInside(source, window.sources, family)) &&
        mayBeOpen(ledger, record, window, now)
      ) {
        found.push({ record, window });
      }
    }
  }
  return found;
}

function mayBeOpen(
  ledger: Ledger,
  record: RequestRecord,
  window: WindowRecord,
  now: number,
): boolean {
  const isOver = record.endedAt !== undefined && now > record.endedAt + graceMs;
  // Of one that waits for people there is no telling when it opened.
  const unseen = record.needsNobody ? record.answeredAt + graceMs : Number.POSITIVE_INFINITY;
  const end = window.endsAt ?? (window.seenAt ?? unseen) + window.seconds * 1_000 + graceMs;
  return (
    !(isOver || record.wasDenied === true) &&
    now <= end + graceMs &&
    (record.needsNobody || ledger.isAgreed(record, now))
  );
}

/** A machine's deny rule closes what its policies protect: all that certainly is, and nothing that nobody put. */
function denyFaults(
  ledger: Ledger,
  group: string,
  denies: readonly ArmRule[],
  now: number,
): readonly string[] {
  const wanted = protectedPorts(ledger, now);
  const unknown = denies.filter((rule) => machineOfRule(rule, group) === undefined);
  const behind = [...machines].filter(([, places]) => places[group] !== undefined);
  const differences = behind.flatMap(([machine, places]) => {
    const { certain, possible } = wanted.get(machine) ?? {
      certain: new Set(),
      possible: new Set(),
    };
    const own = denies.filter((rule) => machineOfRule(rule, group) === machine);
    const isRight = (places[group] ?? []).every((address) => {
      const rules = own.filter((rule) =>
        listOf(rule, "destinationAddressPrefix").includes(address),
      );
      const ports = new Set(rules.flatMap(portsOf));
      return ports.isSupersetOf(certain) && ports.isSubsetOf(possible);
    });
    const say = (ports: ReadonlySet<unknown>) => [...ports].join();
    return isRight
      ? []
      : [
          `${machine} has ${JSON.stringify(own.map(portsOf))} closed, and ${say(certain)} to ${say(possible)} is asked for`,
        ];
  });
  return [
    ...unknown.map(({ name }) => `${name} belongs to no machine behind the group`),
    ...differences,
  ];
}

function protectedPorts(ledger: Ledger, now: number) {
  const ports = new Map<string, { certain: Set<number>; possible: Set<number> }>();
  for (const key of ledger.policies.keys) {
    const versions = ledger.policies.possible(key, now, now);
    for (const [machine, terms] of versions.flatMap(({ content }) => [
      ...(content?.machines ?? []),
    ])) {
      const of = ports.get(machine) ?? { certain: new Set(), possible: new Set() };
      for (const port of terms.keys()) {
        of.possible.add(port);
        const isCertain = versions.every(({ content }) =>
          content?.machines.get(machine)?.has(port),
        );
        if (isCertain) {
          of.certain.add(port);
        }
      }
      ports.set(machine, of);
    }
  }
  return ports;
}

const machineOfRule = (rule: ArmRule, group: string): string | undefined =>
  onlyOne(listOf(rule, "destinationAddressPrefix").map((address) => machineAt(address, group)));

/** The one value of all; nothing where they differ. */
function onlyOne<T>(values: readonly T[]): T | undefined {
  const [first] = values;
  return values.every((value) => value === first) ? first : undefined;
}

/** A member of a rule that has its values in the one or in the many. */
function listOf({ properties }: ArmRule, name: string): readonly string[] {
  const many = properties[`${name}es`] ?? properties[`${name}s`];
  const list = Array.isArray(many) && many.length > 0 ? many : [properties[name]];
  return list.filter((value) => typeof value === "string" && value !== "");
}

function portsOf(rule: ArmRule): readonly number[] {
  return listOf(rule, "destinationPortRange").flatMap((range) => {
    const [from = Number.NaN, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}
