import { isOver, requestState } from "../../src/access/life.ts";
import type { AccessRequest } from "../../src/access/request.ts";
import type { Workflows } from "../../src/ports.ts";
import { healEveryGate } from "../../src/workflow/heal.ts";
import { lookAfterWindows } from "../../src/workflow/look-after.ts";
import { openWindows, type VmOfRequest } from "../../src/workflow/open-windows.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { subscriptionId, vmId } from "./builders.ts";
import { edit } from "./customer-edits.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createFrontDoor, type Person, paths, people } from "./front-door.ts";
import type { LifeStep } from "./life-steps.ts";
import type { Process, World } from "./world.ts";

/** Whoever is in it may answer: Bob and Rita, at first. */
export const approvers = "99999999-0000-4000-8000-000000000001";

/** What a durable engine remembers: VMs of requests that are to be opened, or looked after. */
export interface Engine {
  readonly opening: VmOfRequest[];
  readonly looking: VmOfRequest[];
}

export const newEngine = (): Engine => ({ opening: [], looking: [] });

/** Every request there is, in the order in which they were asked for. */
export async function requestsOf(world: World): Promise<readonly AccessRequest[]> {
  const stored = await world.requests.ofPolicy(paths.policy(), new Date(0));
  return stored.toReversed();
}

/** Carries one step out; what a process that died leaves behind stays behind. */
export async function live(
  world: World,
  engine: Engine,
  step: LifeStep,
  index: number,
): Promise<void> {
  if (step.kind === "edit") {
    edit(world, step, index);
    return;
  }
  if (step.kind === "account") {
    changeAccount(world, step);
    return;
  }
  const faults = createFaults(step.fault);
  if (step.kind === "work") {
    await world.clock.advance(step.seconds * 1_000);
    await work(world, engine, step.does, faults);
    return;
  }
  const call = callOf(step, await requestsOf(world), world.clock.now());
  if (call === undefined) {
    return;
  }
  const door = createFrontDoor(world, { faults });
  for (const person of ["alice", "dan"] as const) {
    door.rights.grant(people[person], `/subscriptions/${subscriptionId}`, ["*"]);
  }
  const reply = door.call("POST", call.path, { as: call.as, body: call.body });
  await untilDoneOrDead(world, reply, faults);
  remember(engine, world, door.workflows);
}

type Calling = Exclude<LifeStep, { kind: "account" | "edit" | "work" }>;

interface Call {
  readonly path: string;
  readonly as: Person;
  readonly body: object;
}

function callOf(step: Calling, requests: readonly AccessRequest[], now: Date): Call | undefined {
  return step.kind === "ask" ? askingCall(step, now) : laterCall(step, requests);
}

function askingCall(step: Extract<LifeStep, { kind: "ask" }>, now: Date): Call {
  const end = new Date(now.getTime() + step.seconds * 1_000).toISOString();
  const port = {
    number: 22,
    allowedSourceAddressPrefix: step.source,
    ...(step.isNamedEnd ? { endTimeUtc: end } : { duration: `PT${step.seconds}S` }),
  };
  const body = {
    virtualMachines: [{ id: vmId(step.vm), ports: [port] }],
    justification: "the shop is down for everybody",
    // Only Dan may; others would be refused.
    breakGlass: step.isBreakGlass && step.as === "dan",
  };
  return { path: paths.initiate(), as: step.as, body };
}

function laterCall(
  step: Exclude<Calling, { kind: "ask" }>,
  requests: readonly AccessRequest[],
): Call | undefined {
  const isAnswer = step.kind === "approve" || step.kind === "deny";
  const fitting = requests.filter(
    (request) => requestState(request) === (isAnswer ? "pending approval" : "open"),
  );
  const some = step.which.isOfAll || fitting.length === 0 ? requests : fitting;
  const request = some[step.which.place % Math.max(some.length, 1)];
  if (request === undefined) {
    return undefined;
  }
  const isAlices = request.requestor.objectId === people.alice.objectId;
  return {
    path: paths.request(request.id, step.kind),
    as: step.as === "requestor" ? (isAlices ? "alice" : "dan") : step.as,
    body:
      step.kind === "extend"
        ? { duration: `PT${step.seconds}S` }
        : step.kind === "rebind"
          ? { allowedSourceAddressPrefix: step.source }
          : {},
  };
}

function changeAccount(
  { directory }: World,
  { of, change }: Extract<LifeStep, { kind: "account" }>,
): void {
  const who = people[of];
  switch (change) {
    case "disable":
      directory.disable(who);
      break;
    case "enable":
      directory.setEnabled(who, true);
      break;
    case "leave":
      directory.leave(approvers, who);
      break;
    case "join":
      directory.join(approvers, who);
  }
}

function remember(
  engine: Engine,
  world: World,
  workflows: {
    readonly started: { readonly requestId: string; readonly vmCount: number }[];
    readonly ended: VmOfRequest[];
  } & Workflows,
): void {
  const started = [...workflows.started, ...world.started.map((requestId) => ({ requestId }))];
  world.started.splice(0);
  const known = new Set([...engine.opening, ...engine.looking].map((vm) => vm.requestId));
  for (const { requestId } of started.filter((one) => !known.has(one.requestId))) {
    engine.opening.push({ requestId, vmIndex: 0 });
  }
}

async function work(
  world: World,
  engine: Engine,
  does: "orchestrations" | "sweep" | "heal",
  faults: Faults,
): Promise<void> {
  const process = world.start(faults);
  if (does === "orchestrations") {
    await orchestrate(world, engine, process, faults);
    return;
  }
  await untilDoneOrDead(world, (does === "sweep" ? sweep : healEveryGate)(process), faults);
  remember(engine, world, { ...noWorkflows, started: [], ended: [] });
}

const noWorkflows: Workflows = {
  startRequest: async () => undefined,
  endWindows: async () => undefined,
  followPolicy: async () => undefined,
};

/** Opens what is to be opened and looks after all; what fails is tried again the next time, as what died with the process is. */
async function orchestrate(
  world: World,
  engine: Engine,
  process: Process,
  faults: Faults,
): Promise<void> {
  for (const vm of [...engine.opening]) {
    const isDone = await untilDoneOrDead(world, openWindows(process, vm), faults);
    const place = engine.opening.indexOf(vm);
    if (isDone && place !== -1) {
      engine.opening.splice(place, 1);
      engine.looking.push(vm);
    }
  }
  for (const vm of [...engine.looking]) {
    await untilDoneOrDead(world, lookAfterWindows(process, { ...vm, attempt: 1 }), faults);
  }
}

/** Whether it was done, and well. One that has struck may still be going on, or hang for ever: it gets a minute. */
export async function untilDoneOrDead(
  world: World,
  work: Promise<unknown> | undefined,
  faults: Faults,
): Promise<boolean> {
  let [isOver, isWell] = [work === undefined, work === undefined];
  void work?.then(
    () => {
      [isOver, isWell] = [true, true];
    },
    () => {
      isOver = true;
    },
  );
  await world.clock.runUntil(() => isOver || faults.hasStruck);
  if (!isOver) {
    await world.clock.advance(60_000);
  }
  return isWell;
}

/** Ids of windows that nobody may open any more: over, or their end was asked for. */
export function endedWindows(requests: readonly AccessRequest[]): ReadonlySet<string> {
  return new Set(
    requests.flatMap(({ windows }) =>
      windows
        .filter((window) => isOver(window) || window.endReason === "UserRequested")
        .map(({ id }) => id),
    ),
  );
}
