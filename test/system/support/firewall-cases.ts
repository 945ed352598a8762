import type { FaultKind, FaultOrder } from "../../../local/cloud/faults/fault.ts";
import { firewalledNames } from "../../support/generated-firewalls.ts";
import type { Kind } from "./behind-firewalls.ts";

type Phase = "opening" | "closing" | "deleting";
type Method = "GET" | "PUT" | "DELETE";
type Target = "the firewall" | "the policy" | "the groups" | "our group" | "an operation";

/** What strikes the calls about one thing in front of a VM; `before` of them go through first, counted from where the phase begins. */
export interface FirewallFault {
  readonly phase: Phase;
  readonly method: Method;
  readonly target: Target;
  readonly before: number;
  readonly kind: FaultKind;
  readonly times: 1 | "always";
}

/** A request for a VM behind a firewall of its own, with a fault on the calls about it, or with none. */
export interface FirewallCase {
  /** Names the VM, its location and all that belongs to it. */
  readonly vm: string;
  readonly name: string;
  readonly kind: Kind;
  readonly fault?: FirewallFault;
}

const answers = ["500", "409", "429-retry-after", "503", "429", "412"] as const;
const connections = ["drop-after", "drop-before", "slow"] as const;
const operations = ["operation-fails", "operation-canceled", "operation-never-ends"] as const;

/** Calls of a phase, with how many like it may come before the one that is struck, in turn. */
const calls: Readonly<Record<Kind, readonly (readonly [Phase, Method, Target, number])[]>> = {
  classic: [
    ["opening", "GET", "the firewall", 4],
    ["opening", "PUT", "the firewall", 1],
    ["opening", "GET", "an operation", 2],
    ["closing", "GET", "the firewall", 3],
    ["closing", "PUT", "the firewall", 1],
    ["closing", "GET", "an operation", 1],
  ],
  policy: [
    ["opening", "GET", "the firewall", 2],
    ["opening", "GET", "the policy", 2],
    ["opening", "GET", "the groups", 2],
    ["opening", "GET", "our group", 1],
    ["opening", "PUT", "our group", 1],
    ["opening", "GET", "an operation", 2],
    ["closing", "GET", "the firewall", 2],
    ["closing", "GET", "the policy", 2],
    ["closing", "GET", "the groups", 2],
    ["closing", "GET", "our group", 1],
    ["closing", "PUT", "our group", 1],
    ["closing", "GET", "an operation", 1],
    ["deleting", "DELETE", "our group", 1],
    ["deleting", "GET", "an operation", 1],
  ],
};

function kindsFor(method: Method, target: Target): readonly FaultKind[] {
  const common = [...answers, ...connections];
  if (method !== "GET") {
    return [...common, ...operations];
  }
  return target === "an operation" ? common : [...common, "stale-read"];
}

/** Requests without a fault, one of each kind of firewall. */
export const plainFirewallCases: readonly FirewallCase[] = (["classic", "policy"] as const).map(
  (kind) => ({ vm: `plain${kind}`, name: `${kind}: no fault`, kind }),
);

/** Every call x every kind of fault, once. */
export function everyCaseOnce(): readonly FirewallCase[] {
  return faults(1).map(({ kind, fault }, index) => caseOf(kind, fault, `o${index}f`));
}

/** Every call of a phase x every kind of fault, for as long as it is not cleared, from the first call on. */
export function everyLastingCase(phase: Phase): readonly FirewallCase[] {
  return faults("always")
    .filter(({ fault }) => fault.phase === phase && fault.before === 0)
    .map(({ kind, fault }, index) => caseOf(kind, fault, `${phase[0]}${index}f`));
}

/** One case for each write, and a few of the reads, so that every kind of fault comes up. */
export function someCasesOnce(): readonly FirewallCase[] {
  const wanted = [
    ["classic opening PUT the firewall", "drop-after"],
    ["classic opening GET the firewall", "500"],
    ["classic opening GET an operation", "409"],
    ["classic closing PUT the firewall", "operation-fails"],
    ["classic closing GET the firewall", "stale-read"],
    ["policy opening PUT our group", "429"],
    ["policy opening GET the groups", "412"],
    ["policy opening PUT our group", "slow"],
    ["policy closing PUT our group", "429-retry-after"],
    ["policy closing GET the policy", "drop-before"],
    ["policy closing GET an operation", "503"],
    ["policy deleting DELETE our group", "429"],
  ] as const;
  return those(everyCaseOnce(), wanted);
}

/** A few of the lasting ones, which neither an opening nor a closing gets past. */
export function someLastingCases(): readonly FirewallCase[] {
  const opening = [
    ["classic opening PUT the firewall", "409"],
    ["policy opening PUT our group", "operation-fails"],
  ] as const;
  const closing = [
    ["classic closing PUT the firewall", "500"],
    ["policy closing PUT our group", "operation-never-ends"],
    ["classic closing GET the firewall", "500"],
  ] as const;
  return [
    ...those(everyLastingCase("opening"), opening),
    ...those(everyLastingCase("closing"), closing),
  ];
}

function those(
  all: readonly FirewallCase[],
  wanted: readonly (readonly [string, FaultKind])[],
): readonly FirewallCase[] {
  return wanted.flatMap(
    ([call, kind]) =>
      all.find(
        ({ kind: firewall, fault }) =>
          fault?.kind === kind &&
          call === `${firewall} ${fault.phase} ${fault.method} ${fault.target}`,
      ) ?? [],
  );
}

function faults(times: FirewallFault["times"]) {
  return (["classic", "policy"] as const).flatMap((kind) =>
    calls[kind].flatMap(([phase, method, target, most]) =>
      Array.from({ length: most }, (_, before) => before).flatMap((before) =>
        kindsFor(method, target).map((one) => ({
          kind,
          fault: { phase, method, target, before, kind: one, times },
        })),
      ),
    ),
  );
}

function caseOf(kind: Kind, fault: FirewallFault, vm: string): FirewallCase {
  const { phase, method, target, before, times } = fault;
  const which = before === 0 ? "" : ` (number ${before + 1})`;
  const often = times === 1 ? "once" : "for ever";
  return {
    vm,
    name: `${kind}, ${phase}, ${method} of ${target}${which}: ${fault.kind} ${often}`,
    kind,
    fault,
  };
}

/** How long a slow answer takes: noticeable, but not given up on. */
const slowMs = 3_000;

/** What to arm for a case, the fault last: the calls like it that come before have to go through. */
export function firewallOrders({ vm, kind: firewall, fault }: FirewallCase): readonly FaultOrder[] {
  if (fault === undefined) {
    return [];
  }
  const { method, target, before, kind, times } = fault;
  const match = { method, path: pathOf(target, vm, firewall) };
  const order = { match, kind, times, ...(kind === "slow" ? { delayMs: slowMs } : {}) };
  return before === 0 ? [order] : [{ match, kind: "slow", delayMs: 0, times: before }, order];
}

/** A part of the path by which requests about the target are known; polls of operations name nothing but the location. */
function pathOf(target: Target, vm: string, kind: Kind): string {
  const { firewall, policy } = firewalledNames(vm);
  return {
    "the firewall": `/azureFirewalls/${firewall}?`,
    "the policy": `/firewallPolicies/${policy}?`,
    "the groups": `/firewallPolicies/${policy}/ruleCollectionGroups?`,
    "our group": `/firewallPolicies/${policy}/ruleCollectionGroups/jitaccess-`,
    "an operation": `/locations/${vm}/${kind === "policy" ? "nfvOperations" : "operations"}/`,
  }[target];
}
