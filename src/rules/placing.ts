import { isBehindDeny, keepTogether, placeTogether, releaseAll } from "./allow-places.ts";
import { keepDeny, noPlace, placeDeny } from "./deny-places.ts";
import type { RuleDraft } from "./desired-rules.ts";
import { type Placed, type Places, presentRule } from "./places.ts";

/** The deny rules, and the rules of windows that share them, each with the place found so far. */
interface Board {
  readonly denies: Map<RuleDraft, Placed | undefined>;
  readonly allows: Map<readonly RuleDraft[], readonly Placed[] | undefined>;
}

/**
 * What stands well stays; then the other deny rules get their places, then the other allow rules. In this order nothing
 * that finds no place now would find one in the outcome.
 */
export function placeAll(
  places: Places,
  denyRules: readonly RuleDraft[],
  allowRules: readonly RuleDraft[],
): { readonly denies: readonly Placed[]; readonly allows: readonly Placed[] } {
  const together = [...Map.groupBy(allowRules, (draft) => draft.windowIds[0]).values()];
  // One that only moves is among the group's rules already: it comes before new ones.
  const moversFirst = denyRules.toSorted(
    (left, right) => Number(isPresent(places, right)) - Number(isPresent(places, left)),
  );
  const board: Board = {
    denies: new Map(moversFirst.map((draft) => [draft, keepDeny(places, draft)])),
    allows: new Map(together.map((drafts) => [drafts, keepTogether(places, drafts)])),
  };
  // A deny rule that goes before others leaves a place behind, and may drive an allow rule of ours out of another.
  while (improve(places, board));
  return {
    denies: [...board.denies].map(([draft, placed]) => placed ?? noPlace(places, draft)),
    allows: [...board.allows].flatMap(([drafts, kept]) => kept ?? placeTogether(places, drafts)),
  };
}

/** One round for all that could stand better; false when nothing could. Ends, as nothing that stands well is moved again. */
function improve(places: Places, { denies, allows }: Board): boolean {
  let isBetter = false;
  for (const [draft, before] of denies) {
    const after = placeDeny(places, draft, before);
    denies.set(draft, after);
    isBetter ||= priorityOf(after) !== priorityOf(before);
  }
  for (const [drafts, kept = []] of allows) {
    if (kept.some((placed) => isBehindDeny(places, placed))) {
      releaseAll(places, kept);
      allows.set(drafts, undefined);
      isBetter = true;
    }
  }
  return isBetter;
}

const priorityOf = (placed: Placed | undefined): number | undefined =>
  placed !== undefined && "rule" in placed ? placed.rule.priority : undefined;

const isPresent = (places: Places, draft: RuleDraft): boolean =>
  presentRule(places, draft) !== undefined;
