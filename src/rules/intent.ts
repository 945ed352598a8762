import type { Protocol } from "../policy/policy.ts";
import type { Reason } from "../reasons.ts";

/** The deployment that owns rules. The tag (6 hex digits of the name's digest) is part of every rule name of ours. */
export interface Owner {
  /** At most 20 characters. */
  readonly name: string;
  readonly tag: string;
}

/** What a policy wants closed on a gate for one VM. */
export interface DesiredDeny {
  readonly policyId: string;
  readonly vmId: string;
  /** 16 hex digits that stand for the VM in rule names. */
  readonly vmKey: string;
  /** The VM's private addresses behind this gate, IPv4 and IPv6. */
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
  /** Before customer rules that let its traffic through. One policy of the VM that says so is enough. */
  readonly takePriority?: boolean | undefined;
  /** On a firewall: which of its public addresses the policy wants to lead to the VM. */
  readonly publicIpAddress?: string | undefined;
}

/** A window that should be open on a gate until `closesAt`. */
export interface DesiredWindow {
  readonly windowId: string;
  readonly requestId: string;
  readonly policyId: string;
  readonly vmId: string;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly protocol: Protocol;
  readonly sources: readonly string[];
  /** ISO 8601, UTC. */
  readonly closesAt: string;
  /**
   * The end that its rules tell, where that is a later one: a window whose length counts from when it is proven open has its
   * own end only then, and its rules are not written a second time for it.
   */
  readonly latestEnd?: string | undefined;
  /**
   * On a network security group behind a firewall: the firewall's subnets. Traffic that the firewall translated arrives from
   * there, and no longer from the window's sources.
   */
  readonly through?: readonly string[] | undefined;
  /** On a firewall: its public addresses, in its own order. */
  readonly publicAddresses?: readonly string[] | undefined;
}

/** The end that rules of a window tell, ISO 8601. */
export function toldEnd({ latestEnd, closesAt }: DesiredWindow): string {
  return latestEnd ?? closesAt;
}

/** A rule of another product that may go: exactly this one, as it was when a policy change decided so. */
export interface Leftover {
  readonly name: string;
  /** Everything it said then. A rule that says anything else today stays. */
  readonly print: string;
  /** The identical rule that is read before it: where that is the reason, it stays once that one is gone. */
  readonly doubleOf?: string | undefined;
}

/** Everything that should be true of one gate. */
export interface GateIntent {
  readonly denies: readonly DesiredDeny[];
  readonly windows: readonly DesiredWindow[];
  readonly leftovers?: readonly Leftover[] | undefined;
}

/** What became of a window on a gate. Nothing is known of it until a settle has looked at it. */
export type WindowResult =
  | {
      readonly state: "open";
      readonly rules: readonly string[];
      /** Of a firewall: its public address and the port there that lead to the VM. */
      readonly entrance?: Entrance | undefined;
    }
  | { readonly state: "failed"; readonly reasons: readonly Reason[] };

/** Where a firewall lets people in. */
export interface Entrance {
  readonly address: string;
  readonly port: number;
}
