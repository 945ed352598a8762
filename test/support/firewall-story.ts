import { isOver } from "../../src/access/life.ts";
import type { Window } from "../../src/access/request.ts";
import type { FirewallRule } from "../../src/rules/firewall.ts";
import { leadOf } from "../../src/rules/update-time.ts";
import { healEveryGate } from "../../src/workflow/heal.ts";
import { sweep } from "../../src/workflow/sweep.ts";
import { alice, anAccessRequest, aWindow, requestId } from "./builders.ts";
import { createEngine } from "./durable-engine.ts";
import type { PlannedFault } from "./faults.ts";
import {
  createFirewallWorld,
  edge,
  edgeNsg,
  type FirewallWorld,
  firewalls,
  spoke,
  updateMs,
} from "./firewall-world.ts";
import { allowedFor, type Reign, reignsOn } from "./reigns.ts";

/** The request that follows the first one. */
export const laterId = "5c1e2d3f-77bb-4a0c-9d21-1f2e3d4c5b6a";

/** What somebody else does; `at` counts milliseconds from the asking. */
export type Disturbance =
  | { readonly what: "foreign update" | "failing update"; readonly at: number }
  /** A customer adds a rule; with `dropsOurs` the whole firewall is written anew, without ours. */
  | { readonly what: "edit"; readonly at: number; readonly dropsOurs: boolean };

/** A window behind a firewall from its asking to its end, and what happens meanwhile. */
export interface FirewallStory {
  readonly kind: keyof typeof firewalls;
  readonly minutes: number;
  /** Whether it counts from when it is open. */
  readonly isCounting?: boolean | undefined;
  /** When the same person asks for more, and for how many minutes from then; milliseconds from the asking. */
  readonly extended?: { readonly at: number; readonly minutes: number } | undefined;
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
  readonly windows: readonly Window[];
  /** Updates of ours on the firewall since the asking. */
  readonly updates: number;
  /** The calls of the process that may meet a fault. */
  readonly calls: readonly string[];
  readonly faults: readonly string[];
}

const theirs = (rules: readonly FirewallRule[]) =>
  JSON.stringify(rules.filter(({ name }) => !name.startsWith("JitAccess-")));

/** Lives a story to its end, and finds what is wrong with it, in words. */
export async function tellFirewallStory(story: FirewallStory): Promise<Told> {
  const world = await createFirewallWorld();
  const { clock, network } = world;
  const gateId = firewalls[story.kind];
  const vmId = story.kind === "classic" ? edge : spoke;
  const asked = clock.now().getTime();
  const started = network.updates.length;
  const engine = createEngine(world, story.fault);
  if (story.hasTimers === true) {
    engine.startTimers("sweep", "heal");
  }
  let customers = theirs(network.firewallRules(gateId));
  const later = (at: number, act: () => Promise<void> | void) => void clock.pause(at).then(act);
  const windowOf = (id: string, at: number, minutes: number) =>
    aWindow({
      id: `${id}-0-22`,
      vmId,
      closesAt: new Date(at + minutes * 60_000).toISOString(),
      ...(story.isCounting === true ? { durationSeconds: minutes * 60 } : {}),
    });
  const ask = async (id: string, minutes: number) => {
    const now = clock.now();
    await world.request(
      anAccessRequest({
        id,
        requestor: alice,
        createdAt: now.toISOString(),
        windows: [windowOf(id, now.getTime(), minutes)],
        ...(id === requestId ? {} : { follows: { requestId, as: "extension" } }),
      }),
    );
    engine.start(id);
  };
  let edits = 0;
  for (const disturbance of story.disturbances ?? []) {
    later(disturbance.at, () => {
      const { what } = disturbance;
      if (what === "foreign update") {
        const reading = network.firewallRules(gateId);
        if (reading.length > 0 && !network.isUpdating(gateId)) {
          network.beginForeignUpdate(gateId);
        }
      } else if (what === "failing update") {
        network.failUpdates({
          outcome: "changed",
          detail: "InternalServerError",
          retryAfterMs: 1_000,
        });
      } else {
        edits += 1;
        const index = edits;
        network.editFirewall(gateId, (rules) => [
          ...rules.filter(({ name }) => !disturbance.dropsOurs || !name.startsWith("JitAccess-")),
          {
            ...(rules.find(({ collection }) => collection === "customer") as FirewallRule),
            name: `theirs-${index}`,
          },
        ]);
        customers = theirs(network.firewallRules(gateId));
      }
    });
  }
  if (story.revokedAt !== undefined) {
    later(story.revokedAt, async () => {
      await world.requests.change(requestId, (request) => ({
        ...request,
        windows: request.windows.map((window) =>
          isOver(window) ? window : { ...window, state: "closing", endReason: "UserRequested" },
        ),
      }));
      engine.endNow(requestId);
    });
  }
  const { extended } = story;
  let isAsked = extended === undefined;
  if (extended !== undefined) {
    later(extended.at, async () => {
      await ask(laterId, extended.minutes);
      isAsked = true;
    });
  }
  await ask(requestId, story.minutes);
  await clock.runUntil(() => isAsked && engine.running().length === 0);

  // Whoever died may have left something to those who come round.
  const updates = () => network.updates.slice(started).filter((id) => id === gateId).length;
  const ofStory = updates();
  for (let round = 0; round < 12; round += 1) {
    await clock.run(sweep(world.start()));
    await clock.advance(60_000);
  }
  await clock.run(healEveryGate(world.start()));
  const requests = await Promise.all(
    [requestId, ...(extended === undefined ? [] : [laterId])].map((id) => world.windows(id)),
  );
  const windows = requests.flat();
  const told = { world, asked, windows, updates: ofStory, calls: engine.faults.calls };
  const faults = [
    ...(await faultsOfWindows(story, told)),
    ...(await faultsOfGates(world, gateId, customers, story)),
    ...(ofStory > mostUpdates(story) ? [`it took ${ofStory} updates`] : []),
  ];
  return { ...told, faults };
}

/** One for each change that cannot go along with another, one to spare for a fault, and one for each that fails or is undone. */
function mostUpdates({ extended, disturbances = [], fault, isCounting }: FirewallStory): number {
  const needed = 2 + (extended === undefined ? 0 : 2);
  const undone = disturbances.filter(
    (one) => one.what === "failing update" || (one.what === "edit" && one.dropsOurs),
  );
  const isBlocked = disturbances.some(({ what }) => what === "foreign update");
  return (
    needed +
    (fault === undefined ? 0 : 1) +
    (isBlocked ? 1 : 0) +
    (isCounting === true && disturbances.length > 0 ? 1 : 0) +
    2 * undone.length
  );
}

/** How long others keep a closing from being in effect, at the most. */
const delayBy = ({ disturbances = [] }: FirewallStory): number =>
  disturbances.filter(({ what }) => what !== "edit").length * (updateMs + 30_000) +
  disturbances.filter((one) => one.what === "edit" && one.dropsOurs).length * (updateMs + 30_000);

async function faultsOfWindows(
  story: FirewallStory,
  { world, asked, windows }: Pick<Told, "world" | "asked" | "windows">,
): Promise<readonly string[]> {
  const gateId = firewalls[story.kind];
  const lead = leadOf(await world.record(gateId));
  const facts = await world.facts();
  return windows.flatMap((window) => {
    const { id, state, closedAt, openedAt, closesAt } = window;
    const reigns = allowedFor(world, gateId, id);
    const isRevoked = window.endReason === "UserRequested";
    const told = (operation: string, outcome: string) =>
      facts.filter(
        (fact) => fact.windowId === id && fact.operation === operation && fact.outcome === outcome,
      ).length;
    const revoked = asked + (story.revokedAt ?? 0) + 2 * lead + 20_000;
    const end = (isRevoked ? revoked : Date.parse(closesAt)) + delayBy(story);
    const seconds = (ms: number) => `${(ms - asked) / 1_000} s`;
    const wasIn = (at: number) => isLetIn(world, gateId, window, at);
    const claims: Readonly<Record<string, boolean>> = {
      [`it is ${state}`]: isOver(window),
      [`it was in effect until ${reigns.map(({ to }) => seconds(to)).join()}, and ended at ${seconds(end)}`]:
        reigns.every(({ to }) => to <= end),
      [`it was told as closed at ${seconds(Date.parse(closedAt ?? ""))}, and in effect until ${reigns.map(({ to }) => seconds(to)).join()}`]:
        closedAt === undefined || reigns.every(({ to }) => to <= Date.parse(closedAt)),
      [`it was told as open at ${seconds(Date.parse(openedAt ?? ""))}, and was not`]:
        openedAt === undefined || wasIn(Date.parse(openedAt)),
      [`its opening is told ${told("access.open", "done")} times`]:
        told("access.open", "done") === (openedAt === undefined ? 0 : 1),
      "its asking is told": told("access.open", "asked") === 1 || reigns.length === 0,
      [`its closing is told ${told("access.close", "done")} times`]:
        told("access.close", "done") === 1 || state === "failed",
    };
    return Object.keys(claims)
      .filter((claim) => claims[claim] === false)
      .map((claim) => `${id}: ${claim}`);
  });
}

/** Whether the people of a window are let in at a moment, by whatever window's rules. */
export function isLetIn(
  world: Pick<FirewallWorld, "network">,
  gateId: string,
  { sources }: Pick<Window, "sources">,
  at: number,
): boolean {
  const covers = ({ rule, from, to }: Reign, kind: FirewallRule["kind"]) =>
    rule.kind === kind &&
    rule.access === "Allow" &&
    from <= at &&
    at < to &&
    rule.sources.includes(sources[0] ?? "");
  const reigns = reignsOn(world, gateId);
  return (["dnat", "network"] as const).every((kind) => reigns.some((one) => covers(one, kind)));
}

async function faultsOfGates(
  world: FirewallWorld,
  gateId: string,
  customers: string,
  { disturbances = [] }: FirewallStory,
): Promise<readonly string[]> {
  const { network, clock, gates } = world;
  const denies = reignsOn(world, gateId).filter(({ rule }) => rule.access === "Deny");
  const wasUndone = disturbances.some((one) => one.what === "edit" && one.dropsOurs);
  const record = await world.record(gateId);
  const claims: Readonly<Record<string, boolean>> = {
    "a rule of the customer's was changed":
      theirs(network.firewallRules(gateId)) === customers &&
      theirs(network.rulesInEffect(gateId)) === customers,
    "a deny rule is not in effect": denies.some(({ to }) => to === Number.POSITIVE_INFINITY),
    "a deny rule was lost for a time": wasUndone || denies.length === 1,
    "an allow rule is in effect": world.inEffect(gateId).length === 0,
    "an allow rule stands in the group": world
      .ours(edgeNsg)
      .every(({ access }) => access === "Deny"),
    "the group lost its deny rule": world.ours(edgeNsg).length > 0,
    "a closing is owed": (await gates.overdue(clock.now())).length === 0,
    "a gate lags behind": (await gates.unsettled(clock.now())).length === 0,
    "something is under way": record.operation === undefined && record.touched === undefined,
    "a window is wanted": record.intent.windows.length === 0,
    "somebody holds the lease": record.lease === undefined,
  };
  return Object.keys(claims).filter((claim) => claims[claim] === false);
}
