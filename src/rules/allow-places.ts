import { resourceName } from "../policy/resource-id.ts";
import type { RuleDraft } from "./desired-rules.ts";
import type { SecurityRule } from "./nsg.ts";
import { certainlyBlocks, mayTouch } from "./overlap.ts";
import {
  allowBand,
  full,
  hold,
  lowestFree,
  type Placed,
  type Places,
  presentPlace,
  release,
} from "./places.ts";

/** Keeps a window's rules, one per address family, where they stand, when all of these are good places. */
export function keepTogether(
  places: Places,
  drafts: readonly RuleDraft[],
): readonly Placed[] | undefined {
  const kept = drafts.flatMap((draft) => keepAllow(places, draft) ?? []);
  if (kept.length === drafts.length) {
    return kept;
  }
  releaseAll(places, kept);
  return undefined;
}

/** A window's rules, one per address family: all of them or none, so that a failed window leaves nothing open. */
export function placeTogether(places: Places, drafts: readonly RuleDraft[]): readonly Placed[] {
  const placed = drafts.map((draft) => keepAllow(places, draft) ?? placeAllow(places, draft));
  const failed = placed.filter((each) => "fault" in each);
  if (failed.length > 0) {
    releaseAll(places, placed);
    return failed;
  }
  return placed;
}

export function releaseAll(places: Places, placed: readonly Placed[]): void {
  for (const each of placed) {
    release(places, each);
  }
}

/** Whether a deny rule of ours has come to stand before an allow rule that it would take traffic from. */
export function isBehindDeny(places: Places, placed: Placed): boolean {
  return "rule" in placed && placed.rule.priority > bandBefore(places, placed.draft).last;
}

function keepAllow(places: Places, draft: RuleDraft): Placed | undefined {
  const { first, last } = bandBefore(places, draft);
  const priority = presentPlace(places, draft, first, last);
  return priority === undefined || blockingRule(places, draft, priority) !== undefined
    ? undefined
    : hold(places, draft, priority);
}

/** Places an allow rule at the lowest free number of its band: if it is blocked there, it is blocked everywhere. */
function placeAllow(places: Places, draft: RuleDraft): Placed {
  const { first, last, deny } = bandBefore(places, draft);
  const priority = lowestFree(places, first, last);
  if (priority === undefined) {
    const before = deny === undefined ? "" : ` before deny rule '${deny.name}' (${deny.priority})`;
    const what = `no free priority from ${first} to ${last} for another allow rule${before}`;
    return { draft, fault: full(places, what) };
  }
  const blocking = blockingRule(places, draft, priority);
  if (blocking === undefined) {
    return hold(places, draft, priority);
  }
  const groupName = resourceName(places.group.id);
  const message = `Rule '${blocking.name}' (priority ${blocking.priority}) of network security group '${groupName}' denies this traffic before an allow rule of ours would be read. Its owner has to narrow it or give it a higher number than ${allowBand.last}.`;
  return { draft, fault: { code: "BlockedByCustomerRule", message, target: blocking.name } };
}

/** The numbers that an allow rule may have: those of its band, before the first deny rule of ours that speaks about its traffic. */
function bandBefore(
  places: Places,
  draft: RuleDraft,
): { readonly first: number; readonly last: number; readonly deny?: SecurityRule } {
  const [deny] = [...places.denies]
    .filter((rule) => rule.priority <= allowBand.last && mayTouch(rule, draft.rule))
    .toSorted((left, right) => left.priority - right.priority);
  return deny === undefined ? allowBand : { ...allowBand, last: deny.priority - 1, deny };
}

/** The customer rule that would keep an allow rule from being read. */
function blockingRule(
  places: Places,
  draft: RuleDraft,
  priority: number,
): SecurityRule | undefined {
  return places.customer.find(
    (other) =>
      other.access === "Deny" && other.priority < priority && certainlyBlocks(other, draft.rule),
  );
}
