import type { namesOf } from "../../support/generated-estate.ts";
import type { LoggedCall } from "./fault-watch.ts";

/** What of a VM and its surroundings a call to Azure Resource Manager is about. */
const targets = [
  "the VM",
  "its network interface",
  "its subnet",
  "the interface's group",
  "the subnet's group",
  "a rule of the interface's group",
  "a rule of the subnet's group",
  "an operation",
] as const;
export type Target = (typeof targets)[number];

type Method = "GET" | "PUT" | "DELETE";
export type Phase = "asking" | "opening" | "closing";

/**
 * One call of a request's life; `before` counts those like it that come earlier when nothing goes wrong: since the asking, or
 * since the windows are open when it belongs to closing.
 */
export interface LifeCall {
  readonly phase: Phase;
  readonly method: Method;
  readonly target: Target;
  readonly before: number;
}

/** One window is written rule by rule; three windows, each from another source, as one write of the whole group. */
export const windowsOf = { "one window": 1, "three windows": 3 } as const;
export type Shape = keyof typeof windowsOf;

/** Every call of the life of a request for a VM behind two groups, when nothing goes wrong. */
export function lifeOf(shape: Shape): readonly LifeCall[] {
  return [
    ...placeReads("asking", 0),
    ...placeReads("opening", 1),
    ...gateCalls("the interface's group", shape, 0),
    ...gateCalls("the subnet's group", shape, 1),
  ];
}

const placeReads = (phase: Phase, before: number): readonly LifeCall[] =>
  (["the VM", "its network interface", "its subnet"] as const).map((target) => ({
    phase,
    method: "GET",
    target,
    before,
  }));

/** A group is looked at on asking; to open and to close it is read, written, asked how that goes, and read as the proof. */
function gateCalls(
  group: "the interface's group" | "the subnet's group",
  shape: Shape,
  polledBefore: number,
): readonly LifeCall[] {
  const call = (phase: Phase, method: Method, target: Target, before: number) => ({
    phase,
    method,
    target,
    before,
  });
  const isWhole = shape === "three windows";
  return [
    call("asking", "GET", group, 0),
    call("opening", "GET", group, 1),
    call("opening", "PUT", isWhole ? group : `a rule of ${group}`, 0),
    call("opening", "GET", "an operation", polledBefore),
    call("opening", "GET", group, 2),
    call("closing", "GET", group, 0),
    call("closing", isWhole ? "PUT" : "DELETE", isWhole ? group : `a rule of ${group}`, 0),
    call("closing", "GET", "an operation", polledBefore),
    call("closing", "GET", group, 1),
  ];
}

export function nameOfCall({ phase, method, target, before }: LifeCall): string {
  return `${phase}, ${method} of ${target}${before === 0 ? "" : ` (number ${before + 1})`}`;
}

/** A part of the path by which requests about the target are known. */
export function pathOf(
  target: Target,
  names: ReturnType<typeof namesOf>,
  location: string,
): string {
  const groups = "/networkSecurityGroups/";
  return {
    "the VM": `/virtualMachines/${names.vm}?`,
    "its network interface": `/networkInterfaces/${names.card}?`,
    "its subnet": `/virtualNetworks/${names.network}/subnets/`,
    "the interface's group": `${groups}${names.cardGate}?`,
    "the subnet's group": `${groups}${names.subnetGate}?`,
    "a rule of the interface's group": `${groups}${names.cardGate}/securityRules/`,
    "a rule of the subnet's group": `${groups}${names.subnetGate}/securityRules/`,
    "an operation": `/locations/${location}/operations/`,
  }[target];
}

/** The calls that a log holds about a VM, as `method target`, sorted. */
export function callsIn(
  log: readonly LoggedCall[],
  names: ReturnType<typeof namesOf>,
  location: string,
): readonly string[] {
  return log
    .flatMap(({ method, path }) =>
      targets
        .filter((target) =>
          path.toLowerCase().includes(pathOf(target, names, location).toLowerCase()),
        )
        .map((target) => `${method} ${target}`),
    )
    .toSorted();
}
