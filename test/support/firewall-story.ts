import { isOver } from "../../src/access/life.ts";
import type { AccessRequest, Window } from "../../src/access/request.ts";
import { healEveryGate } from "../../src/workflow/heal.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { alice, anAccessRequest, aWindow, requestId } from "./builders.ts";
import { createEngine, type Engine } from "./durable-engine.ts";
import type { PlannedFault } from "./faults.ts";
import { theirs } from "./firewall-verdict.ts";
import {
  createFirewallWorld,
  edge,
  type FirewallWorld,
  firewalls,
  spoke,
} from "./firewall-world.ts";

/** The request that follows the first one. */
export const laterId = "5c1e2d3f-77bb-4a0c-9d21-1f2e3d4c5b6a";

/** What somebody else does; `at` counts milliseconds from the asking. */
export interface Disturbance {
  readonly at: number;
  /** A customer adds a rule; or writes the whole firewall anew, without ours. */
  readonly what: "foreign update" | "failing update" | "edit" | "rewrite";
}

/** A window behind a firewall from its asking to its end, and what happens meanwhile. */
export interface FirewallStory {
  readonly kind: keyof typeof firewalls;
  readonly minutes: number;
  /** Whether it counts from when it is open. */
  readonly isCounting?: boolean | undefined;
  /** When the same person asks for more, and for how many minutes from then; milliseconds from the asking. */
  readonly extended?: { readonly at: number; readonly minutes: number } | undefined;
  /** Others who ask for the same port: when, and for how many minutes. */
  readonly others?: readonly { readonly at: number; readonly minutes: number }[] | undefined;
  /** When its end is asked for. */
  readonly revokedAt?: number | undefined;
  readonly fault?: PlannedFault | undefined;
  readonly disturbances?: readonly Disturbance[] | undefined;
  /** Whether sweep and heal come round. */
  readonly hasTimers?: boolean | undefined;
}

export interface Told {
  readonly world: FirewallWorld;
  readonly asked: number;
  /** The customer's rules as the customer left them. */
  readonly customers: string;
  readonly windows: readonly Window[];
  /** Updates of ours on the firewall since the asking. */
  readonly updates: number;
  /** The calls of the process that may meet a fault. */
  readonly calls: readonly string[];
}

/** Where a story takes place. */
interface Stage {
  readonly world: FirewallWorld;
  readonly engine: Engine;
  readonly gateId: string;
  readonly asked: number;
  customers: string;
}

/** Lives a story to its end, and until whoever comes round has found nothing left to do. */
export async function tellFirewallStory(story: FirewallStory): Promise<Told> {
  const world = await createFirewallWorld();
  const { clock, network } = world;
  const gateId = firewalls[story.kind];
  const engine = createEngine(world, story.fault);
  const customers = theirs(network.firewallRules(gateId));
  const stage: Stage = { world, engine, gateId, asked: clock.now().getTime(), customers };
  const started = network.updates.length;
  if (story.hasTimers === true) {
    engine.startTimers("sweep", "heal");
  }
  disturb(stage, story.disturbances ?? []);
  const coming = [revoke(stage, story), ...askAll(stage, story)];
  await clock.run(Promise.all(coming));
  await clock.runUntil(() => engine.running().length === 0);
  const last = Math.max(0, ...(story.disturbances ?? []).map(({ at }) => stage.asked + at));
  await clock.advance(Math.max(last - clock.now().getTime(), 0));
  const updates = network.updates.slice(started).filter((id) => id === gateId).length;
  await comeRound(world);
  const windows = await Promise.all(idsOf(story).map((id) => world.windows(id)));
  return {
    world,
    asked: stage.asked,
    customers: stage.customers,
    windows: windows.flat(),
    updates,
    calls: engine.faults.calls,
  };
}

const idsOf = ({ extended, others = [] }: FirewallStory): readonly string[] => [
  requestId,
  ...(extended === undefined ? [] : [laterId]),
  ...others.map((_, index) => otherId(index)),
];

const otherId = (index: number): string => `${laterId.slice(0, -1)}${index}`;

/** Whoever died may have left something to those who come round. */
async function comeRound(world: FirewallWorld): Promise<void> {
  const { clock } = world;
  for (const lookAtAll of [false, true, false]) {
    if (lookAtAll) {
      await clock.run(healEveryGate(world.start()));
    }
    for (let round = 0; round < 6; round += 1) {
      await comeOnce(world);
    }
  }
  // Updates that fail, one after the other, are tried again, each for minutes.
  for (let round = 0; round < 20 && (await isBehind(world)); round += 1) {
    await comeOnce(world);
  }
}

async function comeOnce({ clock, start }: FirewallWorld): Promise<void> {
  await clock.run(sweep(start()));
  await clock.advance(60_000);
}

const isBehind = async ({ gates, clock }: FirewallWorld): Promise<boolean> =>
  (await gates.unsettled(clock.now())).length > 0;

/** Everybody asks at their moments. */
function askAll(stage: Stage, story: FirewallStory): readonly Promise<void>[] {
  const { extended, others = [], minutes } = story;
  const follows = { requestId, as: "extension" } as const;
  return [
    ask(stage, story, { at: 0, minutes }, { id: requestId, requestor: alice }),
    ...(extended === undefined
      ? []
      : [ask(stage, story, extended, { id: laterId, requestor: alice, follows })]),
    ...others.map((other, index) => {
      const requestor = { ...alice, objectId: `other-${index}`, name: `other-${index}` };
      return ask(stage, story, other, { id: otherId(index), requestor }, `203.0.113.${index + 20}`);
    }),
  ];
}

async function ask(
  { world, engine }: Stage,
  { kind, isCounting }: FirewallStory,
  { at, minutes }: { readonly at: number; readonly minutes: number },
  request: Pick<AccessRequest, "id" | "requestor" | "follows">,
  source = "203.0.113.7",
): Promise<void> {
  if (at > 0) {
    await world.clock.pause(at);
  }
  const now = world.clock.now();
  const window = aWindow({
    id: `${request.id}-0-22`,
    vmId: kind === "classic" ? edge : spoke,
    sources: [source],
    closesAt: new Date(now.getTime() + minutes * 60_000).toISOString(),
    ...(isCounting === true ? { durationSeconds: minutes * 60 } : {}),
  });
  await world.request(
    anAccessRequest({ ...request, createdAt: now.toISOString(), windows: [window] }),
  );
  engine.start(request.id);
}

/** As whoever ends a request does: what is stored first, then the word. */
async function revoke({ world, engine }: Stage, { revokedAt }: FirewallStory): Promise<void> {
  if (revokedAt === undefined) {
    return;
  }
  await world.clock.pause(revokedAt);
  await world.requests.change(requestId, (request) => ({
    ...request,
    windows: request.windows.map((window) =>
      isOver(window) ? window : { ...window, state: "closing", endReason: "UserRequested" },
    ),
  }));
  engine.endNow(requestId);
}

function disturb(stage: Stage, disturbances: readonly Disturbance[]): void {
  const { clock, network } = stage.world;
  for (const [index, { at, what }] of disturbances.entries()) {
    void clock.pause(at).then(() => {
      if (what === "failing update") {
        network.failUpdates(failure);
      } else if (what !== "foreign update") {
        rewrite(stage, `theirs-${index}`, what === "rewrite");
      } else if (!network.isUpdating(stage.gateId)) {
        network.beginForeignUpdate(stage.gateId);
      }
    });
  }
}

const failure = {
  outcome: "changed",
  detail: "InternalServerError",
  retryAfterMs: 1_000,
} as const;

/** A customer adds a rule, and drops ours or not. */
function rewrite(stage: Stage, name: string, dropsOurs: boolean): void {
  const { network } = stage.world;
  network.editFirewall(stage.gateId, (rules) => [
    ...rules.filter((rule) => !dropsOurs || !rule.name.startsWith("JitAccess-")),
    ...rules.filter(({ name: theirs }) => theirs === "ops-ssh").map((rule) => ({ ...rule, name })),
  ]);
  stage.customers = theirs(network.firewallRules(stage.gateId));
}
