import { knownPatterns } from "./allowed.ts";
import type { Chance } from "./chance.ts";
import { groupMembers, machines, objectIds, type Person, unprotectable } from "./estate.ts";
import { machineId, type World } from "./known-world.ts";

const ports = [22, 22, 3389, 5985, 5986, 8443, 1433, 0, 65_535];

/** A policy as somebody may well put it. */
export function policyBody({ chance, where }: World): unknown {
  const names = chance.some([...machines.keys()], 4);
  const all = chance.isIn(3) ? [...names, chance.pick(unprotectable)] : names;
  return {
    kind: "Basic",
    properties: {
      virtualMachines: all.map((name) => ({
        id: machineId(where, name),
        ports: [...new Set(chance.some(ports, 4))].map((number) => portRule(chance, number)),
      })),
      ...(chance.isIn(15) ? { takePriority: chance.pick([true, false, null]) } : {}),
      ...chance.weighted<object>([
        [3, () => ({})],
        [2, () => ({ accessRules: null })],
        [5, () => ({ accessRules: rulesBody(chance) })],
      ]),
    },
  };
}

function portRule(chance: Chance, number: number) {
  return {
    number,
    protocol: chance.pick(["TCP", "TCP", "tcp", "UDP", "*"]),
    ...chance.weighted<object>([
      [7, () => ({ allowedSourceAddressPrefix: "*" })],
      [2, () => ({ allowedSourceAddressPrefix: "203.0.113.0/24" })],
      [1, () => ({ allowedSourceAddressPrefixes: ["203.0.113.0/24", "127.0.0.1"] })],
      [1, () => ({ allowedSourceAddressPrefixes: ["0.0.0.0/0", "2001:db8::/32"] })],
    ]),
    maxRequestAccessDuration: chance.pick(["PT5M", "PT1H", "PT3H", "P1D"]),
  };
}

/** Rules about requests, of all shapes. */
function rulesBody(chance: Chance): unknown {
  const approval = chance.isIn(60) ? { approval: approvalBody(chance) } : {};
  return {
    ...(chance.isIn(40) ? { justification: justificationBody(chance) } : {}),
    ...(chance.isIn(30) ? { sources: sourcesBody(chance) } : {}),
    ...approval,
    ...(chance.isIn(40) ? { breakGlass: breakGlassBody(chance) } : {}),
  };
}

function justificationBody(chance: Chance) {
  return {
    ...(chance.isIn(60) ? { required: chance.isIn(80) } : {}),
    ...(chance.isIn(60) ? { pattern: chance.pick(knownPatterns) } : {}),
    ...(chance.isIn(30) ? { hint: "Give the incident's number, such as INC-4711." } : {}),
  };
}

function sourcesBody(chance: Chance) {
  return {
    ...(chance.isIn(50) ? { anyAllowed: chance.isIn(30) } : {}),
    ...(chance.isIn(50) ? { widestIpv4PrefixLength: chance.pick([0, 16, 24, 28, 32]) } : {}),
    ...(chance.isIn(30) ? { widestIpv6PrefixLength: chance.pick([0, 48, 64, 128]) } : {}),
  };
}

function approvalBody(chance: Chance) {
  return {
    ...(chance.isIn(70) ? { approvalsNeeded: chance.pick([1, 1, 1, 2]) } : {}),
    approvers: circle(chance),
    ...(chance.isIn(70) ? { answerWithin: chance.pick(["PT1M", "PT5M", "PT4H", "P7D"]) } : {}),
    ...(chance.isIn(20)
      ? { escalation: { approvers: circle(chance), answerWithin: chance.pick(["PT1M", "PT2H"]) } }
      : {}),
    ...(chance.isIn(25) ? { autoApproval: [automatic(chance)] } : {}),
  };
}

function automatic(chance: Chance) {
  const groups = [groupMembers.requesters.objectId];
  const hours = {
    timeZone: chance.pick(["Europe/Berlin", "UTC", "America/New_York"]),
    days: chance.some(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"], 6),
    from: "00:00",
    to: chance.pick(["12:00", "24:00"]),
  };
  return chance.pick<object>([{ groups }, { groups, hours }, { hours }]);
}

function breakGlassBody(chance: Chance) {
  return {
    people: people(chance, ["alice", "bob", "olivia", "pipeline"]),
    reviewers: circle(chance),
    ...(chance.isIn(50) ? { reviewWithin: chance.pick(["PT1H", "P1D", "P30D"]) } : {}),
  };
}

function circle(chance: Chance) {
  const groups = chance.some([groupMembers.approvers, groupMembers.oncall], 2);
  const named = { people: people(chance, ["bob", "dan", "olivia", "sam", "rita"]) };
  const grouped = { groups: groups.map(({ objectId }) => objectId) };
  return chance.pick<object>([named, grouped, { ...named, ...grouped }]);
}

function people(chance: Chance, from: readonly Person[]) {
  return chance
    .some(from, 3)
    .map((name) =>
      chance.isIn(50) ? objectIds[name] : { objectId: objectIds[name], name: `${name} of Contoso` },
    );
}
