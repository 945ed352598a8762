import type { Chance } from "./chance.ts";
import { hostileTexts } from "./hostile-texts.ts";

type Path = readonly (string | number)[];

/** The value with one thing in it that is not as it should be, whatever it is. */
export function mutateJson(chance: Chance, value: unknown): unknown {
  const places = placesIn(value, []);
  const path = chance.pick(places);
  const mutate = chance.pick(mutations);
  return changedAt(value, path, (old) => mutate(chance, old, value));
}

/** Stands for "leave it out". */
const nothing = Symbol("nothing");

type Mutation = (chance: Chance, old: unknown, all: unknown) => unknown;

const mutations: readonly Mutation[] = [
  () => nothing,
  () => null,
  (chance) => chance.pick([true, false, 0, -1, 1, "", [], {}, [[]], [null], "null", "true"]),
  (chance) => chance.pick(numbers),
  (chance) => chance.pick(hostileTexts),
  (chance) => chance.pick(hostileTexts),
  (chance, old) => (typeof old === "string" ? mutateText(chance, old) : String(old)),
  (chance, old) => (typeof old === "string" ? mutateText(chance, old) : [old]),
  (chance, old) => (typeof old === "number" ? old + chance.pick([-1, 1, 0.5, 65_536]) : { old }),
  (chance, old) => (Array.isArray(old) ? [...old, ...old] : [old, chance.pick(hostileTexts)]),
  (chance, old) => Array.from({ length: chance.pick([2, 21, 51, 101, 201, 501]) }, () => old),
  (chance, old) => nested(old, chance.pick([2, 10, 60, 70])),
  (chance, _old, all) => valueAt(all, chance.pick(placesIn(all, []))),
  (chance, old) =>
    isObject(old)
      ? { ...old, [chance.pick(members)]: chance.pick<unknown>([1, {}, null, "x"]) }
      : old,
  (chance, old) => (isObject(old) ? renamed(chance, old) : { value: old }),
];

const numbers = [
  0,
  1,
  22,
  65_535,
  65_536,
  -1,
  1.5,
  1e21,
  -1e300,
  Number.MAX_SAFE_INTEGER,
  2 ** 53 + 2,
  5e-324,
] as const;

const members = [
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "__proto__x",
  "accessRules",
  "takePriority",
  "requests",
  "provisioningState",
  "Number",
  "PORTS",
  "id ",
  "breakGlass",
  "\u0000",
  "$type",
  "length",
] as const;

/** The text with something of it changed: letters, length, what is around it. */
export function mutateText(chance: Chance, text: string): string {
  const at = chance.int(0, text.length);
  return chance.pick([
    () => text.toUpperCase(),
    () => text.toLowerCase(),
    () => ` ${text} `,
    () => text.slice(0, at),
    () => text.slice(at),
    () => `${text.slice(0, at)}${chance.pick(hostileTexts).slice(0, 40)}${text.slice(at)}`,
    () => text.replaceAll("/", "%2F"),
    () => text.replaceAll("/", "//"),
    () => `${text}/`,
    () => `${text}${text}`,
    () => text.replace(/[\da-f]{8}-/, "99999999-"),
    () => text.replace("rg-demo", chance.pick(["rg-network", "RG-Demo", "..", "rg demo"])),
    () => text.split("").toReversed().join(""),
    () => text.replace(/\d+/, chance.pick(["0", "9999999999", "-1", "1e3", "٣", "08"])),
    () => encodeURIComponent(text.toWellFormed()),
    () => text.normalize("NFD").replaceAll("e", "е"),
  ])();
}

function renamed(chance: Chance, old: Readonly<Record<string, unknown>>) {
  const [name, ...others] = chance.some(Object.keys(old), 9);
  const given = name === undefined ? {} : { [mutateText(chance, name)]: old[name] };
  return { ...Object.fromEntries(others.map((other) => [other, old[other]])), ...given };
}

function nested(value: unknown, depth: number): unknown {
  return Array.from({ length: depth }).reduce<unknown>(
    (inner, _, level) => (level % 2 === 0 ? [inner] : { a: inner }),
    value,
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function placesIn(value: unknown, path: Path): readonly Path[] {
  const below = typeof value === "object" && value !== null ? Object.entries(value) : [];
  // Of a long list the first few stand for all.
  return [path, ...below.slice(0, 12).flatMap(([key, inner]) => placesIn(inner, [...path, key]))];
}

function valueAt(value: unknown, [key, ...rest]: Path): unknown {
  return key === undefined ? value : valueAt(Object(value)[key], rest);
}

function changedAt(
  value: unknown,
  [key, ...rest]: Path,
  change: (old: unknown) => unknown,
): unknown {
  if (key === undefined) {
    const changed = change(value);
    return changed === nothing ? {} : changed;
  }
  const isLast = rest.length === 0;
  const inner = Object(value)[key];
  const changed = isLast ? change(inner) : changedAt(inner, rest, change);
  if (Array.isArray(value)) {
    return value.flatMap((each, index) =>
      index !== Number(key) ? [each] : changed === nothing ? [] : [changed],
    );
  }
  const { [key]: _old, ...others } = Object(value);
  return changed === nothing ? others : { ...others, [key]: changed };
}
