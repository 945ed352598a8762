import type { FaultKind, FaultOrder } from "../../../local/cloud/faults/fault.ts";
import { namesOf } from "../../support/generated-estate.ts";
import { type LifeCall, lifeOf, nameOfCall, pathOf, type Shape } from "./life-calls.ts";

/** What strikes one call of a request's life. */
export interface CaseFault {
  readonly call: LifeCall;
  readonly kind: FaultKind;
  readonly times: number | "always";
}

/** A request for a VM of its own, with one of its calls struck by a fault, or with none. */
export interface FaultCase {
  /** Names the VM and all that belongs to it. */
  readonly vm: string;
  readonly name: string;
  readonly shape: Shape;
  readonly fault?: CaseFault;
}

const answers = ["429-retry-after", "500", "503", "429", "409", "412"] as const;
const connections = ["drop-before", "drop-after", "slow"] as const;
const operations = ["operation-never-ends", "operation-fails", "operation-canceled"] as const;

/** The kinds of fault that mean something to a call. */
function kindsFor({ method, target }: LifeCall): readonly FaultKind[] {
  const common = [...answers, ...connections];
  if (method !== "GET") {
    return [...common, ...operations];
  }
  return target.endsWith("group") ? [...common, "stale-read"] : common;
}

/** Requests without a fault, one of each shape. */
export const plainCases: readonly FaultCase[] = (["one window", "three windows"] as const).map(
  (shape, index) => ({ vm: `plain${index}`, name: `${shape}: no fault`, shape }),
);

/** Every call x every kind x once and five times. The reads for three windows are those for one, so only writes come again. */
export function everyCase(): readonly FaultCase[] {
  const one = lifeOf("one window").map((call) => ({ shape: "one window" as const, call }));
  const three = lifeOf("three windows")
    .filter(({ method }) => method !== "GET")
    .map((call) => ({ shape: "three windows" as const, call }));
  return [...one, ...three]
    .flatMap(({ shape, call }) =>
      kindsFor(call).flatMap((kind) => [1, 5].map((times) => ({ shape, call, kind, times }))),
    )
    .map(({ shape, ...fault }, index) => caseOf(shape, fault, `m${index}x`));
}

/**
 * Of every call one of the cases, of every other one five times; of each kind that has not come up by then the first; and those in
 * which the matrix once found a window that stayed open.
 */
export function someCases(): readonly FaultCase[] {
  const all = everyCase();
  const byCall = Map.groupBy(all, (one) => one.fault?.call);
  const rotated = [...byCall.values()].map((ofCall, index) => {
    const once = ofCall.filter(({ fault }) => fault?.times === 1);
    const five = ofCall.filter(({ fault }) => fault?.times === 5 && !isTedious(fault));
    return index % 2 === 0 ? once[index % once.length] : five[(index + 6) % five.length];
  });
  const found = all.filter(
    ({ fault }) => fault?.kind === "stale-read" && fault.call.phase === "closing",
  );
  const picked = [...rotated, ...found].filter((one) => one !== undefined);
  const kinds = new Set(picked.map(({ fault }) => fault?.kind));
  const others = [...Map.groupBy(all, ({ fault }) => fault?.kind)].flatMap(([kind, alike]) =>
    kinds.has(kind) ? [] : alike.slice(0, 1),
  );
  return [...new Set([...picked, ...others])];
}

/** Faults that last, on each kind of call that closing makes. */
export function lastingCases(): readonly FaultCase[] {
  const lasting = [
    ["one window", "DELETE", ["409", "500", "drop-before", ...operations]],
    ["three windows", "PUT", ["412", "503"]],
    ["one window", "GET", ["500", "stale-read"]],
  ] as const;
  return lasting
    .flatMap(([shape, method, kinds]) => {
      const call = lifeOf(shape).find((one) => one.phase === "closing" && one.method === method);
      return call === undefined ? [] : kinds.map((kind) => ({ shape, call, kind }));
    })
    .map(({ shape, ...fault }, index) =>
      caseOf(shape, { ...fault, times: "always" }, `e${index}x`),
    );
}

/** Reads that Azure refuses are not repeated at once: five of them are as much as opening tries, and take a minute. */
const isTedious = ({ call: { method }, kind }: CaseFault): boolean =>
  method === "GET" && ["429", "409", "412"].includes(kind);

function caseOf(shape: Shape, fault: CaseFault, vm: string): FaultCase {
  const { call, kind, times } = fault;
  const often =
    { 1: "once", 5: "five times", always: "for ever" }[String(times)] ?? `${times} times`;
  return { vm, name: `${shape}, ${nameOfCall(call)}: ${kind} ${often}`, shape, fault };
}

/** Polls of an operation name nothing but a location: who wants to tell them apart has the VM in a location of its own. */
export const locationOf = ({ vm, fault }: FaultCase): string =>
  fault === undefined || fault.call.target === "an operation" ? vm : "westeurope";

/** How long a slow answer takes: noticeable, but not given up on. */
const slowMs = 3_000;

/** What to arm for a case, the fault last: the calls like it that come before have to go through. */
export function ordersOf({ vm, fault }: FaultCase): readonly FaultOrder[] {
  if (fault === undefined) {
    return [];
  }
  const { call, kind, times } = fault;
  const match = { method: call.method, path: pathOf(call.target, namesOf(vm), vm) };
  const order = { match, kind, times, ...(kind === "slow" ? { delayMs: slowMs } : {}) };
  return call.before === 0
    ? [order]
    : [{ match, kind: "slow", delayMs: 0, times: call.before }, order];
}
