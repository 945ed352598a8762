import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { LoggedRequest } from "../../local/cloud/request-log.ts";
import { mapLimited } from "../../src/map-limited.ts";
import { idKey } from "../../src/policy/resource-id.ts";
import type { GateReading } from "../../src/ports.ts";
import { isFirewall } from "../../src/rules/gate.ts";
import { isOwned } from "../../src/rules/owned.ts";
import { healEveryGate } from "../../src/workflow/heal.ts";
import { parallelWork } from "../../src/workflow/protect.ts";
import type { BenchCloud } from "./cloud.ts";
import type { BigEstate } from "./estate.ts";
import type { Service } from "./service.ts";

/** One sweep over everything, as the cloud and storage saw it. */
export interface Sweep {
  readonly requests: readonly LoggedRequest[];
  readonly storageReads: number;
  readonly storageWrites: number;
  readonly events: readonly string[];
  readonly tookMs: number;
  /** Of the service's process alone. */
  readonly processorMs: number;
  /** The highest that the heap was seen during the sweep above what it was before. */
  readonly peakBytes: number;
}

export async function sweepOnce(cloud: BenchCloud, { ports, counted }: Service): Promise<Sweep> {
  counted.storageReads = 0;
  counted.storageWrites = 0;
  counted.events = [];
  const heap = watchHeap();
  let [tookMs, processorMs] = [Number.NaN, Number.NaN];
  const requests = await cloud.requestsDuring(async () => {
    const [startedAt, before] = [performance.now(), process.cpuUsage()];
    await healEveryGate(ports);
    const { user, system } = process.cpuUsage(before);
    [tookMs, processorMs] = [performance.now() - startedAt, (user + system) / 1_000];
  });
  return { requests, ...counted, tookMs, processorMs, peakBytes: heap.peakBytes() };
}

/** A sweep after somebody took one rule of ours away. */
export interface Repair extends Sweep {
  readonly gateId: string;
  /** Whether the rule stood again afterwards. */
  readonly isRepaired: boolean;
}

export async function sweepAfterDrift(
  cloud: BenchCloud,
  service: Service,
  gateId: string,
): Promise<Repair> {
  const { network, owner } = service.ports;
  const ours = async () => {
    const rules = groupRules(await network.readGate(gateId));
    return rules
      .filter((rule) => isOwned(rule, owner))
      .toSorted((left, right) => left.priority - right.priority);
  };
  const before = await ours();
  const [name] = before.map((rule) => rule.name);
  const reading = await network.readGate(gateId);
  if (name === undefined || reading === undefined) {
    throw new Error(`There is no rule of ours on ${gateId}.`);
  }
  await network.write(reading, [{ kind: "delete", name }]);
  if ((await ours()).length !== before.length - 1) {
    throw new Error(`The rule ${name} did not go.`);
  }
  const sweep = await sweepOnce(cloud, service);
  const isRepaired = JSON.stringify(await ours()) === JSON.stringify(before);
  return { ...sweep, gateId, isRepaired };
}

/** What reading each gate and each VM by itself takes, where nothing is wrong. */
export interface OneByOne {
  readonly sampledVms: number;
  readonly sampledRequests: number;
  /** For all of them, as many at once as the service works on, from the time of the sample. */
  readonly requests: number;
  readonly extrapolatedMs: number;
}

export async function readOneByOne(
  cloud: BenchCloud,
  { ports: { network } }: Service,
  { vmIds, gateIds }: BigEstate,
  sample: number,
): Promise<OneByOne> {
  const vms = vmIds.slice(0, sample);
  const gates = gateIds.slice(0, Math.ceil((gateIds.length * vms.length) / vmIds.length));
  let tookMs = Number.NaN;
  const { length: sampledRequests } = await cloud.requestsDuring(async () => {
    const startedAt = performance.now();
    await mapLimited(gates, parallelWork, (id) => network.readGate(id));
    await mapLimited(vms, parallelWork, (id) => network.findMachine(id));
    tookMs = performance.now() - startedAt;
  });
  const isWhole = vms.length === vmIds.length;
  return {
    sampledVms: vms.length,
    sampledRequests,
    requests: isWhole ? sampledRequests : gateIds.length + 3 * vmIds.length,
    extrapolatedMs: (tookMs * vmIds.length) / vms.length,
  };
}

/** Requests by what they ask for: "list of virtualMachines", "PUT of a rule". */
export function byKind(requests: readonly LoggedRequest[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const request of requests) {
    const kind = kindOf(request);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** What a page of a list asks for, or nothing when the request is no page of one. */
export function listOf({ method, path }: LoggedRequest): string | undefined {
  const [bare = ""] = path.split("?");
  const [, type] = /^\/(?:subscriptions\/[^/]+\/providers\/[^/]+\/)?([^/]+)$/.exec(bare) ?? [];
  return method === "GET" ? type : undefined;
}

const operationPath = /\/operations(Results)?\//i;

/** Whether the request is about this gate, or asks how a write of it goes. */
export function isAbout(gateId: string, { path }: LoggedRequest): boolean {
  const [bare = ""] = path.split("?");
  return `${idKey(bare)}/`.startsWith(`${idKey(gateId)}/`) || operationPath.test(path);
}

const things: ReadonlyMap<string, RegExp> = new Map([
  ["an operation", operationPath],
  ["a rule", /\/securityRules\//i],
  ["a group", /\/networkSecurityGroups\//i],
]);

function kindOf(request: LoggedRequest): string {
  const list = listOf(request);
  if (list !== undefined) {
    return `list of ${list}`;
  }
  const what = [...things].find(([, pattern]) => pattern.test(request.path))?.[0];
  return `${request.method} of ${what ?? "something else"}`;
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What stays on the heap. */
export function keptBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function watchHeap(): { peakBytes(): number } {
  const before = keptBytes();
  let highest = before;
  const look = () => {
    const { heapUsed, external } = process.memoryUsage();
    highest = Math.max(highest, heapUsed + external);
  };
  const timer = setInterval(look, 5);
  return {
    peakBytes() {
      clearInterval(timer);
      look();
      return highest - before;
    },
  };
}

/** The rules of a gate that is a network security group. */
function groupRules(reading: GateReading | undefined) {
  return reading === undefined || isFirewall(reading.gate) ? [] : reading.gate.rules;
}
