import type { Chance } from "./chance.ts";
import { everybody, mayAskFor, type Person } from "./estate.ts";
import { machineId, type World } from "./known-world.ts";
import { isInside } from "./prefixes.ts";
import type { PolicyRead, Terms } from "./read-bodies.ts";
import type { RequestRecord } from "./request-record.ts";

const sources = [
  ...["203.0.113.7", "203.0.113.9", "198.51.100.9", "192.0.2.44", "203.0.113.16/28"],
  ...["2001:db8::7", "0.0.0.0/1", "*"],
];

/** Somebody who may ask for a machine of the policy, most of the time. */
export function someAsker({ chance }: World, policy: PolicyRead): Person {
  const [machine = ""] = policy.machines.keys();
  const may = everybody.filter((person) => mayAskFor(person, machine));
  return chance.isIn(90) ? chance.pick(may) : chance.pick(everybody);
}

/** A request as somebody may well ask it. */
export function askBody({ chance, where }: World, policy: PolicyRead, person: Person): unknown {
  const may = [...policy.machines].filter(([name]) => mayAskFor(person, name));
  const chosen = chance.some(may.length > 0 ? may : [...policy.machines], chance.isIn(80) ? 1 : 3);
  const { breakGlass } = policy.rules ?? {};
  const isEmergency = breakGlass?.people.includes(person) === true && chance.isIn(50);
  return {
    virtualMachines: chosen.map(([name, ports]) => ({
      id: machineId(where, name),
      ports: chance
        .some([...ports], chance.isIn(80) ? 1 : 3)
        .map(([number, terms]) => ({ number, ...end(chance), ...source(chance, terms) })),
    })),
    ...(chance.isIn(85) ? { justification: justification(chance) } : {}),
    ...(isEmergency || chance.isIn(3) ? { breakGlass: true } : {}),
  };
}

/** Mostly so short that it ends within the run. */
function end(chance: Chance): object {
  return chance.weighted<object>([
    [6, () => ({ duration: `PT${chance.int(2, 20)}S` })],
    [3, () => ({ endTimeUtc: inSeconds(chance.int(2, 25)) })],
    [1, () => ({ duration: chance.pick(["PT4M", "PT5M", "PT1H"]) })],
  ]);
}

const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString();

function source(chance: Chance, { sources: allowed }: Terms): object {
  const fitting = sources.filter((each) => isInside(each, allowed));
  return chance.weighted<object>([
    [2, () => ({})],
    [6, () => ({ allowedSourceAddressPrefix: chance.pick([...fitting.slice(0, 5), ...allowed]) })],
    [1, () => ({ allowedSourceAddressPrefix: chance.pick([...fitting, ...allowed]) })],
    [1, () => ({ allowedSourceAddressPrefixes: chance.some([...fitting, ...allowed], 3) })],
  ]);
}

function justification(chance: Chance): string {
  return chance.pick(["INC-4711 the fuzz run looks", "INC-4711 the fuzz run looks", "just so"]);
}

/** What somebody says with an answer, a review or an end. */
export function commentBody({ chance }: World): unknown {
  return chance.pick([undefined, {}, { comment: "fine with me" }, { comment: null }]);
}

export function extensionBody({ chance }: World): unknown {
  return {
    ...end(chance),
    ...(chance.isIn(30) ? { justification: "INC-4711 it takes longer" } : {}),
  };
}

export function rebindBody({ chance }: World): unknown {
  return chance.pick([
    undefined,
    {},
    { allowedSourceAddressPrefix: chance.pick(sources) },
    { allowedSourceAddressPrefixes: chance.some(sources, 3) },
  ]);
}

/** Somebody who has the request's ear, most of the time. */
export function somebodyFor({ chance, ledger }: World, record: RequestRecord): Person {
  const now = Date.now();
  const may = everybody.filter((person) => ledger.mayAnswer(person, record, now, now));
  return chance.maybe(chance.isIn(80) ? may : everybody) ?? chance.pick(everybody);
}
