import { isOver } from "../../src/access/life.ts";
import type { Window } from "../../src/access/request.ts";
import type { FirewallRule } from "../../src/rules/firewall.ts";
import { leadOf } from "../../src/rules/update-time.ts";
import type { FirewallStory, Told } from "./firewall-story.ts";
import { edgeNsg, firewalls, updateMs } from "./firewall-world.ts";
import { allowedFor, type Reign, reignsOn } from "./reigns.ts";

/** The customer's rules of a list, as text. */
export const theirs = (rules: readonly FirewallRule[]): string =>
  JSON.stringify(rules.filter(({ name }) => !name.startsWith("JitAccess-")));

/** What is wrong with a story that has been lived to its end, in words. */
export async function faultsOf(story: FirewallStory, told: Told): Promise<readonly string[]> {
  const { updates } = told;
  return [
    ...(await faultsOfWindows(story, told)),
    ...(await faultsOfGates(story, told)),
    ...(updates > mostUpdates(story) ? [`it took ${updates} updates`] : []),
  ];
}

/** One for each change that cannot go along with another, one to spare for a fault, and one for each that fails or is undone. */
function mostUpdates({
  extended,
  others = [],
  disturbances = [],
  fault,
  isCounting,
}: FirewallStory): number {
  const needed = 2 + (extended === undefined ? 0 : 2) + 2 * others.length;
  const undone = disturbances.filter(({ what }) => what === "failing update" || what === "rewrite");
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
  disturbances.filter(({ what }) => what !== "edit").length * (updateMs + 30_000);

async function faultsOfWindows(
  story: FirewallStory,
  { world, asked, windows }: Told,
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
    const wasIn = (at: number) => isLetIn(reignsOn(world, gateId), window, at);
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
  reigns: readonly Reign[],
  { sources }: Pick<Window, "sources">,
  at: number,
): boolean {
  const covers = ({ rule, from, to }: Reign, kind: FirewallRule["kind"]) =>
    rule.kind === kind &&
    rule.access === "Allow" &&
    from <= at &&
    at < to &&
    rule.sources.includes(sources[0] ?? "");
  return (["dnat", "network"] as const).every((kind) => reigns.some((one) => covers(one, kind)));
}

async function faultsOfGates(
  { kind, disturbances = [] }: FirewallStory,
  { world, customers }: Told,
): Promise<readonly string[]> {
  const gateId = firewalls[kind];
  const { network, clock, gates } = world;
  const denies = reignsOn(world, gateId).filter(({ rule }) => rule.access === "Deny");
  const wasUndone = disturbances.some((one) => one.what === "rewrite");
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
    [world.writeWrongs.join("; ")]: world.writeWrongs.length === 0,
    [`nobody told what became of ${world.unansweredWrites().join()}`]:
      world.unansweredWrites().length === 0,
  };
  return Object.keys(claims).filter((claim) => claims[claim] === false);
}
