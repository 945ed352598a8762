import type { Finding } from "../reasons.ts";
import type { Firewall, FirewallRule } from "./firewall.ts";
import type { Opening } from "./firewall-drafts.ts";
import { full, type Way, waysOf } from "./firewall-entrances.ts";
import type { Exposing } from "./firewall-exposing.ts";
import { blocking } from "./firewall-findings.ts";
import type { CollectionPlaces } from "./firewall-places.ts";
import type { DesiredDeny, Entrance, Owner, WindowResult } from "./intent.ts";

/** What became of an opening: its rules with their places, and where people are let in; or why it has none. */
export type Opened = { readonly opening: Opening } & (
  | { readonly rules: readonly FirewallRule[]; readonly entrance: Entrance | undefined }
  | { readonly fault: Finding }
);

/** A firewall while it is planned. */
export interface Plot {
  /** With the customer's rules alone, as they will stand. */
  readonly firewall: Firewall;
  /** The rules of ours that are there now. */
  readonly own: readonly FirewallRule[];
  /** What may let protected traffic through, and does not move with rules of ours. */
  readonly exposing: Exposing;
  readonly places: CollectionPlaces;
  readonly denies: readonly DesiredDeny[];
  readonly owner: Owner;
}

/** Opens what can be opened: each opening has all of its rules, or none and a reason. */
export function openAll(plot: Plot, openings: readonly Opening[]): readonly Opened[] {
  const { firewall, own, places, denies, owner } = plot;
  const faults = faultsOf(plot, openings);
  const rules = {
    own: own.filter((rule) => rule.kind === "dnat"),
    customer: firewall.rules.filter((rule) => rule.kind === "dnat"),
  };
  // What fails for another reason takes no entrance from anybody.
  const possible = openings.filter((opening) => faults.get(opening) === undefined);
  const ways = waysOf(firewall, rules, denies, possible, owner);
  return openings.map((opening) => {
    const fault = faults.get(opening);
    return fault === undefined
      ? openedBy(firewall, opening, ways.get(opening) ?? {}, places)
      : { opening, fault };
  });
}

function openedBy(
  firewall: Firewall,
  opening: Opening,
  way: Way,
  { allow, dnat }: CollectionPlaces,
): Opened {
  if ("fault" in way) {
    return { opening, fault: way.fault };
  }
  if (allow === undefined || (way.rule !== undefined && dnat === undefined)) {
    return { opening, fault: full(firewall, "no free priority for our DNAT rules") };
  }
  const leading =
    way.rule === undefined || dnat === undefined ? [] : [{ ...way.rule, order: dnat }];
  return {
    opening,
    rules: [{ ...opening.rule, order: allow }, ...leading],
    entrance: way.entrance,
  };
}

/** Why some openings cannot be, whatever entrances there are. */
function faultsOf(
  { firewall, places: { allow } }: Plot,
  openings: readonly Opening[],
): ReadonlyMap<Opening, Finding> {
  const noPlace = () => full(firewall, "no free priority for our allow rules");
  return allow === undefined
    ? new Map(openings.map((opening) => [opening, noPlace()]))
    : blocking(firewall, openings, allow);
}

/** What is told of a window. */
export function resultOf(windowId: string, opened: readonly Opened[]): WindowResult {
  const own = opened.find(({ opening }) => opening.windowIds.includes(windowId));
  if (own === undefined) {
    // Sources and addresses have no IPv4 in common: nobody comes through a firewall, and no rule is needed.
    return { state: "open", rules: [] };
  }
  if ("fault" in own) {
    return { state: "failed", reasons: [own.fault] };
  }
  const { entrance } = own;
  const rules = own.rules.map((rule) => rule.name);
  return { state: "open", rules, ...(entrance === undefined ? {} : { entrance }) };
}
