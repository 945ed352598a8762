import {
  type Certainty,
  portIn,
  type ReadGroup,
  type ReadRule,
  speaksTo,
  type Transport,
} from "./effective-group.ts";
import {
  type AddressRange,
  type AddressSet,
  common,
  holds,
  indexWhere,
  nothing,
  union,
  without,
} from "./effective-ranges.ts";
import { publicSpace } from "./service-tags.ts";

/** Packets to one port of one address: who sends them, by protocol. */
export type Packets = Readonly<Record<Transport, AddressSet>>;

/** Traffic to a port, its addresses read. */
export interface Question {
  readonly packets: Packets;
  readonly destination: bigint;
  readonly family: 4 | 6;
  readonly port: number;
}

/** What certainly gets through and what certainly does not; the rest of the packets hangs on what is not known. */
export interface Verdict {
  readonly allowed: Packets;
  readonly denied: Packets;
}

/** A verdict with the rules that lead to it or leave it open, in the order in which they are read. */
export interface Answer extends Verdict {
  readonly rules: readonly string[];
}

/** A group's rules as they read for the question. */
export function rulesFor(group: ReadGroup, { family, destination }: Question): readonly ReadRule[] {
  return group({ family, hasPublicSpace: holds(publicSpace[family], destination) });
}

/** Whether a rule may speak about some packets of the question. */
export function maySpeak(rule: ReadRule, { packets, port, destination }: Question): boolean {
  return transports.some(
    (transport) =>
      speaksTo(rule, transport, port, destination) !== "no" &&
      common(packets[transport], rule.sources.possibly).length > 0,
  );
}

const transports = ["TCP", "UDP"] as const;

/** Asks a group about every packet of the question at once. */
export function ask(group: ReadGroup, question: Question): Answer {
  const rules = about(rulesFor(group, question), question);
  const tcp = walk(rules, question, "TCP");
  const udp = walk(rules, question, "UDP");
  return {
    allowed: { TCP: union(tcp.allowed), UDP: union(udp.allowed) },
    denied: { TCP: union(tcp.denied), UDP: union(udp.denied) },
    rules: rules
      .filter((rule) => tcp.spoken.has(rule) || udp.spoken.has(rule))
      .map((rule) => rule.name),
  };
}

const known = new WeakMap<readonly ReadRule[], Map<number, readonly ReadRule[]>>();

/**
 * The rules that may speak to the question's port and address, whoever sends. NB. Of thousands of rules few speak of a port, and
 * many ask about the same one: those are found once.
 */
function about(rules: readonly ReadRule[], { port, destination }: Question): readonly ReadRule[] {
  const byPort = known.get(rules) ?? new Map<number, readonly ReadRule[]>();
  known.set(rules, byPort);
  const ofPort = byPort.get(port) ?? rules.filter((rule) => portIn(rule.ports, port) !== "no");
  byPort.set(port, ofPort);
  return ofPort.filter((rule) => holds(rule.destinations.possibly, destination));
}

/** What was found so far on the way through the senders. */
interface Findings {
  readonly allowed: AddressRange[];
  readonly denied: AddressRange[];
  readonly spoken: Set<ReadRule>;
}

/** From this sender on the rule speaks so; `place` is its place in the order of the rules. */
interface Turn {
  readonly at: bigint;
  readonly place: number;
  readonly rule: ReadRule;
  readonly speaks: Certainty;
}

/** Goes through the senders from the first to the last, and stops wherever a rule begins or ends to speak about them. */
function walk(
  rules: readonly ReadRule[],
  { packets, port, destination }: Question,
  transport: Transport,
): Findings {
  const senders = packets[transport];
  const findings: Findings = { allowed: [], denied: [], spoken: new Set() };
  const turns = rules
    .flatMap((rule, place) => {
      const speaks = speaksTo(rule, transport, port, destination);
      return speaks === "no" ? [] : turnsOf(rule, place, speaks === "yes", senders);
    })
    .toSorted(inOrder);
  const speakers: Turn[] = [];
  turns.forEach((turn, index) => {
    const place = indexWhere(speakers, (other) => other.place >= turn.place);
    if (turn.speaks === "no") {
      speakers.splice(place, 1);
    } else {
      speakers.splice(place, 0, turn);
    }
    const next = turns[index + 1];
    if (next !== undefined && next.at > turn.at && speakers.length > 0) {
      judge(speakers, { first: turn.at, last: next.at - 1n }, findings);
    }
  });
  return findings;
}

function turnsOf(
  rule: ReadRule,
  place: number,
  isCertain: boolean,
  senders: AddressSet,
): readonly Turn[] {
  const certainly = isCertain ? common(senders, rule.sources.certainly) : nothing;
  const possibly = common(senders, rule.sources.possibly);
  const turns = (set: AddressSet, speaks: Certainty): readonly Turn[] =>
    set.flatMap(({ first, last }) => [
      { at: first, place, rule, speaks },
      { at: last + 1n, place, rule, speaks: "no" },
    ]);
  return [...turns(certainly, "yes"), ...turns(without(possibly, certainly), "maybe")];
}

/** Where a rule changes from one to the other it ends first: it is never among the speakers twice. */
function inOrder(left: Turn, right: Turn): number {
  if (left.at !== right.at) {
    return left.at < right.at ? -1 : 1;
  }
  return Number(right.speaks === "no") - Number(left.speaks === "no");
}

/**
 * The first rule that certainly speaks decides, if all that may speak before it say the same. Where two of them disagree the
 * senders are uncertain, whatever follows.
 */
function judge(speakers: readonly Turn[], senders: AddressRange, findings: Findings): void {
  const access = speakers[0]?.rule.access;
  for (const { rule, speaks } of speakers) {
    findings.spoken.add(rule);
    if (rule.access !== access) {
      return;
    }
    if (speaks === "yes") {
      findings[access === "Allow" ? "allowed" : "denied"].push(senders);
      return;
    }
  }
}
