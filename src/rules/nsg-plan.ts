import { resourceName } from "../policy/resource-id.ts";
import type { Reason } from "../reasons.ts";
import { allowDrafts, denyDrafts, type RuleDraft } from "./desired-rules.ts";
import type { GateIntent, Owner, WindowResult } from "./intent.ts";
import { type NetworkSecurityGroup, nsgLimits, type SecurityRule } from "./nsg.ts";
import { certainlyBlocks, mayTouch } from "./overlap.ts";
import { isOwned } from "./owned.ts";

/** One exact change of a gate. A put creates or replaces the rule of that name. */
export type RuleChange =
  | { readonly kind: "put"; readonly rule: SecurityRule }
  | { readonly kind: "delete"; readonly name: string };

/** The exact changes that bring a gate to its intent, and what they cannot achieve. */
export interface GatePlan {
  /** Deletes before puts, so that a freed priority may be taken again in the same plan. */
  readonly changes: readonly RuleChange[];
  /** By window id, for every window that is not over. Holds once the changes are made. */
  readonly results: Readonly<Record<string, WindowResult>>;
  readonly findings: readonly Reason[];
  /** Windows of the intent that are over: nothing of them is planned, and they need not be wanted any longer. */
  readonly expired: readonly string[];
}

/**
 * Priorities kept for allow rules. Deny rules stay behind this band, so an allow rule is always read before them.
 * 200 windows at once on one gate are far more than people open, and leave 3,797 numbers to customers and deny rules.
 */
export const allowBand = { first: 100, last: 299 } as const;

/**
 * Plans a network security group. Customer rules are never part of a change. Planning the outcome of a plan again
 * changes nothing.
 */
export function planGate(
  group: NetworkSecurityGroup,
  intent: GateIntent,
  now: Date,
  owner: Owner,
): GatePlan {
  const live = intent.windows.filter((window) => Date.parse(window.closesAt) > now.getTime());
  const expired = intent.windows
    .filter((window) => !live.includes(window))
    .map((window) => window.windowId);
  const denyRules = denyDrafts(intent, owner);
  const allowRules = allowDrafts(live, owner);
  const places = new Places(group, [...denyRules, ...allowRules], owner);

  const denies = denyRules.map((draft) => places.deny(draft));
  const allows = allowRules.map((draft) => places.allow(draft));

  const wanted = [...denies, ...allows].flatMap((placed) =>
    placed.rule === undefined ? [] : [placed.rule],
  );
  return {
    changes: changesBetween(places.owned, wanted),
    results: Object.fromEntries(
      live.map((window) => [window.windowId, resultOf(window.windowId, allows)]),
    ),
    findings: denies.flatMap((placed) => [
      ...placed.faults,
      ...(placed.rule === undefined ? [] : places.exposures(placed)),
    ]),
    expired,
  };
}

interface Placed {
  readonly draft: RuleDraft;
  /** Absent when no place was found, or none would help. */
  readonly rule?: SecurityRule;
  readonly faults: readonly Reason[];
}

/** Gives drafts their priorities; a rule of ours that stands in a good place keeps it. */
class Places {
  readonly owned: readonly SecurityRule[];
  readonly #customer: readonly SecurityRule[];
  readonly #taken: Set<number>;
  readonly #groupName: string;
  #count: number;

  constructor(group: NetworkSecurityGroup, drafts: readonly RuleDraft[], owner: Owner) {
    this.owned = group.rules.filter((rule) => isOwned(rule, owner));
    this.#customer = group.rules.filter(
      (rule) => !isOwned(rule, owner) && rule.direction === "Inbound",
    );
    // Rules that nobody wants any longer are deleted first: their priorities are free.
    const kept = this.owned.filter((rule) =>
      drafts.some((draft) => sameName(draft.rule.name, rule.name)),
    );
    this.#taken = new Set(
      [...this.#customer, ...kept.filter((rule) => rule.direction === "Inbound")].map(
        (rule) => rule.priority,
      ),
    );
    this.#groupName = resourceName(group.id);
    this.#count = group.rules.length - this.owned.length + kept.length;
  }

  allow(draft: RuleDraft): Placed {
    const priority =
      this.#keptPriority(draft, allowBand.first, allowBand.last) ??
      this.#take(allowBand.first, allowBand.last);
    if (priority === undefined) {
      return {
        draft,
        faults: [
          this.#full(
            `no free priority from ${allowBand.first} to ${allowBand.last} for another allow rule`,
          ),
        ],
      };
    }
    const rule = { ...draft.rule, priority };
    const blocking = this.#customer.find(
      (other) =>
        other.access === "Deny" && other.priority < priority && certainlyBlocks(other, rule),
    );
    if (blocking === undefined) {
      return { draft, rule, faults: [] };
    }
    const message = `Rule '${blocking.name}' (priority ${blocking.priority}) of network security group '${this.#groupName}' denies this traffic before an allow rule of ours would be read. Its owner has to narrow it or give it a higher number than ${allowBand.last}.`;
    return { draft, faults: [{ code: "BlockedByCustomerRule", message, target: blocking.name }] };
  }

  /**
   * A deny rule yields to the customer's allow rules that stand when it is first placed; where it stands later is its
   * place. Customer deny rules do not matter to it: two denies have the same effect in either order, and a closing
   * deny-all at 4096 would leave no room behind itself.
   */
  deny(draft: RuleDraft): Placed {
    const behind = allowBand.last + 1;
    const after = this.#customer
      .filter((rule) => rule.access === "Allow" && mayTouch(rule, draft.rule))
      .reduce((last, rule) => Math.max(last, rule.priority + 1), behind);
    const priority =
      this.#keptPriority(draft, behind, nsgLimits.highestPriority) ??
      this.#take(after, nsgLimits.highestPriority);
    return priority === undefined
      ? {
          draft,
          faults: [
            this.#full(
              `no free priority from ${after} to ${nsgLimits.highestPriority} for the deny rule of '${resourceName(draft.vmId)}'`,
            ),
          ],
        }
      : { draft, rule: { ...draft.rule, priority }, faults: [] };
  }

  /** Customer allow rules that are read before a deny rule of ours and leave one of its ports open. */
  exposures({ draft, rule }: Placed): readonly Reason[] {
    return this.#customer
      .filter(
        (other) =>
          other.access === "Allow" &&
          other.priority < (rule?.priority ?? 0) &&
          mayTouch(other, draft.rule),
      )
      .map((other) => ({
        code: "ExposedByCustomerRule",
        message: `Rule '${other.name}' (priority ${other.priority}) of network security group '${this.#groupName}' lets traffic to a protected port of '${resourceName(draft.vmId)}' through before our deny rule is read.`,
        target: other.name,
      }));
  }

  #keptPriority(draft: RuleDraft, first: number, last: number): number | undefined {
    const present = this.#present(draft);
    const isKept =
      present?.direction === "Inbound" && present.priority >= first && present.priority <= last;
    return isKept ? present.priority : undefined;
  }

  #take(first: number, last: number): number | undefined {
    if (this.#count >= nsgLimits.rules) {
      return undefined;
    }
    for (let priority = first; priority <= last; priority += 1) {
      if (!this.#taken.has(priority)) {
        this.#taken.add(priority);
        this.#count += 1;
        return priority;
      }
    }
    return undefined;
  }

  #present(draft: RuleDraft): SecurityRule | undefined {
    return this.owned.find((rule) => sameName(rule.name, draft.rule.name));
  }

  #full(what: string): Reason {
    return {
      code: "GateFull",
      message: `Network security group '${this.#groupName}' has ${what}, or holds ${nsgLimits.rules} rules already.`,
      target: this.#groupName,
    };
  }
}

function resultOf(windowId: string, allows: readonly Placed[]): WindowResult {
  const own = allows.filter((placed) => placed.draft.windowIds.includes(windowId));
  const reasons = own.flatMap((placed) => placed.faults);
  return reasons.length > 0
    ? { state: "failed", reasons }
    : {
        state: "open",
        rules: own.flatMap((placed) => (placed.rule === undefined ? [] : [placed.rule.name])),
      };
}

function changesBetween(
  owned: readonly SecurityRule[],
  wanted: readonly SecurityRule[],
): readonly RuleChange[] {
  const deletes = owned
    .filter((rule) => !wanted.some((other) => sameName(other.name, rule.name)))
    .map((rule): RuleChange => ({ kind: "delete", name: rule.name }));
  const puts = wanted
    .filter(
      (rule) => !owned.some((other) => sameName(other.name, rule.name) && sameRule(other, rule)),
    )
    .map((rule): RuleChange => ({ kind: "put", rule }));
  return [...deletes, ...puts];
}

function sameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

/** Whether two rules say the same, whatever the order and case in which they list it. */
export function sameRule(left: SecurityRule, right: SecurityRule): boolean {
  return JSON.stringify(canonical(left)) === JSON.stringify(canonical(right));
}

function canonical(rule: SecurityRule): unknown {
  const sorted = (list: readonly string[]) => list.map((entry) => entry.toLowerCase()).toSorted();
  return [
    rule.priority,
    rule.direction,
    rule.access,
    rule.protocol.toLowerCase(),
    sorted(rule.sources),
    sorted(rule.sourceGroups),
    sorted(rule.sourcePorts),
    sorted(rule.destinations),
    sorted(rule.destinationGroups),
    sorted(rule.destinationPorts),
    rule.description,
  ];
}
