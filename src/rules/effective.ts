import type { Protocol } from "../policy/policy.ts";
import type { MachineAddress } from "../ports.ts";
import { isPrefix, parsePrefix } from "./cidr.ts";
import type { ReadGroup } from "./effective-group.ts";
import {
  type AddressSet,
  common,
  everything,
  nothing,
  rangeOf,
  union,
  without,
} from "./effective-ranges.ts";
import { type Answer, ask, type Packets, type Question, type Verdict } from "./effective-walk.ts";
import { publicSpace } from "./service-tags.ts";

/** Inbound traffic to a port: all packets of the sources and protocols at once. */
export interface Traffic {
  /** `*` (everybody of the destination's family), `Internet` (clearly public addresses), an address or a CIDR range. */
  readonly source: string;
  readonly port: number;
  /** NB. `*` is TCP and UDP: other protocols have no ports, so a rule for ICMP says nothing about a port. */
  readonly protocol: Protocol;
}

/**
 * What becomes of traffic. `allowed`, `denied`: certain for all of it. `partly`: some certainly gets through and some
 * certainly does not. `unknown`: it hangs on what a group does not tell (service tags, application security groups,
 * source ports).
 */
export type Access = "allowed" | "denied" | "partly" | "unknown";

/** What one gate makes of traffic. */
export interface GroupAccess {
  readonly access: Access;
  /** The rules that decide some of the traffic, or leave it uncertain, in the order in which they are read. */
  readonly rules: readonly string[];
}

/** What all gates in front of an address make of traffic. */
export interface EffectiveAccess {
  readonly access: Access;
  /** False when no gate stands in front of the address: no security group says no there, and we can hold nothing closed. */
  readonly isCovered: boolean;
  readonly gates: readonly (GroupAccess & { readonly gateId: string })[];
}

/**
 * What one group makes of traffic to a private address of a VM. Written apart from the planner, so that the two can
 * judge each other. Never says `denied` of what might get through, nor `allowed` of what might not. Traffic of another
 * family than the destination's does not exist, and is `denied` by no rule.
 */
export function accessThrough(
  group: ReadGroup,
  traffic: Traffic & { readonly destination: string },
): GroupAccess {
  const question = asQuestion(traffic.destination, traffic);
  return question === undefined ? unreadable : summary(question.packets, ask(group, question));
}

/**
 * What gets through to an address: every gate in front of it must allow it. `groups` is by gate id as the address names
 * it; what a gate that is missing there would say is `unknown`.
 */
export function effectiveAccess(
  { address, gates }: Pick<MachineAddress, "address" | "gates">,
  groups: ReadonlyMap<string, ReadGroup>,
  traffic: Traffic,
): EffectiveAccess {
  const isCovered = gates.length > 0;
  const question = asQuestion(address, traffic);
  if (question === undefined) {
    const unknown = gates.map((gateId) => ({ gateId, ...unreadable }));
    return { access: "unknown", isCovered, gates: unknown };
  }
  const { packets } = question;
  const answers = gates.map((gateId) => {
    const group = groups.get(gateId);
    return group === undefined ? unanswered : ask(group, question);
  });
  return {
    access: accessOf(packets, {
      allowed: answers.map(({ allowed }) => allowed).reduce(both, packets),
      denied: answers.map(({ denied }) => denied).reduce(either, noPackets),
    }),
    isCovered,
    gates: answers.map((answer, index) => ({
      gateId: gates[index] ?? "",
      ...summary(packets, answer),
    })),
  };
}

/** No packets at all. */
export const noPackets: Packets = { TCP: nothing, UDP: nothing };
const unreadable: GroupAccess = { access: "unknown", rules: [] };
const unanswered: Answer = { allowed: noPackets, denied: noPackets, rules: [] };

/** Reads the addresses of traffic; nothing when source or destination cannot be read. */
export function asQuestion(
  address: string,
  { source, port, protocol }: Traffic,
): Question | undefined {
  const destination = parsePrefix(address);
  if (!isPrefix(destination) || destination.text.includes("/")) {
    return undefined;
  }
  const { family, bits } = destination;
  const senders = sendersOf(source, family);
  if (senders === undefined) {
    return undefined;
  }
  const packets = {
    TCP: protocol === "UDP" ? nothing : senders,
    UDP: protocol === "TCP" ? nothing : senders,
  };
  return { packets, destination: bits, family, port };
}

function sendersOf(source: string, family: 4 | 6): AddressSet | undefined {
  if (source === "*") {
    return everything[family];
  }
  if (source.toLowerCase() === "internet") {
    return publicSpace[family];
  }
  const prefix = parsePrefix(source);
  if (!isPrefix(prefix)) {
    return undefined;
  }
  return prefix.family === family ? [rangeOf(prefix)] : nothing;
}

const summary = (packets: Packets, answer: Answer): GroupAccess => ({
  access: accessOf(packets, answer),
  rules: answer.rules,
});

/**
 * What becomes of packets, in a word.
 * NB. `denied` is asked first: where there are no packets at all, none gets through.
 */
export function accessOf(packets: Packets, { allowed, denied }: Verdict): Access {
  if (isEmpty(minus(packets, denied))) {
    return "denied";
  }
  if (isEmpty(minus(packets, allowed))) {
    return "allowed";
  }
  return isEmpty(allowed) || isEmpty(denied) ? "unknown" : "partly";
}

const isEmpty = ({ TCP, UDP }: Packets): boolean => TCP.length + UDP.length === 0;

const each =
  (combine: (left: AddressSet, right: AddressSet) => AddressSet) =>
  (left: Packets, right: Packets): Packets => ({
    TCP: combine(left.TCP, right.TCP),
    UDP: combine(left.UDP, right.UDP),
  });

/** The packets that are in both. */
export const both = each(common);
const minus = each(without);
/** The packets that are in one of them, or in both. */
export const either = each((left, right) => union([...left, ...right]));
