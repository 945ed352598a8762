import type { FirewallRule } from "./firewall.ts";
import type { DesiredDeny, Owner } from "./intent.ts";
import { nsgLimits, type SecurityRule } from "./nsg.ts";

/** Every rule name of ours starts with this; the deployment's tag follows. */
const ownedPrefix = "JitAccess-";

/** What {@link denyRuleName}, {@link allowRuleName} and {@link dnatRuleName} make, and nothing else; the first group is the tag. */
const ownedName =
  /^JitAccess-([0-9a-f]{6})-(?:Deny-[0-9a-f]{16}|(?:Allow|Dnat)-[0-9a-f-]{36}-\d{1,2}-\d{1,5})-v[46]$/i;

/**
 * Whether a rule belongs to this deployment, and may be changed and deleted: by its whole name, as a customer may begin one
 * like ours, and its direction, as all of ours are inbound. Azure compares names without case.
 */
export function isOwned(
  rule:
    | Pick<SecurityRule, "name" | "direction">
    | Pick<FirewallRule, "name" | "kind" | "collection">,
  owner: Pick<Owner, "tag">,
): boolean {
  const [, tag] = ownedName.exec(rule.name) ?? [];
  const isOurPlace =
    "kind" in rule ? isOwnCollection(rule.collection, owner) : rule.direction === "Inbound";
  return isOurPlace && tag?.toLowerCase() === owner.tag.toLowerCase();
}

/** The rule collections of ours that a firewall may carry; of a policy they stand in {@link ownGroupName}. */
export function ownCollections(owner: Pick<Owner, "tag">) {
  const name = (of: string) => `${ownGroupName(owner)}-${of}`;
  return { dnat: name("Dnat"), allow: name("Allow"), deny: name("Deny") } as const;
}

/** Whether a rule collection of a firewall is, by its name, that of some deployment's deny rules. */
export const isDenyCollection = (collection: string): boolean =>
  /^JitAccess-[0-9a-f]{6}-Deny$/i.test(collection);

/** The name of our rule collection group of a firewall policy. */
export const ownGroupName = ({ tag }: Pick<Owner, "tag">): string => `${ownedPrefix}${tag}`;

/** Whether a rule collection of a firewall is one of ours, by its name. */
export function isOwnCollection(collection: string, owner: Pick<Owner, "tag">): boolean {
  return Object.values(ownCollections(owner)).some((own) => sameName(own, collection));
}

/** Whether two rule names are the same to Azure. */
export function sameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

/** Whether a firewall's rule stands in a collection of some deployment of ours under a name of that deployment's. */
export function isDeployed(rule: Pick<FirewallRule, "name" | "kind" | "collection">): boolean {
  const [, tag] = ownedName.exec(rule.name) ?? [];
  return tag !== undefined && isOwned(rule, { tag });
}

/** Name of a VM's deny rule on a gate; at most 44 characters whatever the VM is called. */
export function denyRuleName(
  owner: Owner,
  deny: Pick<DesiredDeny, "vmKey">,
  family: 4 | 6,
): string {
  return `${ownedPrefix}${owner.tag}-Deny-${deny.vmKey}-v${family}`;
}

/** Name of a window's allow rule; at most 74 characters. */
export function allowRuleName(owner: Owner, windowId: string, family: 4 | 6): string {
  return `${ownedPrefix}${owner.tag}-Allow-${windowId}-v${family}`;
}

/** The window whose name a rule of some deployment of ours bears, lower-case; nothing of a deny rule, or one that is not ours. */
export function windowOfRule(ruleName: string): string | undefined {
  return /^JitAccess-[0-9a-f]{6}-(?:Allow|Dnat)-([0-9a-f-]{36}-\d{1,2}-\d{1,5})-v[46]$/i
    .exec(ruleName)?.[1]
    ?.toLowerCase();
}

/** Name of the rule of a firewall that leads to a window's VM. */
export function dnatRuleName(owner: Owner, windowId: string): string {
  return `${ownedPrefix}${owner.tag}-Dnat-${windowId}-v4`;
}

const beforeOthers = ": closed but for granted windows, before other rules, VM ";

/**
 * Description of a deny rule, cut to Azure's length from its least important end. It tells whether the rule goes before
 * customer rules, so that one that did, and shall no longer, can be told from one that they came behind.
 */
export function denyDescription(owner: Owner, vmName: string, takesPriority = false): string {
  const closed = takesPriority ? beforeOthers : ": closed but for granted windows, VM ";
  return cut(`JIT Access '${owner.name}'${closed}${vmName}`);
}

/** Whether a deny rule's description says that it went before customer rules. */
export function tookPriority({ description }: Pick<SecurityRule, "description">): boolean {
  return description.includes(beforeOthers);
}

/**
 * Description of an allow rule. It carries the window and its end, so that whoever looks at the group can tell
 * when it closes, and close it by hand, without this service.
 */
export function allowDescription(
  owner: Owner,
  windowId: string,
  end: string,
  vmName: string,
): string {
  return cut(`JIT Access '${owner.name}': closes ${end} window ${windowId} VM ${vmName}`);
}

/** The end of the window an allow rule's description tells, ISO 8601, or nothing when it tells none. */
export function closesAtOf(rule: Pick<SecurityRule, "description">): string | undefined {
  return /: closes (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?Z) window /.exec(
    rule.description,
  )?.[1];
}

/** NB. Never through the middle of a character: half of one is not stored as sent, and the rule would differ for ever. */
function cut(text: string): string {
  return text.slice(0, nsgLimits.descriptionLength).replace(/[\uD800-\uDBFF]$/, "");
}
