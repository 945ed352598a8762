import { isPrefix } from "./cidr.ts";
import { denyDrafts, draftsByPort, type RuleDraft } from "./desired-rules.ts";
import type { FirewallRule } from "./firewall.ts";
import type { DesiredWindow, GateIntent, Owner } from "./intent.ts";
import { ownCollections } from "./owned.ts";
import { readPrefixes } from "./prefix-list.ts";

/** A rule of ours as it should be, still without its place in the order. */
export type FirewallDraft = Omit<FirewallRule, "order">;

/** What closes the protected ports of a VM. */
export interface Closing {
  readonly vmId: string;
  /** Whether it goes before customer rules that let its traffic through. */
  readonly takesPriority: boolean;
  readonly rule: FirewallDraft;
}

/** What lets the people of a window through, and those of others for which it would be the same. */
export interface Opening {
  /** The one that gives the rules name and end. */
  readonly window: DesiredWindow;
  readonly windowIds: readonly string[];
  readonly rule: FirewallDraft;
  /** The VM's first IPv4 address: where a DNAT rule leads. */
  readonly address: string;
}

/** One network rule per VM: everybody, TCP and UDP, all protected ports of all policies. Firewalls know IPv4 only. */
export function closings(intent: GateIntent, owner: Owner): readonly Closing[] {
  const denies = intent.denies.map((deny) => ({ ...deny, addresses: ipv4(deny.addresses) }));
  return denyDrafts({ denies, windows: [] }, owner).map((draft) => ({
    vmId: draft.vmId,
    takesPriority: draft.takesPriority,
    rule: networkRule(draft, ownCollections(owner).deny, ["TCP", "UDP"]),
  }));
}

/** A network rule for each window that has IPv4 sources and addresses; windows that would have the same share it. */
export function openings(windows: readonly DesiredWindow[], owner: Owner): readonly Opening[] {
  const known = windows.map((window) => ({
    ...window,
    addresses: ipv4(window.addresses),
    sources: ipv4(window.sources),
    through: undefined,
  }));
  return draftsByPort(known, owner).flatMap(({ window, drafts }) => {
    const [draft] = drafts;
    const [address] = window.addresses;
    const protocols = window.protocol === "*" ? ["TCP", "UDP"] : [window.protocol];
    return draft === undefined || address === undefined
      ? []
      : [
          {
            window,
            windowIds: draft.windowIds,
            rule: networkRule(draft, ownCollections(owner).allow, protocols),
            address,
          },
        ];
  });
}

function networkRule(
  { rule }: RuleDraft,
  collection: string,
  protocols: readonly string[],
): FirewallDraft {
  const { name, access, sources, destinations, destinationPorts, description } = rule;
  return {
    name,
    kind: "network",
    access,
    collection,
    protocols,
    sources,
    destinations,
    destinationPorts,
    description,
  };
}

/** The IPv4 entries of a list, in its order; `*` stays. */
export function ipv4(list: readonly string[]): readonly string[] {
  const prefixes = readPrefixes(list);
  return list.flatMap((text, index) => {
    const prefix = prefixes[index];
    const isKnown = prefix !== undefined && isPrefix(prefix) && prefix.family === 4;
    return isKnown ? [prefix.text] : text === "*" ? ["*"] : [];
  });
}
