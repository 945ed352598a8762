import type { Protocol } from "../policy/policy.ts";
import { idKey } from "../policy/resource-id.ts";
import type { Clock, MachineAddress } from "../ports.ts";
import { type EffectiveAccess, effectiveAccess } from "../rules/effective.ts";
import { type ReadGroup, readGroup } from "../rules/effective-group.ts";
import {
  accessBy,
  type EntrancesTo,
  entrancesOf,
  type Way,
  waysTo,
} from "../rules/effective-through.ts";
import { type ReadFirewall, readFirewall } from "../rules/firewall-effective.ts";
import { type Gate, isFirewall, isFirewallGate } from "../rules/gate.ts";
import type { Foreseen } from "../workflow/foresee.ts";

/**
 * How many lines of access one plan tells, and how long it may take over them, in milliseconds: a policy may have a hundred
 * thousand, a gate thousands of prefixes, and nobody else is served meanwhile.
 */
const most = { rows: 200, milliseconds: 500 } as const;

/** Who would get through to one address and port. */
export interface Question {
  readonly vmId: string;
  readonly address: MachineAddress;
  readonly port: number;
  readonly protocol: Protocol;
  readonly source: string;
}

/** Gates at one moment, read for evaluation, by their keys. */
interface Gates {
  readonly groups: ReadonlyMap<string, ReadGroup>;
  readonly firewalls: ReadonlyMap<string, ReadFirewall>;
}

/**
 * Who gets through now, and who would: past all firewalls, by first match on every security group in front of each address; and
 * by each way through a firewall.
 */
export function accessRows(
  questions: readonly Question[],
  gates: readonly Foreseen[],
  clock: Clock,
) {
  const giveUpAt = clock.now().getTime() + most.milliseconds;
  const now = readGates(gates, (gate) => gate.before);
  const later = readGates(gates, (gate) => gate.after);
  const entrances = new Map(gates.map((gate) => [idKey(gate.gateId), entrancesAt(gate)]));
  const looked = questions.slice(0, most.rows);
  const lines = looked.flatMap((question): readonly Line[] => [
    { question },
    ...waysTo(question.address, question, (gateId) => entrances.get(idKey(gateId)) ?? []).map(
      (way) => ({ question, way }),
    ),
  ]);
  const access = lines
    .slice(0, most.rows)
    .flatMap((line) => (clock.now().getTime() > giveUpAt ? [] : [rowOf(line, now, later)]));
  const left = lines.length - access.length + questions.length - looked.length;
  return { access, ...(left > 0 ? { accessNotListed: left } : {}) };
}

/** A question, and by which way through a firewall; past all of them where there is none. */
interface Line {
  readonly question: Question;
  readonly way?: Way;
}

function rowOf({ question, way }: Line, now: Gates, later: Gates) {
  const { vmId, address, port, protocol, source } = question;
  const place = { ...address, gates: address.gates.filter(isGroup).map(idKey) };
  const traffic = { source, port, protocol };
  const accessIn = ({ groups, firewalls }: Gates): EffectiveAccess =>
    way === undefined
      ? effectiveAccess(place, groups, traffic)
      : accessBy(way, place, { groups, firewall: firewalls.get(idKey(way.path.gateId)) }, traffic);
  return {
    vmId,
    address: address.address,
    port,
    protocol,
    source,
    ...wayJson(way),
    before: accessJson(accessIn(now)),
    after: accessJson(accessIn(later)),
  };
}

function wayJson(way: Way | undefined) {
  if (way === undefined) {
    return {};
  }
  const { path, entrance } = way;
  return {
    through: path.firewallId,
    ...(entrance === undefined
      ? {}
      : { publicIpAddress: entrance.address, mappedPort: entrance.port }),
  };
}

const isGroup = (gateId: string): boolean => !isFirewallGate(gateId);

function readGates(gates: readonly Foreseen[], gateOf: (gate: Foreseen) => Gate): Gates {
  const groups = new Map<string, ReadGroup>();
  const firewalls = new Map<string, ReadFirewall>();
  for (const foreseen of gates) {
    const gate = gateOf(foreseen);
    const key = idKey(foreseen.gateId);
    if (isFirewall(gate)) {
      firewalls.set(key, readFirewall(gate));
    } else {
      groups.set(key, readGroup(gate));
    }
  }
  return { groups, firewalls };
}

/** By what people come in now, and by what they would. */
const entrancesAt = ({ before, after }: Foreseen): readonly EntrancesTo[] =>
  [before, after].filter(isFirewall).map(entrancesOf);

function accessJson({ access, isCovered, gates }: EffectiveAccess) {
  return {
    access,
    ...(isCovered ? {} : { isCovered }),
    gates: gates.map(({ gateId, access: there, rules }) => ({ id: gateId, access: there, rules })),
  };
}
